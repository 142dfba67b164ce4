package store

import (
	"context"

	"github.com/yiyuan-bus/yiyuan/gateway/quota"
)

// Renamed returns a cache that keeps views under other names than their own; one that is
// not in names keeps its own. So a view that shows otherwise than it did is filled anew,
// beside what is kept of it as it was.
func Renamed(c Cache, names map[string]string) Cache {
	if len(names) == 0 {
		return c
	}
	return &renamed{c, names}
}

type renamed struct {
	Cache
	names map[string]string
}

func (r *renamed) name(view string) string {
	if other := r.names[view]; other != "" {
		return other
	}
	return view
}

func (r *renamed) all(views []string) []string {
	out := make([]string, len(views))
	for i, v := range views {
		out[i] = r.name(v)
	}
	return out
}

func (r *renamed) Get(ctx context.Context, view string, keys []Digest, into []Stored, reserve *quota.Reservation) error {
	return r.Cache.Get(ctx, r.name(view), keys, into, reserve)
}

func (r *renamed) Apply(ctx context.Context, g Generation, b Batch) error {
	b.View = r.name(b.View)
	return r.Cache.Apply(ctx, g, b)
}

func (r *renamed) Progress(ctx context.Context, g Generation, views []string) (map[string]Progress, error) {
	found, err := r.Cache.Progress(ctx, g, r.all(views))
	if err != nil {
		return nil, err
	}
	out := make(map[string]Progress, len(found))
	for _, v := range views {
		if p, there := found[r.name(v)]; there {
			out[v] = p
		}
	}
	return out, nil
}

func (r *renamed) Seal(ctx context.Context, g Generation, view string, have map[int32]int64) error {
	return r.Cache.Seal(ctx, g, r.name(view), have)
}

func (r *renamed) Flip(ctx context.Context, from, to Generation, views []string) error {
	return r.Cache.Flip(ctx, from, to, r.all(views))
}

func (r *renamed) RemoveFormer(ctx context.Context, keep []string, loaded func() bool) error {
	return r.Cache.RemoveFormer(ctx, r.all(keep), loaded)
}

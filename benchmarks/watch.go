package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// watch notes, until ctx ends, when each change is visible to a plain consumer
// of the topics it passes: as the department said it, as a claim, masked.
func (s deployment) watch(ctx context.Context, group *errgroup.Group, f *stream) error {
	d, err := s.Catalogue.Dataset(changed)
	if err != nil {
		return err
	}
	view, err := s.Catalogue.View(site.Asked)
	if err != nil {
		return err
	}
	masks, err := masking.Compile(view, view.Entity.Layout, s.Catalogue.City, s.Keys)
	if err != nil {
		return err
	}
	tokens := map[string]int{}
	for i, key := range f.people {
		tokens[masks.Key(key)] = i
	}
	rows, claims, shown := s.Codec.Reader(d.Layout), s.Codec.Reader(contract.ClaimLayout), s.Codec.Reader(view.Layout)
	number := func(row schemas.Record, err error) (int, error) {
		if err != nil {
			return -1, err
		}
		return version(row.Get(column).Str()), nil
	}
	for _, w := range []struct {
		topic contract.Topic
		stage []stamp
		read  func(r *bus.Record) (person, version int, err error)
	}{
		{contract.Raw(changed), f.raw, func(r *bus.Record) (int, int, error) {
			row, err := rows.Decode(ctx, r.Value)
			if err != nil {
				return 0, -1, err
			}
			return f.index[row.Get("GMSFHM").Str()], version(row.Get(column).Str()), nil
		}},
		{contract.Claims("person"), f.claims, func(r *bus.Record) (int, int, error) {
			record, err := claims.Decode(ctx, r.Value)
			if err != nil {
				return 0, -1, err
			}
			c, err := claim.Parse(record)
			if err != nil || c.Dataset != changed || c.Retract {
				return 0, -1, err
			}
			v, err := number(rows.Decode(ctx, []byte(c.Value)))
			return f.index[string(r.Key)], v, err
		}},
		{contract.Shared(site.Asked), f.shared, func(r *bus.Record) (int, int, error) {
			person, ok := tokens[string(r.Key)]
			if !ok || r.Value == nil {
				return 0, -1, nil
			}
			v, err := number(shown.Decode(ctx, r.Value))
			return person, v, err
		}},
	} {
		ends, err := s.Bus.EndOffsets(ctx, w.topic)
		if err != nil {
			return err
		}
		at := make([]int, len(f.people))
		cfg := bus.FollowConfig{Topics: []contract.Topic{w.topic}, Start: func(t contract.Topic, p int32) int64 { return ends[t][p] }}
		group.Go(func() error {
			err := s.Bus.Follow(ctx, cfg, func(_ context.Context, records []bus.Record) error {
				for i := range records {
					person, v, err := w.read(&records[i])
					if err != nil {
						return err
					}
					if v > at[person] {
						f.reach(w.stage, person, at[person], v)
						at[person] = v
					}
				}
				return nil
			})
			if ctx.Err() != nil {
				return nil // told to stop, or another part failed and says so
			}
			return err
		})
	}
	return nil
}

package redis

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// maxScript bounds the records of one script: Redis does nothing else meanwhile.
const maxScript = 500

// Apply writes a batch, in several scripts if it is long.
func (s *Store) Apply(ctx context.Context, g store.Generation, b store.Batch) error {
	for len(b.Writes) > maxScript {
		head := b
		// The mark stays where it is until the last part: what is written twice changes nothing.
		head.Writes, head.Next = b.Writes[:maxScript], b.From
		if err := s.apply(ctx, g, head); err != nil {
			return err
		}
		b.Writes = b.Writes[maxScript:]
	}
	if err := s.apply(ctx, g, b); err != nil {
		return err
	}
	s.instance.wrote(b)
	return nil
}

func (s *Store) apply(ctx context.Context, g store.Generation, b store.Batch) error {
	if s.guard.evicts.Load() {
		return fmt.Errorf("write view %q: %w", b.View, ErrEvicts)
	}
	space := s.generations.space(g)
	keys := make([]string, 2, 2+len(b.Writes))
	keys[0], keys[1] = space.marks(b.View), space.withheld(b.View)
	size := 0
	var newest time.Time
	for _, w := range b.Writes {
		keys = append(keys, space.record(b.View, w.Key))
		size += headerBytes + len(w.Value)
		if w.Time.After(newest) {
			newest = w.Time
		}
	}
	args := make([]any, 5, 5+len(b.Writes))
	args[0], args[1], args[2] = b.Partition, b.From, b.Next
	args[3], args[4] = max(newest.UnixMilli(), 0), s.cfg.TombstoneTTL.Milliseconds()
	packed := make([]byte, 0, size)
	for _, w := range b.Writes {
		from := len(packed)
		packed = pack(packed, w)
		args = append(args, packed[from:])
	}
	written, err := applyScript.Run(ctx, s.writer, keys, args...).Int()
	if err != nil {
		return fmt.Errorf("write view %q: %w", b.View, err)
	}
	if written == -2 {
		return fmt.Errorf("write view %q: %w", b.View, store.ErrRemoving)
	}
	if written < 0 {
		s.metrics.lost.Inc()
		s.instance.emptied() // and Current need not count it again
		return fmt.Errorf("write view %q partition %d: %w", b.View, b.Partition, store.ErrLost)
	}
	s.metrics.writes.WithLabelValues("applied").Add(float64(written))
	s.metrics.writes.WithLabelValues("stale").Add(float64(len(b.Writes) - written))
	return nil
}

// Progress reads the marks of views in one go. Who asks uses the views: they are not
// removed while somebody goes on asking.
func (s *Store) Progress(ctx context.Context, g store.Generation, views []string) (map[string]store.Progress, error) {
	if s.guard.evicts.Load() {
		return nil, fmt.Errorf("read marks of generation %q: %w", g, ErrEvicts)
	}
	space := s.generations.space(g)
	pipe := s.writer.Pipeline()
	marks := make([]*goredis.MapStringStringCmd, len(views))
	ready := make([]*goredis.IntCmd, len(views))
	withheld := make([]*goredis.SliceCmd, len(views))
	for i, v := range views {
		marks[i], ready[i], withheld[i] = pipe.HGetAll(ctx, space.marks(v)), pipe.Exists(ctx, space.ready(v)), pipe.MGet(ctx, space.withheld(v))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read marks of generation %q: %w", g, err)
	}
	out := make(map[string]store.Progress, len(views))
	for i, v := range views {
		p, err := progress(marks[i].Val())
		if err != nil {
			return nil, fmt.Errorf("read marks of view %q: %w", v, err)
		}
		p.Ready = ready[i].Val() > 0
		if text, there := withheld[i].Val()[0].(string); there {
			if p.Withheld, err = strconv.ParseInt(text, 10, 64); err != nil {
				return nil, fmt.Errorf("read how many records of view %q are withheld: %w", v, err)
			}
		}
		out[v] = p
	}
	if s.generations.isCurrent(g) {
		s.instance.seen(out)
	}
	s.former.hold(ctx, space, slices.DeleteFunc(slices.Clone(views), func(v string) bool {
		return len(out[v].Next) == 0 && !out[v].Ready // there is nothing to hold, or it was dropped
	}))
	return out, nil
}

// Seal declares a view complete.
func (s *Store) Seal(ctx context.Context, g store.Generation, view string, have map[int32]int64) error {
	if s.guard.evicts.Load() {
		return fmt.Errorf("seal view %q: %w", view, ErrEvicts)
	}
	space := s.generations.space(g)
	args := make([]any, 0, 2*len(have))
	for partition, next := range have {
		args = append(args, partition, next)
	}
	done, err := sealScript.Run(ctx, s.writer, []string{space.marks(view), space.ready(view)}, args...).Int()
	if err != nil {
		return fmt.Errorf("seal view %q: %w", view, err)
	}
	if done == -2 {
		return fmt.Errorf("seal view %q: %w", view, store.ErrRemoving)
	}
	if done < 0 {
		s.metrics.lost.Inc()
		s.instance.emptied() // and Current need not count it again
		return fmt.Errorf("seal view %q: %w", view, store.ErrLost)
	}
	if s.generations.isCurrent(g) {
		s.instance.sealed(view, have)
	}
	return nil
}

// Current returns the current generation; the first caller names the first one.
func (s *Store) Current(ctx context.Context) (store.Generation, error) {
	if s.guard.evicts.Load() {
		return "", fmt.Errorf("read current generation: %w", ErrEvicts)
	}
	if err := s.generations.refresh(ctx); err != nil {
		return "", err
	}
	if now := s.generations.now.Load(); now != nil {
		return now.generation, nil
	}
	first, err := s.Begin(ctx)
	if err != nil {
		return "", err
	}
	if err := s.writer.SetNX(ctx, s.generations.pointer(), string(first), 0).Err(); err != nil {
		return "", fmt.Errorf("name the first generation: %w", err)
	}
	if s.instance.emptied() { // emptied, or started again without its file: nobody wrote meanwhile
		s.metrics.lost.Inc()
	}
	if err := s.generations.refresh(ctx); err != nil {
		return "", err
	}
	now := s.generations.now.Load()
	if now == nil {
		return "", fmt.Errorf("read current generation: %w", store.ErrLost)
	}
	return now.generation, nil
}

// Begin returns a name that no other generation of this Redis has had.
func (s *Store) Begin(ctx context.Context) (store.Generation, error) { return s.generations.begin(ctx) }

// Flip makes to the current generation.
func (s *Store) Flip(ctx context.Context, from, to store.Generation, views []string) error {
	if err := s.generations.replace(ctx, from, to, views); err != nil {
		return fmt.Errorf("flip to generation %q: %w", to, err)
	}
	return s.generations.refresh(ctx)
}

// Drop unlinks every key of a generation that is not the current one.
func (s *Store) Drop(ctx context.Context, g store.Generation) error {
	return s.generations.drop(ctx, g)
}

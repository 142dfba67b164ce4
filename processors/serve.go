package processors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// Serve runs the steps of a process on a state that they share, until ctx ends
// or one of them fails. State that turns out to be damaged on the disk is thrown
// away and restored from the changelogs. cfg.Store is Serve's own.
func Serve(ctx context.Context, b *bus.Bus, where state.Options, steps []Step, cfg Config, log *slog.Logger) error {
	for {
		err := serve(ctx, b, where, steps, cfg, log)
		if !errors.Is(err, state.ErrDamaged) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err() // the next start will notice it as well
		}
		cfg.Metrics.m.damaged.Inc()
		log.Error("状态已损坏，丢弃后从变更日志恢复；请检查磁盘 / state is damaged, throwing it away and restoring it from the changelogs; check the disk", "dir", where.Dir, "error", err)
		if err := state.Discard(where); err != nil {
			return err
		}
	}
}

// serve runs the steps on the state as it is.
func serve(ctx context.Context, b *bus.Bus, where state.Options, steps []Step, cfg Config, log *slog.Logger) error {
	where.Full = func(full bool) {
		if full {
			log.Error("状态目录所在磁盘已满，处理暂停；清出空间后自动继续 / the disk of the state is full: processing pauses, and goes on by itself once there is room", "dir", where.Dir)
		} else {
			log.Warn("状态目录所在磁盘有空间了，处理继续 / there is room on the disk of the state again: processing goes on", "dir", where.Dir)
		}
	}
	store, err := state.Open(where)
	if err != nil {
		return err
	}
	cfg.Store = store
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return store.Guard(ctx) })
	for _, s := range steps {
		group.Go(func() error {
			if err := Run(ctx, b, s, cfg, log); err != nil {
				return fmt.Errorf("step %s: %w", s.Name, err)
			}
			return nil
		})
	}
	ended := make(chan error, 1)
	go func() { ended <- group.Wait() }()
	select {
	case err = <-ended:
	case <-store.Stranded():
		return state.ErrFull
	}
	if damage := store.Damage(); damage != nil {
		err = damage // whatever a step has met first is its consequence
	}
	if closed := store.Close(); closed != nil {
		if !errors.Is(err, state.ErrDamaged) {
			return errors.Join(err, closed)
		}
		log.Warn("damaged state was not closed in good order", "error", closed)
	}
	return err
}

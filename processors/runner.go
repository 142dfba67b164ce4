package processors

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Run runs a step until ctx ends or the step fails. Records, state and timers
// take effect exactly once; a crash at any point, of any process, changes
// nothing in the results.
func Run(ctx context.Context, b *bus.Bus, s Step, cfg Config, log *slog.Logger) error {
	if cfg.Store == nil || cfg.Metrics == nil || cfg.Instance == "" {
		return fmt.Errorf("run step %q: Config needs Store, Metrics and Instance", s.Name)
	}
	if cfg.Workers == 0 {
		cfg.Workers = 2
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	id, err := b.Identity(ctx, contract.State(s.Name))
	if err != nil {
		return fmt.Errorf("run step %q: %w", s.Name, err)
	}
	if err := cfg.Store.Bind(s.Name, id[:]); err != nil {
		return fmt.Errorf("run step %q: %w", s.Name, err)
	}
	partitions, err := b.Partitions(ctx, contract.State(s.Name))
	if err != nil {
		return fmt.Errorf("run step %q: %w", s.Name, err)
	}
	held := newHoldings(cfg.Clock())
	group, ctx := errgroup.WithContext(ctx)
	for i := range cfg.Workers {
		w, err := newWorker(s, cfg, held)
		if err != nil {
			return err
		}
		group.Go(func() error {
			defer w.Abort()
			return b.Transact(ctx, engine.Transaction{
				Group: s.Name, From: s.From, Changelog: contract.State(s.Name), MaxRecords: cfg.MaxRecords, MaxBytes: cfg.MaxBytes, Interval: cfg.CommitInterval,
				Member: cfg.Instance + "-" + strconv.Itoa(i),
			}, w)
		})
	}
	if cfg.Standby > 0 {
		group.Go(func() error {
			return b.Shadow(ctx, s.Name, contract.State(s.Name), newStandby(s.Name, cfg, held, partitions))
		})
	} else {
		group.Go(func() error { return forget(ctx, s.Name, cfg, held, partitions, log) })
	}
	log.Info("step running", "step", s.Name, "workers", cfg.Workers, "standby", cfg.Standby)
	return group.Wait()
}

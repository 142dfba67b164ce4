package processors

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/state"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Config says how steps run in this process.
type Config struct {
	Store      *state.Store // shared by all steps of the process
	Workers    int          // of each step; 2, so that one works while another commits
	MaxRecords int          // of one transaction at the most; 20,000
	MaxBytes   int          // of one transaction, give or take a poll; 16 MiB
	// CommitInterval is how long a transaction may go on taking in records; 100
	// ms. When no more are there it is committed at once.
	CommitInterval time.Duration
	// Standby, if not 0, keeps the state of the partitions that other processes
	// hold warm in this one, so that a take-over rolls forward a tail only. It
	// costs the disk and the reading of the whole changelog in every process.
	Standby  int
	Instance string // names this process among those that share the work, stable over restarts
	Clock    func() time.Time
	Metrics  *Metrics
}

// maxStateAge is how old local state may be to be rolled forward. Older state
// may have missed a tombstone that compaction has removed since (the changelog
// keeps them for 24 hours), which would bring a deleted key back to life.
const maxStateAge = 20 * time.Hour

// Run runs a step until ctx ends or the step fails. Records, state and timers
// take effect exactly once; a crash at any point, of any process, changes
// nothing in the results.
func Run(ctx context.Context, b *bus.Bus, t Topology, cfg Config, log *slog.Logger) error {
	if cfg.Store == nil || cfg.Metrics == nil || cfg.Instance == "" {
		return fmt.Errorf("run step %q: Config needs Store, Metrics and Instance", t.Name)
	}
	if cfg.Workers == 0 {
		cfg.Workers = 2
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	id, err := b.Identity(ctx, contract.State(t.Name))
	if err != nil {
		return fmt.Errorf("run step %q: %w", t.Name, err)
	}
	if err := cfg.Store.Bind(t.Name, id[:]); err != nil {
		return fmt.Errorf("run step %q: %w", t.Name, err)
	}
	partitions, err := b.Partitions(ctx, contract.State(t.Name))
	if err != nil {
		return fmt.Errorf("run step %q: %w", t.Name, err)
	}
	held := newHoldings(cfg.Clock())
	group, ctx := errgroup.WithContext(ctx)
	for i := range cfg.Workers {
		w, err := newWorker(t, cfg, held)
		if err != nil {
			return err
		}
		group.Go(func() error {
			defer w.Abort()
			return b.Transact(ctx, bus.Transaction{
				Group: t.Name, From: t.From, Changelog: contract.State(t.Name), MaxRecords: cfg.MaxRecords, MaxBytes: cfg.MaxBytes, Interval: cfg.CommitInterval,
				Member: cfg.Instance + "-" + strconv.Itoa(i),
			}, w)
		})
	}
	if cfg.Standby > 0 {
		group.Go(func() error {
			return b.Shadow(ctx, t.Name, contract.State(t.Name), newStandby(t.Name, cfg, held, partitions))
		})
	} else {
		group.Go(func() error { return forget(ctx, t.Name, cfg, held, partitions, log) })
	}
	log.Info("step running", "step", t.Name, "workers", cfg.Workers, "standby", cfg.Standby)
	return group.Wait()
}

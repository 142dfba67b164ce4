// Package fleet runs the sources of one process, and lets each be stopped, started,
// retired and read again by itself, over HTTP. A source that fails for good stays down, with its
// reason, and does not take the others with it. What a person asks of one is written into
// its status first of all, so that a restart does not forget it.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Fleet is the sources of this process.
type Fleet struct {
	parts Parts

	mu      sync.Mutex
	ctx     context.Context //nolint:containedctx // the process's own, set once by Run, parent of every source's
	members map[string]*member
	running sync.WaitGroup
}

// Parts are what a fleet acts through.
type Parts struct {
	// Run publishes one source, see connectors.Run.
	Run func(ctx context.Context, cfg connectors.Config) error
	// What a person asks of a source that is down, of this process or none, is written
	// into its status; by is who asks.
	Stop, Retire func(ctx context.Context, name, by string) error
	Start        func(ctx context.Context, name string) error
	Resync       func(ctx context.Context, name string, accept int64) error
	Backfill     func(ctx context.Context, name string, order contract.Backfill) error
	// A person's answer about a backfill: so many deletes are well, or it is given up.
	AcceptBackfill func(ctx context.Context, name string, id, accept int64) error
	CancelBackfill func(ctx context.Context, name string, id int64) error
	Dry            func(ctx context.Context, cfg connectors.Config) ([]connectors.Difference, error)
	Drop           func(ctx context.Context, cfg connectors.Config, at schemas.Position) ([]string, error)
	Logger         *slog.Logger
}

// On returns the parts that run sources of those kinds on a bus.
func On(b *bus.Bus, c *codec.Codec, kinds connectors.Kinds, log *slog.Logger) Parts {
	return Parts{
		Run: func(ctx context.Context, cfg connectors.Config) error {
			kind, err := kinds.Find(cfg.Kind)
			if err != nil {
				return err
			}
			return connectors.Run(ctx, b, c, cfg, kind.Open)
		},
		Stop:   func(ctx context.Context, name, by string) error { return connectors.Stop(ctx, b, name, by) },
		Retire: func(ctx context.Context, name, by string) error { return connectors.Retire(ctx, b, name, by) },
		Start:  func(ctx context.Context, name string) error { return connectors.Start(ctx, b, name) },
		Resync: func(ctx context.Context, name string, accept int64) error {
			return connectors.Resync(ctx, b, name, accept)
		},
		Backfill: func(ctx context.Context, name string, order contract.Backfill) error {
			return connectors.Backfill(ctx, b, name, order)
		},
		AcceptBackfill: func(ctx context.Context, name string, id, accept int64) error {
			return connectors.AcceptBackfill(ctx, b, name, id, accept)
		},
		CancelBackfill: func(ctx context.Context, name string, id int64) error {
			return connectors.CancelBackfill(ctx, b, name, id)
		},
		Dry: func(ctx context.Context, cfg connectors.Config) ([]connectors.Difference, error) {
			return connectors.DryResync(ctx, b, c, cfg)
		},
		Drop: func(ctx context.Context, cfg connectors.Config, at schemas.Position) ([]string, error) {
			kind, err := kinds.Find(cfg.Kind)
			if err != nil || kind.Drop == nil {
				return nil, err
			}
			if cfg.Bus, err = connectors.BusMark(ctx, b); err != nil {
				return nil, err
			}
			return kind.Drop(ctx, cfg, at)
		},
		Logger: log,
	}
}

type member struct {
	cfg  connectors.Config
	stop context.CancelFunc
	done chan struct{}
	up   bool // launched, and not ended

	told   connectors.Told
	heard  time.Time // when it was told
	failed string    // why it ended for good

	waits *contract.Word // not run before the process starts again, and why

	stopping bool // told to stop, not down yet
	again    bool // told to start meanwhile
}

// New returns a fleet of those sources; Run starts them.
func New(parts Parts, cfgs []connectors.Config) *Fleet {
	f := &Fleet{parts: parts, members: map[string]*member{}}
	for _, cfg := range cfgs {
		m := &member{}
		cfg.Tell = func(told connectors.Told) {
			f.mu.Lock()
			defer f.mu.Unlock()
			m.told, m.heard = told, time.Now()
		}
		m.cfg = cfg
		f.members[cfg.Name] = m
	}
	return f
}

// Await adds a source that this process does not run and the next may: it is listed as waiting,
// with why and with what a person does about it, both "中文 / English".
func (f *Fleet) Await(cfg connectors.Config, why, do string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.members[cfg.Name] = &member{cfg: cfg, waits: &contract.Word{State: contract.StateWaiting, Why: why, Do: do}}
}

// Run starts every source and returns when ctx has ended and all are down.
func (f *Fleet) Run(ctx context.Context) error {
	f.mu.Lock()
	f.ctx = ctx
	for _, m := range f.members {
		f.launch(m) //nolint:contextcheck // a source lives as long as the process
	}
	f.mu.Unlock()
	<-ctx.Done()
	// Start looks at ctx and launches under the lock: who got past its look has
	// launched once the lock is ours, and nobody launches after.
	f.mu.Lock()
	f.mu.Unlock() //nolint:staticcheck // a barrier, see above
	f.running.Wait()
	return nil
}

// launch starts a member, unless it waits; f.mu is held.
func (f *Fleet) launch(m *member) {
	if m.waits != nil {
		return
	}
	ctx, stop := context.WithCancel(f.ctx)
	done := make(chan struct{})
	m.stop, m.done, m.up, m.failed, m.heard = stop, done, true, "", time.Now()
	m.told.Failure, m.stopping, m.again = "", false, false
	if m.told.Status.State == contract.StateStopped { // that was the one before
		m.told.Status.State = ""
	}
	f.running.Go(func() {
		defer close(done)
		defer stop()
		err := f.parts.Run(ctx, m.cfg)
		f.mu.Lock()
		defer f.mu.Unlock()
		m.up = false
		if err != nil && !errors.Is(err, context.Canceled) {
			m.failed = err.Error()
			f.parts.Logger.Error("source failed", "source", m.cfg.Name, "error", err)
		}
		if m.again && f.ctx.Err() == nil {
			f.launch(m) //nolint:contextcheck // a source lives as long as the process
		}
	})
}

// word says how a member does; f.mu is held.
func (m *member) word() contract.Word {
	known := contract.Known{Age: time.Since(m.heard), Here: m.up, Failure: m.told.Failure, Restarts: m.told.Restarts}
	status := m.told.Status
	switch {
	case m.waits != nil && !status.Stop:
		return *m.waits
	case m.failed != "" && status.State != contract.StateFailed: // it could not even say so
		status.State, status.Error, status.Restarts = contract.StateFailed, m.failed, 0
	case !m.up && status.State != contract.StateFailed && status.State != contract.StateRetired:
		status.State = contract.StateStopped
	}
	return status.Word(m.cfg.Name, known)
}

// ErrNotHere says that this process runs no source of that name.
var ErrNotHere = errors.New("本进程没有这个数据源 / no such source in this process")

// Stop stops a source and waits until it is down; it stays so over restarts. Its
// position is kept. by is who asks.
func (f *Fleet) Stop(ctx context.Context, name, by string) error {
	if err := f.halt(ctx, name); err != nil {
		return err
	}
	return f.order(ctx, name, func(s *contract.SourceStatus) { connectors.Down(s, contract.StateStopped, by) },
		func(ctx context.Context, name string) error { return f.parts.Stop(ctx, name, by) })
}

// order writes what a person asks of a source, which is down, into its status.
// Whoever asks here meanwhile is told so at once.
func (f *Fleet) order(ctx context.Context, name string, here func(*contract.SourceStatus), write func(ctx context.Context, name string) error) error {
	f.mu.Lock()
	m, ok := f.members[name]
	overtaken := ok && m.up
	f.mu.Unlock()
	if overtaken { // somebody has started it meanwhile: the last word counts
		return nil
	}
	if err := write(ctx, name); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if ok && !m.up {
		m.failed = ""
		here(&m.told.Status)
	}
	return nil
}

// halt ends a source for now and waits until it is down.
func (f *Fleet) halt(ctx context.Context, name string) error {
	f.mu.Lock()
	m, ok := f.members[name]
	if !ok {
		f.mu.Unlock()
		return fmt.Errorf("stop %q: %w", name, ErrNotHere)
	}
	stop, done := m.stop, m.done
	m.stopping, m.again = true, false
	f.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop %q: 还没有停下 / not down yet: %w", name, ctx.Err())
	}
}

// Start starts a source that is down; it goes on from its position. One that
// is on its way down starts again as soon as it is.
func (f *Fleet) Start(ctx context.Context, name string) error {
	f.mu.Lock()
	m, ok := f.members[name]
	if !ok {
		f.mu.Unlock()
		return fmt.Errorf("start %q: %w", name, ErrNotHere)
	}
	if m.up {
		m.again = m.stopping
		f.mu.Unlock()
		return nil
	}
	f.mu.Unlock()
	err := f.order(ctx, name, func(s *contract.SourceStatus) { s.Stop, s.StoppedBy, s.StoppedAt = false, "", 0 }, f.parts.Start)
	if err != nil && !errors.Is(err, connectors.ErrNoSource) { // one that never said anything has nothing to take back
		return err
	}
	f.wake(m) //nolint:contextcheck // a source lives as long as the process
	return nil
}

// wake launches a source that is down.
func (f *Fleet) wake(m *member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ctx == nil || f.ctx.Err() != nil: // Run will start it, or all are ending
	case m.up:
		m.again = m.stopping
	default:
		f.launch(m)
	}
}

// Retire stops a source for good: its datasets no longer wait for it. One
// that no process runs any more, because its file is gone, can be retired too.
func (f *Fleet) Retire(ctx context.Context, name, by string) error {
	if err := f.halt(ctx, name); err != nil && !errors.Is(err, ErrNotHere) {
		return err
	}
	return f.order(ctx, name, func(s *contract.SourceStatus) { connectors.Down(s, contract.StateRetired, by) },
		func(ctx context.Context, name string) error { return f.parts.Retire(ctx, name, by) })
}

// Drop removes what a source that is retired has made in the department's system, and says
// what. From then on it can only be read again from the beginning.
func (f *Fleet) Drop(ctx context.Context, name string) ([]string, error) {
	f.mu.Lock()
	m, ok := f.members[name]
	var up bool
	var at schemas.Position
	if ok {
		up, at = m.up, schemas.Position(m.told.Status.Position)
	}
	f.mu.Unlock()
	switch {
	case !ok:
		return nil, fmt.Errorf("drop what %q has made: %w", name, ErrNotHere)
	case up: // somebody has started it meanwhile
		return nil, nil
	}
	return f.parts.Drop(ctx, m.cfg, at)
}

// CannotError says that a source's kind cannot be read again, and what a person does instead.
type CannotError struct{ Why string }

// Error implements error.
func (e *CannotError) Error() string { return e.Why }

// Resync has a source read again from the beginning; it goes on by itself.
func (f *Fleet) Resync(ctx context.Context, name string, accept int64) error {
	m, err := f.rereadable(name)
	if err != nil {
		return err
	}
	if err := f.halt(ctx, name); err != nil {
		return err
	}
	write := func(ctx context.Context, name string) error { return f.parts.Resync(ctx, name, accept) }
	err = f.order(ctx, name, func(s *contract.SourceStatus) {
		s.Stop, s.State, s.Resync = false, contract.StateResync, &contract.Resync{Step: contract.ResyncAsked}
	}, write)
	f.wake(m) //nolint:contextcheck // a source lives as long as the process
	return err
}

// Answer gives a person's answer about what a source holds. Deletes of a resync are
// consented to by Resync.
func (f *Fleet) Answer(name, item string, accept bool) error {
	f.mu.Lock()
	m, ok := f.members[name]
	held := ok && m.word().State == contract.StateHeld
	f.mu.Unlock()
	switch {
	case !ok:
		return fmt.Errorf("answer %q: %w", name, ErrNotHere)
	case !held || m.cfg.Consent == nil:
		return connectors.ErrNotHeld
	}
	return m.cfg.Consent(m.cfg, item, accept)
}

// DryResync says what a resync would change, and changes nothing.
func (f *Fleet) DryResync(ctx context.Context, name string) ([]connectors.Difference, error) {
	m, err := f.rereadable(name)
	if err != nil {
		return nil, err
	}
	if m.cfg.Reread.Dry == nil {
		return nil, connectors.NoTrial(m.cfg)
	}
	return f.parts.Dry(ctx, m.cfg)
}

func (f *Fleet) rereadable(name string) (*member, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.members[name]
	if !ok {
		return nil, fmt.Errorf("resync %q: %w", name, ErrNotHere)
	}
	if m.waits != nil {
		return nil, &CannotError{m.waits.Why}
	}
	if why := m.cfg.Reread.Cannot; why != "" {
		return nil, &CannotError{why}
	}
	return m, nil
}

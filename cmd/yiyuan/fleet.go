package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// fleet runs the sources of this process and lets each be stopped and
// started by itself. A source that fails for good stays down, with its
// reason, and does not take the others with it. What a person asks of one is
// written into its status first of all, so that a restart does not forget it.
type fleet struct {
	run    func(ctx context.Context, cfg connectors.Config) error
	log    *slog.Logger
	orders orders

	mu      sync.Mutex
	ctx     context.Context //nolint:containedctx // the process's own, set once by Run, parent of every source's
	members map[string]*member
	running sync.WaitGroup
}

// orders are what a person asks of a source that is down, of this process or none.
type orders struct {
	stop, start, retire func(ctx context.Context, name string) error
	resync              func(ctx context.Context, name string, accept int64) error
	dry                 func(ctx context.Context, cfg connectors.Config) ([]connectors.Difference, error)
}

type member struct {
	cfg  connectors.Config
	stop context.CancelFunc
	done chan struct{}
	up   bool // launched, and not ended

	told   connectors.Told
	heard  time.Time // when it was told
	failed string    // why it ended for good

	stopping bool // told to stop, not down yet
	again    bool // told to start meanwhile
}

func newFleet(run func(context.Context, connectors.Config) error, log *slog.Logger, cfgs []connectors.Config) *fleet {
	f := &fleet{run: run, log: log, members: map[string]*member{}}
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

// Run starts every source and returns when ctx has ended and all are down.
func (f *fleet) Run(ctx context.Context) error {
	f.mu.Lock()
	f.ctx = ctx
	for _, m := range f.members {
		f.launch(m)
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

// launch starts a member; f.mu is held.
func (f *fleet) launch(m *member) {
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
		err := f.run(ctx, m.cfg)
		f.mu.Lock()
		defer f.mu.Unlock()
		m.up = false
		if err != nil && !errors.Is(err, context.Canceled) {
			m.failed = err.Error()
			f.log.Error("source failed", "source", m.cfg.Name, "error", err)
		}
		if m.again && f.ctx.Err() == nil {
			f.launch(m)
		}
	})
}

// word says how a member does; f.mu is held.
func (m *member) word() contract.Word {
	known := contract.Known{Age: time.Since(m.heard), Here: m.up, Failure: m.told.Failure, Restarts: m.told.Restarts}
	status := m.told.Status
	switch {
	case m.failed != "" && status.State != contract.StateFailed: // it could not even say so
		status.State, status.Error, status.Restarts = contract.StateFailed, m.failed, 0
	case !m.up && status.State != contract.StateFailed && status.State != contract.StateRetired:
		status.State = contract.StateStopped
	}
	return status.Word(m.cfg.Name, known)
}

// errNoSource says that this process runs no source of that name.
var errNoSource = errors.New("no such source in this process")

// Stop stops a source and waits until it is down; it stays so over restarts. Its
// position is kept.
func (f *fleet) Stop(ctx context.Context, name string) error {
	if err := f.halt(ctx, name); err != nil {
		return err
	}
	return f.order(ctx, name, func(s *contract.SourceStatus) { s.Stop, s.State, s.Error = true, contract.StateStopped, "" }, f.orders.stop)
}

// order writes what a person asks of a source, which is down, into its status.
// Whoever asks here meanwhile is told so at once.
func (f *fleet) order(ctx context.Context, name string, here func(*contract.SourceStatus), write func(ctx context.Context, name string) error) error {
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
func (f *fleet) halt(ctx context.Context, name string) error {
	f.mu.Lock()
	m, ok := f.members[name]
	if !ok {
		f.mu.Unlock()
		return fmt.Errorf("stop %q: %w", name, errNoSource)
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
func (f *fleet) Start(ctx context.Context, name string) error {
	f.mu.Lock()
	m, ok := f.members[name]
	if !ok {
		f.mu.Unlock()
		return fmt.Errorf("start %q: %w", name, errNoSource)
	}
	if m.up {
		m.again = m.stopping
		f.mu.Unlock()
		return nil
	}
	f.mu.Unlock()
	err := f.order(ctx, name, func(s *contract.SourceStatus) { s.Stop = false }, f.orders.start)
	if err != nil && !errors.Is(err, connectors.ErrNoSource) { // one that never said anything has nothing to take back
		return err
	}
	f.wake(m)
	return nil
}

// wake launches a source that is down.
func (f *fleet) wake(m *member) {
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
func (f *fleet) Retire(ctx context.Context, name string) error {
	if err := f.halt(ctx, name); err != nil && !errors.Is(err, errNoSource) {
		return err
	}
	return f.order(ctx, name, func(s *contract.SourceStatus) { s.State, s.Error = contract.StateRetired, "" }, f.orders.retire)
}

// noRereadError says that a source's kind cannot be read again.
type noRereadError struct{ why string }

func (e *noRereadError) Error() string { return e.why }

// Resync has a source read again from the beginning; it goes on by itself.
func (f *fleet) Resync(ctx context.Context, name string, accept int64) error {
	m, err := f.rereadable(name)
	if err != nil {
		return err
	}
	if err := f.halt(ctx, name); err != nil {
		return err
	}
	write := func(ctx context.Context, name string) error { return f.orders.resync(ctx, name, accept) }
	err = f.order(ctx, name, func(s *contract.SourceStatus) {
		s.Stop, s.State, s.Resync = false, contract.StateResync, &contract.Resync{Step: contract.ResyncAsked}
	}, write)
	f.wake(m)
	return err
}

// Answer gives a person's answer about what a source holds. Deletes of a resync are
// consented to by Resync.
func (f *fleet) Answer(name, item string, accept bool) error {
	f.mu.Lock()
	m, ok := f.members[name]
	held := ok && m.word().State == contract.StateHeld
	f.mu.Unlock()
	switch {
	case !ok:
		return fmt.Errorf("answer %q: %w", name, errNoSource)
	case !held || m.cfg.Consent == nil:
		return connectors.ErrNotHeld
	}
	return m.cfg.Consent(m.cfg, item, accept)
}

// DryResync says what a resync would change, and changes nothing.
func (f *fleet) DryResync(ctx context.Context, name string) ([]connectors.Difference, error) {
	m, err := f.rereadable(name)
	if err != nil {
		return nil, err
	}
	return f.orders.dry(ctx, m.cfg)
}

func (f *fleet) rereadable(name string) (*member, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.members[name]
	if !ok {
		return nil, fmt.Errorf("resync %q: %w", name, errNoSource)
	}
	if why := m.cfg.Reread.Cannot; why != "" {
		return nil, &noRereadError{why}
	}
	return m, nil
}

// sourceLine is one line of GET /sources on the admin listener.
type sourceLine struct {
	Name     string           `json:"name"`
	Kind     string           `json:"kind"`
	Datasets []string         `json:"datasets"`
	State    string           `json:"state"`
	Reason   string           `json:"reason,omitempty"`
	Do       string           `json:"do,omitempty"`
	Rows     int64            `json:"rows"`
	Resync   *contract.Resync `json:"resync,omitempty"`
}

// Status lists the sources by name.
func (f *fleet) Status() []sourceLine {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]sourceLine, 0, len(f.members))
	for _, m := range f.members {
		w := m.word()
		s := sourceLine{Name: m.cfg.Name, Kind: m.cfg.Kind, State: w.State, Reason: w.Why, Do: w.Do, Rows: m.told.Status.Rows, Resync: m.told.Status.Resync}
		for _, d := range m.cfg.Datasets {
			s.Datasets = append(s.Datasets, d.ID)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b sourceLine) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// routes adds the fleet's part of the admin listener.
func (f *fleet) routes(mux *http.ServeMux) {
	answer := func(w http.ResponseWriter, r *http.Request, err error, would []connectors.Difference) {
		if err != nil {
			listener.Refuse(w, r, refusalOf(err))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(struct { // the client is gone if it fails
			Sources []sourceLine            `json:"sources"`
			Would   []connectors.Difference `json:"would,omitempty"`
		}{f.Status(), would})
	}
	mux.HandleFunc("GET /sources", listener.Strict(func(w http.ResponseWriter, r *http.Request) { answer(w, r, nil, nil) }))
	for verb, do := range map[string]func(context.Context, string) error{"stop": f.Stop, "start": f.Start, "retire": f.Retire} {
		mux.HandleFunc("POST /sources/{name}/"+verb, listener.Strict(func(w http.ResponseWriter, r *http.Request) {
			answer(w, r, do(r.Context(), r.PathValue("name")), nil)
		}))
	}
	for verb, accept := range map[string]bool{"accept": true, "refuse": false} {
		mux.HandleFunc("POST /sources/{name}/"+verb, listener.Strict(func(w http.ResponseWriter, r *http.Request) {
			answer(w, r, f.Answer(r.PathValue("name"), r.URL.Query().Get("item"), accept), nil)
		}, "item"))
	}
	mux.HandleFunc("POST /sources/{name}/resync", listener.Strict(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("dry_run") {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a trial reads the whole table
			found, err := f.DryResync(r.Context(), r.PathValue("name"))
			answer(w, r, err, found)
			return
		}
		accept, err := strconv.ParseInt(cmp.Or(r.URL.Query().Get("accept_deletes"), "0"), 10, 64)
		if err != nil || accept < 0 {
			listener.Refuse(w, r, problem.BadAccept.Of(""))
			return
		}
		answer(w, r, f.Resync(r.Context(), r.PathValue("name"), accept), nil)
	}, "dry_run", "accept_deletes"))
}

func refusalOf(err error) *problem.Problem {
	var cannot *noRereadError
	switch {
	case errors.As(err, &cannot):
		return problem.NoReread.Of("").Says(problem.Halves(cannot.why))
	case errors.Is(err, errNoSource), errors.Is(err, connectors.ErrNoSource):
		return problem.NoSource.Of("")
	case errors.Is(err, connectors.ErrNotHeld):
		return problem.NotHeld.Of("")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem.NotDown.Of("")
	}
	return problem.NotDone.Of("").Says(problem.Halves(err.Error()))
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// fleet runs the sources of this process and lets each be stopped and
// started by itself. A source that fails for good stays down, with its
// reason, and does not take the others with it.
type fleet struct {
	run func(ctx context.Context, cfg connectors.Config) error
	log *slog.Logger
	// retire says of a source that is down, of this process or none, that it stays so.
	retire func(ctx context.Context, name string) error

	mu      sync.Mutex
	ctx     context.Context //nolint:containedctx // the process's own, set once by Run, parent of every source's
	members map[string]*member
	running sync.WaitGroup
}

type member struct {
	cfg    connectors.Config
	stop   context.CancelFunc
	done   chan struct{}
	state  string
	reason string

	stopping bool // told to stop, not down yet
	again    bool // told to start meanwhile
}

func newFleet(run func(context.Context, connectors.Config) error, log *slog.Logger, cfgs []connectors.Config) *fleet {
	f := &fleet{run: run, log: log, members: map[string]*member{}}
	for _, cfg := range cfgs {
		f.members[cfg.Name] = &member{cfg: cfg, state: contract.StateStopped}
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
	m.stop, m.done, m.state, m.reason = stop, done, contract.StateRunning, ""
	m.stopping, m.again = false, false
	f.running.Go(func() {
		defer close(done)
		defer stop()
		err := f.run(ctx, m.cfg)
		f.mu.Lock()
		defer f.mu.Unlock()
		m.state = contract.StateStopped
		if err != nil && !errors.Is(err, context.Canceled) {
			m.state, m.reason = contract.StateFailed, err.Error()
			f.log.Error("source failed", "source", m.cfg.Name, "error", err)
		}
		if m.again && f.ctx.Err() == nil {
			f.launch(m)
		}
	})
}

// errNoSource says that this process runs no source of that name.
var errNoSource = errors.New("no such source in this process")

// Stop stops a source and waits until it is down. Its position is kept.
func (f *fleet) Stop(ctx context.Context, name string) error {
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
func (f *fleet) Start(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.members[name]
	if !ok {
		return fmt.Errorf("start %q: %w", name, errNoSource)
	}
	switch {
	case f.ctx == nil || f.ctx.Err() != nil: // Run will start it, or all are ending
	case m.state == contract.StateRunning:
		m.again = m.stopping
	default:
		f.launch(m)
	}
	return nil
}

// Retire stops a source for good: its datasets no longer wait for it. One
// that no process runs any more, because its file is gone, can be retired too.
func (f *fleet) Retire(ctx context.Context, name string) error {
	if err := f.Stop(ctx, name); err != nil && !errors.Is(err, errNoSource) {
		return err
	}
	if err := f.retire(ctx, name); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if m, ok := f.members[name]; ok && m.state != contract.StateRunning {
		m.state, m.reason = contract.StateRetired, ""
	}
	return nil
}

// sourceStatus is one line of GET /sources on the admin listener.
type sourceStatus struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`
	Datasets []string `json:"datasets"`
	State    string   `json:"state"`
	Reason   string   `json:"reason,omitempty"`
}

// Status lists the connectors by name.
func (f *fleet) Status() []sourceStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]sourceStatus, 0, len(f.members))
	for _, m := range f.members {
		s := sourceStatus{Name: m.cfg.Name, Kind: m.cfg.Kind, State: m.state, Reason: m.reason}
		for _, d := range m.cfg.Datasets {
			s.Datasets = append(s.Datasets, d.ID)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b sourceStatus) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// routes adds the fleet's part of the admin listener.
func (f *fleet) routes(mux *http.ServeMux) {
	answer := func(w http.ResponseWriter, r *http.Request, err error) {
		if err != nil {
			p := problem.NotDown
			if errors.Is(err, errNoSource) || errors.Is(err, connectors.ErrNoSource) {
				p = problem.NoSource
			}
			listener.Refuse(w, r, p.Of(""))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"sources": f.Status()}) // the client is gone if it fails
	}
	mux.HandleFunc("GET /sources", listener.Strict(func(w http.ResponseWriter, r *http.Request) { answer(w, r, nil) }))
	mux.HandleFunc("POST /sources/{name}/stop", listener.Strict(func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, f.Stop(r.Context(), r.PathValue("name")))
	}))
	mux.HandleFunc("POST /sources/{name}/start", listener.Strict(func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, f.Start(r.PathValue("name")))
	}))
	mux.HandleFunc("POST /sources/{name}/retire", listener.Strict(func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, f.Retire(r.Context(), r.PathValue("name")))
	}))
}

package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// actors stand in for connectors: each plays its part until it is told to stop.
type actors struct {
	mu     sync.Mutex
	parts  map[string]func(ctx context.Context) error
	begun  map[string]int
	onduty map[string]bool
}

// run is what the fleet calls.
func (a *actors) run(ctx context.Context, cfg connectors.Config) error {
	a.mu.Lock()
	a.begun[cfg.Name]++
	part := a.parts[cfg.Name]
	twice := a.onduty[cfg.Name]
	a.onduty[cfg.Name] = true
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		a.onduty[cfg.Name] = false
		a.mu.Unlock()
	}()
	if twice {
		return errors.New("runs twice at a time")
	}
	if cfg.Tell != nil {
		cfg.Tell(connectors.Told{Status: contract.SourceStatus{State: contract.StateRunning}})
	}
	if part == nil {
		<-ctx.Done()
		return nil
	}
	return part(ctx)
}

func (a *actors) begins(name string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.begun[name]
}

// crew runs a fleet of the named connectors until the test ends.
func crew(t *testing.T, parts map[string]func(ctx context.Context) error, names ...string) (*Fleet, *actors) {
	t.Helper()
	a := &actors{parts: parts, begun: map[string]int{}, onduty: map[string]bool{}}
	var cfgs []connectors.Config
	for _, name := range names {
		cfgs = append(cfgs, connectors.Config{Name: name, Kind: "fake", Datasets: []*schemas.Dataset{{ID: strings.ToUpper(name) + "01"}}})
	}
	f := New(a.willing(), cfgs)
	ctx, stop := context.WithCancel(t.Context())
	down := make(chan error, 1)
	go func() { down <- f.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-down; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	synctest.Wait()
	return f, a
}

// willing takes every order, and has the actors play.
func (a *actors) willing() Parts {
	yes, by := func(context.Context, string) error { return nil }, func(context.Context, string, string) error { return nil }
	return Parts{
		Run: a.run, Stop: by, Start: yes, Retire: by, Resync: func(context.Context, string, int64) error { return nil },
		Logger: slog.New(slog.DiscardHandler),
	}
}

func states(f *Fleet) map[string]string {
	out := map[string]string{}
	for _, s := range f.Status() {
		out[s.Name] = s.State
	}
	return out
}

func wantStates(t *testing.T, f *Fleet, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, states(f)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestFleetStopsAndStartsOneByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, a := crew(t, nil, "ga", "mz")
		wantStates(t, f, map[string]string{"ga": "running", "mz": "running"})
		if err := f.Stop(t.Context(), "ga", "op@host"); err != nil {
			t.Fatal(err)
		}
		wantStates(t, f, map[string]string{"ga": "stopped", "mz": "running"})
		if err := f.Stop(t.Context(), "ga", "op@host"); err != nil { // once more: nothing to do
			t.Fatal(err)
		}
		if err := f.Start(t.Context(), "ga"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := f.Start(t.Context(), "ga"); err != nil { // it runs: nothing to do
			t.Fatal(err)
		}
		synctest.Wait()
		wantStates(t, f, map[string]string{"ga": "running", "mz": "running"})
		if got := []int{a.begins("ga"), a.begins("mz")}; !slices.Equal(got, []int{2, 1}) {
			t.Errorf("ga and mz were started %v times, want 2 and 1", got)
		}
	})
}

// One department's failure is that department's: the others go on, and the
// reason can be read until it is started again.
func TestFleetKeepsAFailureToItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mended bool
		f, _ := crew(t, map[string]func(context.Context) error{"ga": func(ctx context.Context) error {
			if !mended {
				return errors.New("slot is gone")
			}
			<-ctx.Done()
			return nil
		}}, "ga", "mz")
		wantStates(t, f, map[string]string{"ga": "failed", "mz": "running"})
		if got, want := f.Status()[0].Reason, "slot is gone"; got != want || f.Status()[0].Do == "" {
			t.Errorf("reason = %q, want %q", got, want)
		}
		if err := f.Stop(t.Context(), "ga", "op@host"); err != nil { // down already
			t.Fatal(err)
		}
		mended = true
		if err := f.Start(t.Context(), "ga"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantStates(t, f, map[string]string{"ga": "running", "mz": "running"})
		if got := f.Status()[0].Reason; got != "" {
			t.Errorf("reason = %q after it was started, want none", got)
		}
	})
}

// A source that waits for the next start is told, and nothing a person asks runs it before; what
// they ask for good holds.
func TestFleetAwaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, a := crew(t, nil, "ga")
		f.Await(connectors.Config{Name: "rs"}, "尚未生效 / not in force", "yiyuan apply")
		if got := f.Status()[1]; got.State != "waiting" || got.Reason != "尚未生效 / not in force" || got.Do != "yiyuan apply" {
			t.Errorf("the one that waits: %+v", got)
		}
		if err := f.Start(t.Context(), "rs"); err != nil {
			t.Fatal(err)
		}
		if err := f.Resync(t.Context(), "rs", 0); err == nil {
			t.Error("one that waits is read again")
		}
		synctest.Wait()
		wantStates(t, f, map[string]string{"ga": "running", "rs": "waiting"})
		if n := a.begins("rs"); n != 0 {
			t.Errorf("it was run %d times", n)
		}
		if err := f.Retire(t.Context(), "rs", "op@host"); err != nil {
			t.Fatal(err)
		}
		wantStates(t, f, map[string]string{"ga": "running", "rs": "retired"})
	})
}

func TestFleetFailureIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		a := &actors{begun: map[string]int{}, onduty: map[string]bool{}, parts: map[string]func(context.Context) error{
			"ga": func(context.Context) error { return errors.New("slot is gone") },
		}}
		parts := a.willing()
		parts.Logger = slog.New(slog.NewTextHandler(&out, nil))
		f := New(parts, []connectors.Config{{Name: "ga"}})
		ctx, stop := context.WithCancel(t.Context())
		go func() { synctest.Wait(); stop() }()
		if err := f.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(out.String(), "source failed"); got != 1 || !strings.Contains(out.String(), "source=ga") {
			t.Errorf("log = %q, want one line that names ga", out.String())
		}
	})
}

// A source that ends by itself is stopped, not failed.
func TestFleetSourceThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := crew(t, map[string]func(context.Context) error{"ga": func(context.Context) error { return nil }}, "ga")
		wantStates(t, f, map[string]string{"ga": "stopped"})
	})
}

// slow needs a second to go down.
func slow(ctx context.Context) error {
	<-ctx.Done()
	<-time.After(time.Second)
	return nil
}

func TestFleetStopWaitsUntilItIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := crew(t, map[string]func(context.Context) error{"ga": slow}, "ga")
		began := time.Now()
		if err := f.Stop(t.Context(), "ga", "op@host"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < time.Second {
			t.Errorf("Stop came back after %v, before the source was down", took)
		}
		wantStates(t, f, map[string]string{"ga": "stopped"})
	})
}

func TestFleetStopGivesUpWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := crew(t, map[string]func(context.Context) error{"ga": slow}, "ga")
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := f.Stop(ctx, "ga", "op@host"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop = %v, want the deadline", err)
		}
		wantStates(t, f, map[string]string{"ga": "running"}) // still on its way down
	})
}

// Started while it goes down, a source must come back when it is down: it
// may neither run twice at a time nor be forgotten.
func TestFleetStartWhileStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, a := crew(t, map[string]func(context.Context) error{"ga": slow}, "ga")
		stopped := make(chan error, 1)
		go func() { stopped <- f.Stop(t.Context(), "ga", "op@host") }()
		synctest.Wait()
		if err := f.Start(t.Context(), "ga"); err != nil {
			t.Fatal(err)
		}
		if err := <-stopped; err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantStates(t, f, map[string]string{"ga": "running"})
		if got := a.begins("ga"); got != 2 {
			t.Errorf("ga was started %d times, want 2", got)
		}
		// Changed one's mind: the last word counts.
		go func() { _ = f.Stop(t.Context(), "ga", "op@host") }()
		synctest.Wait()
		if err := f.Start(t.Context(), "ga"); err != nil {
			t.Fatal(err)
		}
		if err := f.Stop(t.Context(), "ga", "op@host"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantStates(t, f, map[string]string{"ga": "stopped"})
	})
}

func TestFleetEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &actors{begun: map[string]int{}, onduty: map[string]bool{}, parts: map[string]func(context.Context) error{"ga": slow}}
		f := New(a.willing(), []connectors.Config{{Name: "ga"}, {Name: "mz"}})
		if err := f.Start(t.Context(), "ga"); err != nil { // before Run, which starts it
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		go func() { synctest.Wait(); stop() }()
		if err := f.Run(ctx); err != nil {
			t.Fatal(err)
		}
		wantStates(t, f, map[string]string{"ga": "stopped", "mz": "stopped"})
		if err := f.Start(t.Context(), "mz"); err != nil { // too late: nothing starts any more
			t.Fatal(err)
		}
		wantStates(t, f, map[string]string{"ga": "stopped", "mz": "stopped"})
	})
}

// What a source said before it was stopped is not said of the one that is started.
func TestFleetStartIsNotStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := crew(t, nil, "ga")
		if err := f.Stop(t.Context(), "ga", "op@host"); err != nil {
			t.Fatal(err)
		}
		quiet := make(chan struct{})
		f.parts.Run = func(ctx context.Context, cfg connectors.Config) error {
			<-quiet // it has not said a word yet
			cfg.Tell(connectors.Told{Status: contract.SourceStatus{State: contract.StateRunning}})
			<-ctx.Done()
			return nil
		}
		if err := f.Start(t.Context(), "ga"); err != nil {
			t.Fatal(err)
		}
		if s := f.Status()[0]; s.State != contract.StateStarting || s.Reason+s.Do != "" {
			t.Errorf("right after it was started it is said to be %+v", s)
		}
		close(quiet)
		synctest.Wait()
		wantStates(t, f, map[string]string{"ga": contract.StateRunning})
	})
}

// Who has stopped a source, and when, is told until it is started, and after a restart.
func TestFleetTellsWhoStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := crew(t, nil, "ga")
		now := time.Now()
		mux := http.NewServeMux()
		f.Routes(mux)
		call := func(verb, by string) Line {
			t.Helper()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sources/ga/"+verb, nil)
			r.Header.Set(OperatorHeader, by)
			mux.ServeHTTP(httptest.NewRecorder(), r)
			synctest.Wait()
			return f.Status()[0]
		}
		if s := call("stop", " op@host\x07 "); s.StoppedBy != "op@host" || s.StoppedAt == nil || !s.StoppedAt.Equal(now) || !strings.Contains(s.Reason, now.Format("2006-01-02 15:04:05")) {
			t.Errorf("stopped: %+v", s)
		}
		<-time.After(time.Hour) // of the bubble
		if s := call("stop", "late@host"); s.StoppedBy != "op@host" || s.StoppedAt == nil || !s.StoppedAt.Equal(now) || s.State != contract.StateStopped {
			t.Errorf("stopped again: %+v", s)
		}
		if s := call("retire", "late@host"); s.StoppedBy != "late@host" || s.State != contract.StateRetired {
			t.Errorf("retired after it was stopped: %+v", s)
		}
		if s := call("start", "op@host"); s.StoppedBy != "" || s.StoppedAt != nil || s.Reason != "" {
			t.Errorf("started: %+v", s)
		}
		if s := call("stop", strings.Repeat("某", 100)); len([]rune(s.StoppedBy)) != 64 {
			t.Errorf("stopped by %q", s.StoppedBy)
		}
		parts := (&actors{}).willing()
		parts.Run = func(_ context.Context, cfg connectors.Config) error { // a source that finds its order
			cfg.Tell(connectors.Told{Status: contract.SourceStatus{State: contract.StateStopped, Stop: true, StoppedBy: "op@host", StoppedAt: now.UnixMilli()}})
			return nil
		}
		again := New(parts, []connectors.Config{{Name: "ga"}})
		ctx, stop := context.WithCancel(t.Context())
		go func() { synctest.Wait(); stop() }()
		if err := again.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if s := again.Status()[0]; s.State != contract.StateStopped || s.StoppedBy != "op@host" || !s.StoppedAt.Equal(now.Truncate(time.Millisecond)) {
			t.Errorf("after a restart: %+v", s)
		}
	})
}

func TestFleetUnknownName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := crew(t, nil, "ga")
		if err := f.Stop(t.Context(), "nobody", "op@host"); !errors.Is(err, ErrNotHere) {
			t.Errorf("Stop = %v, want ErrNotHere", err)
		}
		if err := f.Start(t.Context(), "nobody"); !errors.Is(err, ErrNotHere) {
			t.Errorf("Start = %v, want ErrNotHere", err)
		}
	})
}

// A source that has no trial, or too many rows for one, says so for good, not that it was
// not done this time.
func TestFleetNoTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := crew(t, nil, "ga", "mz")
		f.members["mz"].cfg.Reread.Dry = func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) { return nil, nil }
		f.parts.Dry = func(context.Context, connectors.Config) ([]connectors.Difference, error) {
			return nil, fmt.Errorf("read source: %w", &connectors.NoTrialError{Why: "多 / many"})
		}
		mux := http.NewServeMux()
		f.Routes(mux)
		for name, says := range map[string]string{"ga": "yiyuan source resync ga", "mz": "many"} {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sources/"+name+"/resync?dry_run=true", nil))
			if body := w.Body.String(); w.Code != http.StatusConflict || !strings.Contains(body, `"YIYUAN-4095"`) || !strings.Contains(body, says) {
				t.Errorf("trial of %s = %d %s", name, w.Code, body)
			}
		}
	})
}

func TestFleetRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := crew(t, map[string]func(context.Context) error{"mz": slow}, "ga", "mz")
		mux := http.NewServeMux()
		f.Routes(mux)
		ask := func(ctx context.Context, method, path string) (int, string, map[string]any) {
			t.Helper()
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, path, nil))
			var body map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			return w.Code, w.Header().Get("Content-Type"), body
		}
		code, kind, body := ask(t.Context(), http.MethodGet, "/sources")
		want := map[string]any{"sources": []any{
			map[string]any{"name": "ga", "kind": "fake", "datasets": []any{"GA01"}, "state": "running", "rows": 0.0},
			map[string]any{"name": "mz", "kind": "fake", "datasets": []any{"MZ01"}, "state": "running", "rows": 0.0},
		}}
		if code != http.StatusOK || kind != "application/json" || cmp.Diff(want, body) != "" {
			t.Errorf("GET /sources = %d %s %v", code, kind, body)
		}
		if code, _, _ := ask(t.Context(), http.MethodPost, "/sources/ga/stop"); code != http.StatusOK || states(f)["ga"] != "stopped" {
			t.Errorf("stop = %d, ga is %s", code, states(f)["ga"])
		}
		if code, _, _ := ask(t.Context(), http.MethodPost, "/sources/ga/start"); code != http.StatusOK {
			t.Errorf("start = %d", code)
		}
		for _, verb := range []string{"accept", "refuse"} {
			if code, _, body := ask(t.Context(), http.MethodPost, "/sources/ga/"+verb+"?item=00000099"); code != http.StatusNotFound || body["code"] != "YIYUAN-4047" {
				t.Errorf("%s of what is not held = %d %v", verb, code, body)
			}
		}
		code, kind, body = ask(t.Context(), http.MethodPost, "/sources/nobody/stop")
		if code != http.StatusNotFound || kind != "application/problem+json" || body["code"] != "YIYUAN-4045" {
			t.Errorf("stop of nobody = %d %s %v", code, kind, body)
		}
		var retired []string
		f.parts.Retire = func(_ context.Context, name, _ string) error {
			if retired = append(retired, name+" "+states(f)[name]); name == "nobody" {
				return connectors.ErrNoSource
			}
			return nil
		}
		for name, want := range map[string]int{"ga": http.StatusOK, "gone": http.StatusOK, "nobody": http.StatusNotFound} {
			if code, _, _ := ask(t.Context(), http.MethodPost, "/sources/"+name+"/retire"); code != want {
				t.Errorf("retire of %s = %d, want %d", name, code, want)
			}
		}
		slices.Sort(retired)
		if want := []string{"ga stopped", "gone ", "nobody "}; !slices.Equal(retired, want) || states(f)["ga"] != "retired" {
			t.Errorf("retired %q, want %q; ga is %s", retired, want, states(f)["ga"])
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if code, _, body := ask(ctx, http.MethodPost, "/sources/mz/stop"); code != http.StatusServiceUnavailable || body["code"] != "YIYUAN-5039" {
			t.Errorf("stop that takes longer than its caller = %d %v", code, body)
		}
	})
}

// TestFleetDrops: what a source has made at the department goes when it is retired with that
// wish, behind its last position, and never while it runs.
func TestFleetDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := crew(t, nil, "ga")
		var at []schemas.Position
		f.parts.Drop = func(_ context.Context, _ connectors.Config, p schemas.Position) ([]string, error) {
			at = append(at, p)
			return []string{"slot is dropped"}, nil
		}
		f.members["ga"].told.Status.Position = "here"
		if said, err := f.Drop(t.Context(), "ga"); err != nil || said != nil || len(at) > 0 {
			t.Errorf("while it runs: %q, %v, asked %d times", said, err, len(at))
		}
		if _, err := f.Drop(t.Context(), "nobody"); !errors.Is(err, ErrNotHere) {
			t.Errorf("of nobody: %v", err)
		}
		ask := func(path string) string {
			mux := http.NewServeMux()
			f.Routes(mux)
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil))
			return w.Body.String()
		}
		if said := ask("/sources/ga/retire"); strings.Contains(said, "dropped") || len(at) > 0 {
			t.Errorf("without the wish: %s", said)
		}
		if said := ask("/sources/ga/retire?drop=true"); !strings.Contains(said, `"dropped":["slot is dropped"]`) || len(at) != 1 || at[0] != "here" {
			t.Errorf("with the wish: %s, asked at %q", said, at)
		}
	})
}

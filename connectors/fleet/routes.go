package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Line is one line of GET /sources on the admin listener.
type Line struct {
	Name     string           `json:"name"`
	Kind     string           `json:"kind"`
	Datasets []string         `json:"datasets"`
	State    string           `json:"state"`
	Reason   string           `json:"reason,omitempty"`
	Do       string           `json:"do,omitempty"`
	Rows     int64            `json:"rows"`
	Resync   *contract.Resync `json:"resync,omitempty"`
	// Backfills are parts of it that are read again beside its stream.
	Backfills []contract.Backfill `json:"backfills,omitempty"`
	// StoppedBy and StoppedAt say who has stopped or retired it, as far as that was said,
	// and when.
	StoppedBy string     `json:"stopped_by,omitempty"`
	StoppedAt *time.Time `json:"stopped_at,omitempty"`
}

// Page is what the admin listener answers about sources.
type Page struct {
	Sources []Line                  `json:"sources"`
	Would   []connectors.Difference `json:"would,omitempty"`   // a trial
	Dropped []string                `json:"dropped,omitempty"` // what was removed at the department, and what was left
}

// Status lists the sources by name.
func (f *Fleet) Status() []Line {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Line, 0, len(f.members))
	for _, m := range f.members {
		w := m.word()
		s := Line{Name: m.cfg.Name, Kind: m.cfg.Kind, State: w.State, Reason: w.Why, Do: w.Do, Rows: m.told.Status.Rows, Resync: m.told.Status.Resync, Backfills: m.told.Status.Backfills}
		if at := m.told.Status.StoppedAt; m.told.Status.Stop && at > 0 {
			when := time.UnixMilli(at)
			s.StoppedBy, s.StoppedAt = m.told.Status.StoppedBy, &when
		}
		for _, d := range m.cfg.Datasets {
			s.Datasets = append(s.Datasets, d.ID)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Line) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Routes adds the fleet's part of the admin listener.
func (f *Fleet) Routes(mux *http.ServeMux) {
	write := func(w http.ResponseWriter, r *http.Request, err error, page Page) {
		if err != nil {
			listener.Refuse(w, r, refusalOf(err))
			return
		}
		page.Sources = f.Status()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(page) // the client is gone if it fails
	}
	answer := func(w http.ResponseWriter, r *http.Request, err error, would []connectors.Difference) {
		write(w, r, err, Page{Would: would})
	}
	mux.HandleFunc("GET /sources", listener.Strict(func(w http.ResponseWriter, r *http.Request) { answer(w, r, nil, nil) }))
	start := func(ctx context.Context, name, _ string) error { return f.Start(ctx, name) }
	for verb, do := range map[string]func(ctx context.Context, name, by string) error{"stop": f.Stop, "start": start} {
		mux.HandleFunc("POST /sources/{name}/"+verb, listener.Strict(func(w http.ResponseWriter, r *http.Request) {
			answer(w, r, do(r.Context(), r.PathValue("name"), operator(r)), nil)
		}))
	}
	mux.HandleFunc("POST /sources/{name}/retire", listener.Strict(func(w http.ResponseWriter, r *http.Request) {
		err := f.Retire(r.Context(), r.PathValue("name"), operator(r))
		var page Page
		if err == nil && r.URL.Query().Has("drop") {
			page.Dropped, err = f.Drop(r.Context(), r.PathValue("name"))
		}
		write(w, r, err, page)
	}, "drop"))
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
	f.backfillRoutes(mux, func(w http.ResponseWriter, r *http.Request, err error) { answer(w, r, err, nil) })
}

// maxAsk is how large what a person asks for may be.
const maxAsk = 64 << 10

// BackfillsRoute takes an order in its body: it may hold keys, and addresses are logged.
const BackfillsRoute = "POST /sources/{name}/backfills"

// backfillRoutes adds what is asked of backfills.
func (f *Fleet) backfillRoutes(mux *http.ServeMux, answer func(w http.ResponseWriter, r *http.Request, err error)) {
	mux.HandleFunc(BackfillsRoute, listener.Strict(func(w http.ResponseWriter, r *http.Request) {
		ask, err := readAsk(http.MaxBytesReader(w, r.Body, maxAsk))
		if err != nil {
			listener.Refuse(w, r, problem.BadOrder.Of(""))
			return
		}
		answer(w, r, f.Backfill(r.Context(), r.PathValue("name"), ask, operator(r)))
	}))
	mux.HandleFunc("POST /sources/{name}/backfills/{id}/accept", listener.Strict(func(w http.ResponseWriter, r *http.Request) {
		id, bad := number(r.PathValue("id"))
		accept, worse := number(r.URL.Query().Get("deletes"))
		if bad != nil || worse != nil {
			listener.Refuse(w, r, problem.BadAccept.Of(""))
			return
		}
		answer(w, r, f.AcceptBackfill(r.Context(), r.PathValue("name"), id, accept))
	}, "deletes"))
	mux.HandleFunc("POST /sources/{name}/backfills/{id}/cancel", listener.Strict(func(w http.ResponseWriter, r *http.Request) {
		id, err := number(r.PathValue("id"))
		if err != nil {
			listener.Refuse(w, r, problem.NotHeld.Of(""))
			return
		}
		answer(w, r, f.CancelBackfill(r.Context(), r.PathValue("name"), id))
	}))
}

// OperatorHeader is in which the operators' tools say who asks.
const OperatorHeader = "X-Yiyuan-Operator"

// operator is who asks, as far as that can be shown: it is told, and proves nothing.
func operator(r *http.Request) string {
	const most = 64
	name := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, r.Header.Get(OperatorHeader))
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most])
	}
	return strings.TrimSpace(name)
}

func refusalOf(err error) *problem.Problem {
	var cannot *CannotError
	var noTrial *connectors.NoTrialError
	var order orderError
	switch {
	case errors.Is(err, connectors.ErrWhole):
		return problem.NoReread.Of("").Says(problem.Halves(connectors.ErrWhole.Error()))
	case errors.As(err, &order):
		return problem.BadOrder.Of("").Says(problem.Halves(strings.TrimSuffix(err.Error(), ": "+connectors.ErrConfig.Error())))
	case errors.As(err, &noTrial):
		return problem.NoReread.Of("").Says(problem.Halves(noTrial.Why))
	case errors.As(err, &cannot):
		return problem.NoReread.Of("").Says(problem.Halves(cannot.Why))
	case errors.Is(err, ErrNotHere), errors.Is(err, connectors.ErrNoSource):
		return problem.NoSource.Of("")
	case errors.Is(err, connectors.ErrNotHeld), errors.Is(err, connectors.ErrNoBackfill):
		return problem.NotHeld.Of("")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem.NotDown.Of("")
	}
	return problem.NotDone.Of("").Says(problem.Halves(err.Error()))
}

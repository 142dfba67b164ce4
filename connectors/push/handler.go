package push

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Handler answers POST /v1/push/{dataset}.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/push/{dataset}", s.push)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { refuse(w, requestID(w), because(problem.NoPath)) })
	return mux
}

// refusal is a problem with the rows it is about.
type refusal struct {
	*problem.Problem
	Errors []RowError `json:"errors,omitempty"`
}

// because makes a refusal; its request is told later.
func because(k *problem.Kind) *refusal { return &refusal{Problem: k.Of("")} }

func (s *Server) push(w http.ResponseWriter, r *http.Request) {
	id := requestID(w)
	src, d, p := s.admit(w, r)
	if p != nil {
		refuse(w, id, p)
		return
	}
	if !s.enter() {
		refuse(w, id, because(problem.PushBusy))
		return
	}
	defer s.leave()
	sub, p := s.read(w, r, src, d)
	if p != nil {
		refuse(w, id, p)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Wait)
	defer cancel()
	a, err := src.submit(ctx, sub)
	switch {
	case err == nil:
		accept(w, src.cfg.Name, d, a)
	case errors.Is(err, errTooOld):
		refuse(w, id, because(problem.KeyTooOld))
	case errors.Is(err, errConflict):
		refuse(w, id, because(problem.KeyReused))
	case errors.Is(err, errBusy):
		refuse(w, id, because(problem.PushBusy))
	default:
		refuse(w, id, because(problem.PushUnavailable))
	}
}

// enter takes one of the places for requests that are read and held in memory.
func (s *Server) enter() bool {
	select {
	case s.places <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *Server) leave() { <-s.places }

// admit decides who may push what.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) (*source, *schemas.Dataset, *refusal) {
	departments := s.departments(r)
	if len(departments) == 0 {
		return nil, nil, because(problem.NoKey)
	}
	src, known := s.find(r.PathValue("dataset"))
	switch {
	case !known:
		return nil, nil, because(problem.NoPushedDataset)
	case src == nil:
		return nil, nil, because(problem.PushUnavailable)
	}
	d, err := src.cfg.Dataset(r.PathValue("dataset"))
	if err != nil {
		return nil, nil, because(problem.NoPushedDataset)
	}
	if !provides(departments, d) {
		return nil, nil, because(problem.NotProvider)
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, nil, because(problem.Method)
	}
	return src, d, nil
}

// read takes the body apart and checks every row of it.
func (s *Server) read(w http.ResponseWriter, r *http.Request, src *source, d *schemas.Dataset) (*submission, *refusal) {
	ndjson := false
	if ct := r.Header.Get("Content-Type"); ct != "" {
		media, params, err := mime.ParseMediaType(ct)
		charset := params["charset"]
		if err != nil || charset != "" && charset != "utf-8" && charset != "UTF-8" {
			return nil, because(problem.PushMedia)
		}
		switch media {
		case "application/json":
		case "application/x-ndjson", "application/jsonl", "application/x-jsonlines":
			ndjson = true
		default:
			return nil, because(problem.PushMedia)
		}
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, because(problem.PushMedia)
	}
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) > 1 || len(keys) == 1 && !visible(keys[0]) {
		return nil, because(problem.IdempotencyKey)
	}
	sent, ok := sentAt(r.Header.Values(SentAt))
	if !ok {
		return nil, because(problem.IdempotencyKey)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.cfg.MaxBytes))
	if err != nil {
		if _, over := errors.AsType[*http.MaxBytesError](err); over {
			return nil, because(problem.PushLarge)
		}
		return nil, because(problem.BodyCut)
	}
	rows, err := split(body, ndjson, s.cfg.MaxRows)
	switch {
	case errors.Is(err, errRows):
		return nil, because(problem.PushLarge)
	case errors.Is(err, errEmpty):
		return nil, because(problem.PushEmpty)
	case err != nil:
		return nil, because(problem.PushJSON)
	}
	changes, problems := parse(d, src.options.Absent.State(), rows)
	if len(problems) > 0 {
		p := because(problem.PushRows)
		p.Errors = problems
		return nil, p
	}
	sub := &submission{dataset: d, rows: changes, bytes: len(body), sent: sent, done: make(chan struct{})}
	copy(sub.body[:], src.cfg.Keyed("push", body))
	if len(keys) == 1 {
		sub.keyed, sub.key = true, src.scope(d, keys[0])
	}
	return sub, nil
}

// SentAt is the header in which a client may say when it sent a request for the
// first time, RFC 3339. A retry repeats it: one that is older than what the server
// remembers is refused, since nobody knows any more whether it was taken.
const SentAt = "X-Sent-At"

func sentAt(values []string) (time.Time, bool) {
	if len(values) == 0 {
		return time.Time{}, true
	}
	at, err := time.Parse(time.RFC3339, values[0])
	return at, err == nil && len(values) == 1
}

func visible(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return len(key) > 0 && len(key) <= 200
}

func accept(w http.ResponseWriter, source string, d *schemas.Dataset, a answer) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if a.again {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	write(w, http.StatusOK, struct {
		Dataset  string `json:"dataset"`
		Accepted int    `json:"accepted"`
		Position string `json:"position"`
	}{d.ID, a.rows, source + "@" + a.last.String()})
}

func refuse(w http.ResponseWriter, id string, p *refusal) {
	p.RequestID = id
	w.Header().Set("X-Content-Type-Options", "nosniff")
	p.WriteAs(w, p)
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller is gone: there is nobody to tell
}

func requestID(w http.ResponseWriter) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	id := hex.EncodeToString(b[:])
	w.Header().Set("X-Request-Id", id)
	return id
}

var _ connectors.Confirmer = (*source)(nil)

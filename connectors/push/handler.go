package push

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// refusal is a problem with the rows it is about.
type refusal struct {
	*problem.Problem
	Errors []RowError `json:"errors,omitempty"`
}

// because makes a refusal; its request is told later.
func because(k *problem.Kind) *refusal { return &refusal{Problem: k.Of("")} }

func (s *Server) push(w http.ResponseWriter, r *http.Request) {
	src, d, p := s.target(r)
	if p != nil {
		refuse(w, r, p)
		return
	}
	sub, p := s.read(r, src, d)
	if p != nil {
		refuse(w, r, p)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Wait)
	defer cancel()
	a, err := src.submit(ctx, sub)
	switch {
	case err == nil:
		accept(w, src.cfg.Name, d, a)
	case errors.Is(err, errTooOld):
		refuse(w, r, because(problem.KeyTooOld))
	case errors.Is(err, errConflict):
		refuse(w, r, because(problem.KeyReused))
	case errors.Is(err, errBusy):
		refuse(w, r, because(problem.PushBusy))
	default:
		refuse(w, r, because(problem.PushUnavailable).after(2*time.Second))
	}
}

// target decides who may push what.
func (s *Server) target(r *http.Request) (*source, *schemas.Dataset, *refusal) {
	src, known := s.find(r.PathValue("dataset"))
	switch {
	case !known:
		return nil, nil, because(problem.NoPushedDataset)
	case src == nil:
		return nil, nil, because(problem.PushUnavailable).after(2 * time.Second)
	}
	d, err := src.cfg.Dataset(r.PathValue("dataset"))
	if err != nil {
		return nil, nil, because(problem.NoPushedDataset)
	}
	departments, _ := listener.CallOf(r.Context()).Data.([]string)
	if !provides(departments, d) {
		return nil, nil, because(problem.NotProvider)
	}
	return src, d, nil
}

// read takes the body apart and checks every row of it.
func (s *Server) read(r *http.Request, src *source, d *schemas.Dataset) (*submission, *refusal) {
	ndjson := false
	if ct := r.Header.Get("Content-Type"); ct != "" {
		media, params, err := mime.ParseMediaType(ct)
		charset := params["charset"]
		if err != nil || charset != "" && !strings.EqualFold(charset, "utf-8") {
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
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, because(problem.PushMedia)
	}
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) > 1 || len(keys) == 1 && !visible(keys[0]) {
		return nil, because(problem.IdempotencyKey)
	}
	sent, ok := sentAt(r.Header.Values(SentAt))
	switch {
	case !ok:
		return nil, because(problem.SentAtForm)
	case sent.After(src.now().Add(ahead)):
		return nil, because(problem.SentAhead)
	}
	body, err := io.ReadAll(r.Body)
	switch kind := listener.BodyProblem(err); {
	case kind == problem.TooLarge:
		return nil, s.large()
	case kind != nil:
		return nil, because(kind)
	case err != nil:
		return nil, because(problem.BodyCut)
	}
	rows, err := split(body, ndjson, s.cfg.MaxRows)
	switch {
	case errors.Is(err, errRows):
		return nil, s.large()
	case errors.Is(err, errEmpty):
		return nil, because(problem.PushEmpty)
	case err != nil:
		p := because(problem.PushJSON)
		var at *lineError
		if errors.As(err, &at) {
			_ = p.Says("第 "+strconv.Itoa(at.line)+" 行："+p.Detail, "line "+strconv.Itoa(at.line)+": "+p.DetailEN)
			p.Errors = []RowError{{Index: at.index, Line: at.line, Reason: contract.ReasonUnreadable, Detail: "该行不是可接受的 JSON", DetailEN: "this line is not acceptable JSON"}}
		}
		return nil, p
	}
	changes, problems := parse(d, src.options.Absent.State(), rows)
	if len(problems) > 0 {
		p := because(problem.PushRows)
		p.Errors = problems
		return nil, p
	}
	sub := &submission{dataset: d, rows: changes, bytes: len(body), sent: sent, done: make(chan struct{})}
	copy(sub.body[:], src.cfg.Keyed(contract.LabelPush, body))
	if len(keys) == 1 {
		sub.keyed, sub.key = true, src.scope(d, keys[0])
	}
	return sub, nil
}

// SentAt is the header in which a client may say when it sent a request for the
// first time, RFC 3339. A retry repeats it: one that is older than what the server
// remembers is refused, since nobody knows any more whether it was taken.
const SentAt = "X-Sent-At"

// ahead is how far a client's clock may be before the bus's. A time beyond would
// make every retry look early enough.
const ahead = time.Minute

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

// large says what the limits are.
func (s *Server) large() *refusal {
	bytes, rows := strconv.FormatInt(s.cfg.MaxBytes, 10), strconv.Itoa(s.cfg.MaxRows)
	p := because(problem.PushLarge)
	_ = p.Says("一次至多 "+bytes+" 字节、"+rows+" 行，请分批", "at most "+bytes+" bytes and "+rows+" rows at once: send it in parts")
	return p
}

func (p *refusal) after(wait time.Duration) *refusal {
	_ = p.After(wait)
	return p
}

func refuse(w http.ResponseWriter, r *http.Request, p *refusal) {
	listener.RefuseAs(w, r, p.Problem, p)
}

func write(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller is gone: there is nobody to tell
}

var _ connectors.Confirmer = (*source)(nil)

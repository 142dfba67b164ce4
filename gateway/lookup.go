package gateway

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// jsonType is a Content-Type. Nobody changes it.
var jsonType = []string{"application/json"}

// lookup answers GET /v1/lookup/{view}/{key}. It writes the answer itself:
// this is the path that everything hot takes.
func (g *Gateway) lookup(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	viewID := r.PathValue("view")
	a := g.ask(ctx, "lookup", viewID)
	fields, bad := fieldsOf(r)
	body, p := a.lookup(ctx, viewID, r.PathValue("key"), fields, bad)
	a.observe(ctx, p)
	if p != nil {
		p.write(w)
		return
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the client has gone: the entry says what it would have got
}

// observe counts an answered or unanswered question. What was reserved for one
// that is refused or cannot be answered goes back.
func (a *ask) observe(ctx context.Context, p *Problem) {
	if p != nil && (p.Status >= http.StatusInternalServerError || p.Status == http.StatusTooManyRequests) {
		a.release(ctx)
	}
	outcome := "hit"
	if p != nil {
		switch p.Status {
		case http.StatusNotFound:
			outcome = "miss"
		case http.StatusServiceUnavailable, http.StatusInternalServerError:
			outcome = "unavailable"
		case http.StatusUnprocessableEntity:
			outcome = "invalid"
		default:
			outcome = "denied"
		}
	}
	took := a.g.now().Sub(a.begin)
	name := "unknown"
	if a.view != nil {
		name = a.view.ID
	}
	a.g.metrics.lookup.WithLabelValues(name, outcome).Observe(took.Seconds())
	a.g.flow.Lookups.Add(1)
	if a.view != nil && a.view.Dataset != nil && outcome != "denied" && outcome != "invalid" {
		a.g.health.Observe(a.view.Dataset.ID, outcome != "unavailable", took, a.begin)
	}
}

func (a *ask) lookup(ctx context.Context, viewID, raw string, fields []string, bad []FieldError) ([]byte, *Problem) {
	key, d, p := a.admit(ctx, raw, access.Question{View: viewID, Fields: fields, Records: 1}, bad...)
	if p != nil {
		return nil, p
	}
	stored, record, p := a.record(ctx, key)
	if p != nil {
		return nil, p
	}
	v := a.view
	body := make([]byte, 0, 1024)
	body = append(body, '{')
	body = a.appendRecord(body, v, record, stored, key, d.Fields, a.refused(0))
	body = a.appendAsOf(append(body, ','))
	body = append(body, `,"view":`...)
	body = answer.AppendString(body, v.ID)
	body = a.appendIDs(body)
	body = append(body, '}', '\n')
	if p := a.finish(ctx, body, 1); p != nil {
		return nil, p
	}
	return body, nil
}

// appendRecord appends what an answer says of one record, without braces.
func (a *ask) appendRecord(b []byte, v *view.View, r schemas.Record, s store.Stored, key string, granted []string, refused []Refused) []byte {
	b = append(b, `"data":`...)
	b = answer.AppendRecord(b, r, v.Indexes(granted))
	b = append(b, `,"source_time":`...)
	b = answer.AppendTime(b, s.Time)
	b = append(b, `,"disputed":`...)
	b = answer.AppendStrings(b, v.Disputed(a.g.book, key, granted))
	b = append(b, `,"masked":`...)
	b = answer.AppendStrings(b, v.Masked(r, granted))
	b = append(b, ',')
	b = appendRefused(b, refused)
	b = append(b, `,"version":"`...)
	b = appendVersion(b, s.Version)
	return append(b, '"')
}

func appendVersion(b []byte, version uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[version>>shift&15])
	}
	return b
}

func (a *ask) appendAsOf(b []byte) []byte {
	b = append(b, `"as_of":`...)
	b = answer.AppendTime(b, a.asOf)
	b = append(b, `,"stale":`...)
	return strconv.AppendBool(b, a.stale)
}

func (a *ask) appendIDs(b []byte) []byte {
	b = append(b, `,"request_id":`...)
	b = answer.AppendString(b, a.call.id)
	b = append(b, `,"audit_id":`...)
	b = answer.AppendString(b, a.entry.ID)
	// Without something in the answer that is not in the audit, whoever reads the
	// digest there could try every answer that is possible, yes and no.
	b = append(b, `,"nonce":`...)
	return append(appendNonce(append(b, '"')), '"')
}

// appendNonce appends what rand.Text makes, 26 characters that nobody can guess.
func appendNonce(b []byte) []byte {
	var random [26]byte
	_, _ = rand.Read(random[:]) // it does not fail
	for _, r := range random {
		b = append(b, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[r%32])
	}
	return b
}

// keyQuestion is the body of POST /v1/lookup/{view}.
type keyQuestion struct {
	Key    string   `json:"key" doc:"主键 / key" maxLength:"512"`
	Fields []string `json:"fields,omitempty" maxItems:"512" doc:"字段，缺省为全部授权字段 / fields, all that is granted if absent"`
}

// explainQuestion is the body of POST /v1/explain/{entity}.
type explainQuestion struct {
	Key    string   `json:"key" doc:"主键 / key" maxLength:"512"`
	Fields []string `json:"fields,omitempty" maxItems:"512" doc:"字段，缺省为全部授权字段 / fields, all that is granted if absent"`
}

// batchQuestion is the body of POST /v1/lookup.
type batchQuestion struct {
	View   string   `json:"view" doc:"视图,如 person.partial / view" maxLength:"128"`
	Keys   []string `json:"keys" minItems:"1" maxItems:"1000" doc:"主键,至多1000个 / keys"`
	Fields []string `json:"fields,omitempty" maxItems:"512" doc:"字段,缺省为全部授权字段 / fields, all that is granted if absent"`
}

// batch answers POST /v1/lookup.
func (a *ask) batch(ctx context.Context, q batchQuestion) ([]byte, *Problem) {
	v := a.view
	keys := make([]string, len(q.Keys))
	if v != nil {
		for i, raw := range q.Keys {
			key, err := v.Normalise(raw)
			if err != nil {
				continue // told in its own result
			}
			keys[i] = key
			a.entry.Subjects = append(a.entry.Subjects, audit.Subject{Digest: v.AuditDigest(key)})
		}
	}
	bad := checkFields("body.fields", q.Fields)
	d, p := a.decide(ctx, access.Question{View: q.View, Fields: askable(q.Fields, bad), Records: len(q.Keys)})
	if p == nil && len(bad) > 0 {
		p = a.fail(ctx, faultInvalid, "invalid_fields", bad...)
	}
	if p != nil {
		return nil, p
	}
	known := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key == "" })
	stored := make([]store.Stored, len(known))
	if p := a.read(ctx, known, stored); p != nil {
		return nil, p
	}
	body := append(make([]byte, 0, 512*len(keys)), `{"results":[`...)
	rows, n := 0, 0
	for i, key := range keys {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"key":`...)
		body = answer.AppendString(body, q.Keys[i])
		if key == "" {
			body = append(body, `,"found":false,"error":`...)
			body = append(answer.AppendString(body, faultKey.Code), '}')
			continue
		}
		s := stored[n]
		n++
		if !s.Found() {
			body = append(body, `,"found":false`...)
			if len(a.missing) > 0 { // nobody knows
				body = append(body, `,"error":`...)
				body = answer.AppendString(body, faultNotLoaded.Code)
			}
			if refused := a.refused(n - 1); len(refused) > 0 {
				body = appendRefused(append(body, ','), refused)
			}
			body = append(body, '}')
			continue
		}
		record, err := v.Reader.Decode(ctx, s.Value)
		if err != nil {
			return nil, a.unreadable(ctx, err)
		}
		a.entry.Subjects[n-1].Found = true
		rows++
		body = append(body, `,"found":true,`...)
		body = append(a.appendRecord(body, v, record, s, key, d.Fields, a.refused(n-1)), '}')
	}
	body = a.appendAsOf(append(body, "],"...))
	body = append(body, `,"view":`...)
	body = answer.AppendString(body, v.ID)
	body = append(a.appendIDs(body), '}', '\n')
	if p := a.finish(ctx, body, rows); p != nil {
		return nil, p
	}
	return body, nil
}

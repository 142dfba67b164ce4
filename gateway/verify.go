package gateway

import (
	"context"
	"crypto/subtle"
	"slices"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// verifyQuestion is the body of POST /v1/verify.
type verifyQuestion struct {
	View   string            `json:"view" doc:"核验视图,如 person.verify / verification view" maxLength:"128"`
	Key    string            `json:"key" doc:"主键 / key" maxLength:"512"`
	Fields map[string]string `json:"fields" minProperties:"1" maxProperties:"64" doc:"待核验的字段,至少两个 / fields to verify, at least two"`
}

// verify answers POST /v1/verify: one yes or no for all fields together. No is
// also the answer for a record that is not there, and it takes as long.
func (a *ask) verify(ctx context.Context, q verifyQuestion) ([]byte, *Problem) {
	defer a.holdBack(ctx, time.Now())
	v := a.view
	key, err := "", errKey
	if v != nil {
		if key, err = v.normalise(q.Key); err == nil {
			a.entry.Subjects = []audit.Subject{{Digest: v.auditDigest(key)}}
		}
	}
	names := make([]string, 0, len(q.Fields))
	for name := range q.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	question := access.Question{View: q.View, Fields: v.withoutKey(names), Verify: true, Records: 1}
	if _, p := a.decide(ctx, question); p != nil {
		return nil, p
	}
	if err != nil {
		return nil, a.fail(ctx, faultKey, "invalid_key", FieldError{"key", v.keyForm()})
	}
	if len(names) < 2 {
		return nil, a.fail(ctx, faultFew, "too_few_fields")
	}
	if !a.g.guard.may(a.who.ID(), a.entry.Subjects[0].Digest, a.begin) {
		a.g.metrics.stopped.WithLabelValues(a.who.ID()).Inc()
		a.g.log.Warn("verifications stopped, too many failed", "app", a.who.ID(), "request", a.call.id)
		return nil, a.refuse(ctx, access.Decision{Reason: access.OverBudget})
	}
	asked, bad := v.asked(key, q.Fields, names)
	if len(bad) > 0 {
		return nil, a.fail(ctx, faultValue, "invalid_value", bad...)
	}
	match, p := a.compare(ctx, key, asked)
	if p != nil {
		return nil, p
	}
	if !match {
		a.g.metrics.negatives.WithLabelValues(a.who.ID()).Inc()
		a.g.guard.negative(a.who.ID(), a.entry.Subjects[0].Digest, a.begin)
	}
	asOf, stale := a.g.fresh.View(v.View)
	body := append(make([]byte, 0, 256), `{"match":`...)
	if match {
		body = append(body, "true,"...)
	} else {
		body = append(body, "false,"...)
	}
	body = append(a.appendIDs(appendAsOf(body, asOf, stale)), '}', '\n')
	// The audit says that there was an answer, not which: a list of who did not
	// match would be worth stealing.
	if p := a.finish(ctx, body, 1); p != nil {
		return nil, p
	}
	return body, nil
}

// holdBack waits until the answer is as old as every answer is.
func (a *ask) holdBack(ctx context.Context, since time.Time) {
	left := a.g.cfg.VerifyFloor - time.Since(since)
	if left <= 0 {
		return
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// withoutKey drops the owner's key where the view has no column of it: it is
// not a field that could be granted, and it is verified by being the key.
func (v *view) withoutKey(names []string) []string {
	if v == nil {
		return names
	}
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { _, column := v.columns[n]; return !column && v.isKey(n) })
}

func (v *view) isKey(name string) bool {
	return slices.ContainsFunc(v.parts, func(p part) bool { return p.name == name })
}

// expected is one value a caller named, as the view would hold it.
type expected struct {
	column int // -1 = a part of the key
	digest []byte
	same   bool // of a part of the key: whether it is that part
}

// asked turns values as they were typed into what the view holds of them.
func (v *view) asked(key string, fields map[string]string, names []string) ([]expected, []FieldError) {
	var out []expected
	var bad []FieldError
	parts := []string{key}
	if len(v.parts) > 1 {
		if split, err := schemas.SplitKey(key); err == nil {
			parts = split
		}
	}
	for _, name := range names {
		e := v.elements[name]
		column, ok := v.columns[name]
		if e == nil || !ok && !v.isKey(name) {
			bad = append(bad, FieldError{"fields", "字段不可核验 / a field cannot be verified"})
			continue
		}
		text, err := normalise(e, fields[name])
		if err != nil {
			bad = append(bad, FieldError{"fields." + name, "值的格式不正确 / the value is malformed"})
			continue
		}
		if !ok {
			i := slices.IndexFunc(v.parts, func(p part) bool { return p.name == name })
			out = append(out, expected{column: -1, same: subtle.ConstantTimeCompare([]byte(parts[i]), []byte(text)) == 1})
			continue
		}
		out = append(out, expected{column: column, digest: v.keys.Digest("verify:"+v.ID+":"+name, text)})
	}
	return out, bad
}

// compare holds the values against the record. It does the same work whether
// there is a record or not and whichever field differs.
func (a *ask) compare(ctx context.Context, key string, asked []expected) (bool, *Problem) {
	v := a.view
	var stored [1]Stored
	if err := a.g.parts.Cache.Get(ctx, v.ID, []Digest{v.digest(v.recordKey(key))}, stored[:]); err != nil {
		return false, a.unanswered(ctx, err)
	}
	var record schemas.Record
	if stored[0].Found() {
		var err error
		if record, err = v.reader.Decode(ctx, stored[0].Value); err != nil {
			a.g.log.Error("cached record cannot be read", "view", v.ID, "request", a.call.id, "error", err)
			return false, a.fail(ctx, faultMixed, "unreadable")
		}
	}
	match := 1
	if record.IsZero() {
		match = 0
	}
	var nothing [16]byte
	for _, e := range asked {
		held := nothing[:]
		switch {
		case e.column < 0:
			if !e.same {
				match = 0
			}
			continue
		case !record.IsZero() && record.Value(e.column).Kind() == schemas.KindBytes:
			held = []byte(record.Value(e.column).Str())
		}
		match &= subtle.ConstantTimeCompare(held, e.digest)
	}
	return match == 1, nil
}

// guard stops who tries values until one fits. It counts verifications that
// failed, of an application and about one subject, in each minute.
type guard struct {
	perApp, perTarget int

	mu     sync.Mutex
	minute int64
	failed map[string]int
}

// maxFailed bounds the table of a minute; when it is full, everybody waits for
// the next one.
const maxFailed = 1 << 16

func newGuard(perApp, perTarget int) *guard {
	return &guard{perApp: perApp, perTarget: perTarget, failed: map[string]int{}}
}

func (g *guard) turn(now time.Time) {
	if minute := now.Unix() / 60; minute != g.minute {
		g.minute = minute
		clear(g.failed)
	}
}

func (g *guard) may(app, target string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn(now)
	return g.failed[app] < g.perApp && g.failed[app+"|"+target] < g.perTarget && len(g.failed) < maxFailed
}

func (g *guard) negative(app, target string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn(now)
	g.failed[app]++
	g.failed[app+"|"+target]++
}

// explain answers GET /v1/explain/{entity}/{key}: why each cell of the golden
// record is what it is.
func (a *ask) explain(ctx context.Context, entity, raw string) ([]byte, *Problem) {
	v := a.view
	key, err := "", errKey
	if v != nil {
		if key, err = v.normalise(raw); err == nil {
			a.entry.Subjects = []audit.Subject{{Digest: v.auditDigest(key)}}
		}
	}
	d, p := a.decide(ctx, access.Question{View: entity + "." + schemas.ExplainView, Records: 1})
	if p != nil {
		return nil, p
	}
	if err != nil {
		return nil, a.fail(ctx, faultKey, "invalid_key", FieldError{"key", v.keyForm()})
	}
	var stored [1]Stored
	if err := a.g.parts.Cache.Get(ctx, v.ID, []Digest{v.digest(v.recordKey(key))}, stored[:]); err != nil {
		return nil, a.unanswered(ctx, err)
	}
	if !stored[0].Found() {
		return nil, a.fail(ctx, faultAbsent, "absent")
	}
	record, err := v.reader.Decode(ctx, stored[0].Value)
	if err != nil {
		a.g.log.Error("cached record cannot be read", "view", v.ID, "request", a.call.id, "error", err)
		return nil, a.fail(ctx, faultMixed, "unreadable")
	}
	a.entry.Subjects[0].Found = true
	asOf, stale := a.g.fresh.View(v.View)
	body := append(make([]byte, 0, 4096), `{"entity":`...)
	body = answer.AppendString(body, entity)
	body = append(body, `,"key_masked":`...)
	body = answer.AppendString(body, maskKey(v.parts[0].element.Kind, key))
	body = append(body, `,"cells":[`...)
	n := 0
	for _, cell := range record.Get("cells").Records() {
		if !slices.Contains(d.Fields, cell.Get("field").Str()) {
			continue
		}
		if n > 0 {
			body = append(body, ',')
		}
		n++
		body = appendCell(body, cell)
	}
	body = append(body, `],"source_time":`...)
	body = answer.AppendTime(body, stored[0].Time)
	body = append(body, `,"version":"`...)
	body = append(appendVersion(body, stored[0].Version), `",`...)
	body = append(a.appendIDs(appendAsOf(body, asOf, stale)), '}', '\n')
	if p := a.finish(ctx, body, 1); p != nil {
		return nil, p
	}
	return body, nil
}

func appendCell(b []byte, cell schemas.Record) []byte {
	b = append(b, '{')
	b = appendTexts(b, cell, "field", "title", "dataset", "department", "reason", "flag")
	b = append(b, `,"value":`...)
	b = appendNullable(b, cell.Get("value_masked"))
	b = append(b, `,"row_token":`...)
	b = answer.AppendString(b, cell.Get("row_token").Str())
	b = append(b, `,"at":`...)
	b = answer.AppendTime(b, cell.Get("at").Time(schemas.Timestamp))
	b = append(b, `,"losers":[`...)
	for i, l := range cell.Get("losers").Records() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = appendTexts(b, l, "dataset", "department", "reason")
		b = append(b, `,"value":`...)
		b = append(appendNullable(b, l.Get("value_masked")), '}')
	}
	return append(b, "]}"...)
}

func appendTexts(b []byte, r schemas.Record, names ...string) []byte {
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = answer.AppendString(b, name)
		b = append(b, ':')
		b = answer.AppendString(b, r.Get(name).Str())
	}
	return b
}

func appendNullable(b []byte, v schemas.Value) []byte {
	if v.IsNull() {
		return append(b, "null"...)
	}
	return answer.AppendString(b, v.Str())
}

// maskKey shows as much of a key as says what sort of key it is: the codes of
// enterprises are public, of everything else the first characters stay, and of
// an identity number the region.
func maskKey(kind, key string) string {
	if kind == "uscc" {
		return key
	}
	shown := 2
	if kind == "id_number" {
		shown = 6
	}
	out := []rune(key)
	for i := range out {
		if i >= shown {
			out[i] = '*'
		}
	}
	return string(out)
}

package gateway

import (
	"context"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
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
	names := make([]string, 0, len(q.Fields))
	for name := range q.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	question := access.Question{View: q.View, Fields: v.WithoutKey(names), Verify: true, Records: 1}
	key, _, p := a.admit(ctx, q.Key, question)
	if p != nil {
		return nil, p
	}
	if v.Telling(key, q.Fields) < 2 {
		return nil, a.fail(ctx, faultFew, "too_few_fields")
	}
	claim, bad := v.Claim(key, q.Fields)
	if len(bad) > 0 {
		return nil, a.fail(ctx, faultValue, "invalid_value", fieldErrors(bad)...)
	}
	if p := a.admitTry(ctx); p != nil {
		return nil, p
	}
	defer a.settle(ctx, quota.Withdrawn) // unless it has ended before
	match, p := a.compare(ctx, key, claim)
	if p != nil {
		return nil, p
	}
	if match {
		a.settle(ctx, quota.Matched)
	} else {
		a.g.metrics.negatives.WithLabelValues(a.who.ID()).Inc()
		a.settle(ctx, quota.Missed)
	}
	if !match && len(a.missing) > 0 {
		// What is missing might match, so it is not a no. It is said whether there is a
		// record or not, and counts as a miss: it tells as much.
		return nil, a.unknown(a.fail(ctx, faultNotLoaded, "not_loaded"))
	}
	body := append(make([]byte, 0, 256), `{"match":`...)
	if match {
		// With a no it would tell that somebody of that key is known.
		body = append(appendRefused(append(body, "true,"...), a.refused(0)), ',')
	} else {
		body = append(body, "false,"...)
	}
	body = append(a.appendIDs(a.appendAsOf(body)), '}', '\n')
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

// compare holds the claim against the record.
func (a *ask) compare(ctx context.Context, key string, claim view.Claim) (bool, *Problem) {
	v := a.view
	stored, p := a.readOne(ctx, key)
	if p != nil {
		return false, p
	}
	var record schemas.Record
	if stored.Found() {
		var err error
		if record, err = v.Reader.Decode(ctx, stored.Value); err != nil {
			return false, a.unreadable(ctx, err)
		}
	}
	return claim.Matches(record), nil
}

// explain answers POST /v1/explain/{entity}, and GET with the key in the path: why each cell of the golden
// record is what it is.
func (a *ask) explain(ctx context.Context, entity string, q explainQuestion) ([]byte, *Problem) {
	question := access.Question{View: entity + "." + schemas.ExplainView, Fields: q.Fields, Records: 1}
	key, d, p := a.admit(ctx, q.Key, question, checkFields("body.fields", q.Fields)...)
	if p != nil {
		return nil, p
	}
	stored, record, p := a.record(ctx, key)
	if p != nil {
		return nil, p
	}
	v := a.view
	body := append(make([]byte, 0, 4096), `{"entity":`...)
	body = answer.AppendString(body, entity)
	body = append(body, `,"key_masked":`...)
	body = answer.AppendString(body, v.MaskKey(key))
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
	body = append(body, "],"...)
	body = appendRefused(body, a.refused(0))
	body = append(body, `,"source_time":`...)
	body = answer.AppendTime(body, stored.Time)
	body = append(body, `,"version":"`...)
	body = append(appendVersion(body, stored.Version), `",`...)
	body = append(a.appendIDs(a.appendAsOf(body)), '}', '\n')
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

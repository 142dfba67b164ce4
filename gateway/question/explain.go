package question

import (
	"context"
	"slices"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Explain answers why each cell of a golden record is what it is.
func (d *Desk) Explain(ctx context.Context, entity, key string, fields []string) ([]byte, *Problem) {
	a := d.ask(ctx, "explain", entity+"."+schemas.ExplainView)
	body, p := a.explain(ctx, entity, key, fields)
	a.observe(ctx, p)
	return body, p
}

func (a *Ask) explain(ctx context.Context, entity, raw string, fields []string) ([]byte, *Problem) {
	question := access.Question{View: entity + "." + schemas.ExplainView, Fields: fields, Records: 1}
	key, d, p := a.admit(ctx, raw, question, CheckFields("body.fields", fields)...)
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

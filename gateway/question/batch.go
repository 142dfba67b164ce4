package question

import (
	"context"
	"slices"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Batch answers about many records at once.
func (d *Desk) Batch(ctx context.Context, viewID string, keys, fields []string) ([]byte, *Problem) {
	a := d.ask(ctx, "batch", viewID)
	body, p := a.batch(ctx, viewID, keys, fields)
	a.observe(ctx, p)
	return body, p
}

func (a *Ask) batch(ctx context.Context, viewID string, raws, fields []string) ([]byte, *Problem) {
	v := a.view
	keys := make([]string, len(raws))
	if v != nil {
		for i, raw := range raws {
			key, err := v.Normalise(raw)
			if err != nil {
				continue // told in its own result
			}
			keys[i] = key
			a.named(key)
		}
	}
	bad := CheckFields("body.fields", fields)
	d, p := a.decide(ctx, access.Question{View: viewID, Fields: askable(fields, bad), Records: len(raws)})
	if p == nil && len(bad) > 0 {
		p = a.fail(ctx, problem.Invalid, "invalid_fields", bad...)
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
		body = answer.AppendString(body, raws[i])
		if key == "" {
			body = append(body, `,"found":false,"error":`...)
			body = append(answer.AppendString(body, problem.Key.Code), '}')
			continue
		}
		s := stored[n]
		n++
		if !s.Found() {
			body = append(body, `,"found":false`...)
			if s.Withheld || len(a.missing) > 0 { // nobody knows
				body = append(body, `,"error":`...)
				body = answer.AppendString(body, problem.NotLoaded.Code)
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
		a.found(n-1, len(known))
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

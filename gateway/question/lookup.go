package question

import (
	"context"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
)

// Lookup answers about one record. Bad is what is wrong with the question beside
// its fields, if they come from elsewhere than a body.
func (d *Desk) Lookup(ctx context.Context, viewID, key string, fields []string, bad []FieldError) ([]byte, *Problem) {
	a := d.ask(ctx, "lookup", viewID)
	body, p := a.lookup(ctx, viewID, key, fields, bad)
	a.observe(ctx, p)
	return body, p
}

func (a *Ask) lookup(ctx context.Context, viewID, raw string, fields []string, bad []FieldError) ([]byte, *Problem) {
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

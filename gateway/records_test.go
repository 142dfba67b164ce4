package gateway_test

import (
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// Made-up people of the made-up city.
const (
	zhang = "539902198503120013"
	li    = "539902198503120021"
	firm  = "91539900MADE00011B"
)

// shared builds a record of a shared topic.
func (w *world) shared(viewID, key string, version uint64, columns map[string]schemas.Value) bus.Record {
	w.t.Helper()
	v, err := w.cat.View(viewID)
	must(w.t, err)
	r := bus.Record{Topic: contract.Shared(viewID), Partition: bus.ByKey, Key: []byte(w.recordKey(v, key)), Time: time.UnixMilli(1_790_000_000_000)}
	r.Headers = []bus.Header{{Key: "ver", Value: fmt.Appendf(nil, "%016x", version)}}
	if columns == nil {
		return r
	}
	values := make([]schemas.Value, len(v.Layout.Columns))
	for name, value := range columns {
		i := v.Layout.Index(name)
		if i < 0 {
			w.t.Fatalf("view %q has no column %q", viewID, name)
		}
		values[i] = value
	}
	for i, c := range v.Layout.Columns {
		if values[i].IsNull() && !c.Nullable {
			values[i] = zero(c)
		}
	}
	writer, err := w.codec.Writer(w.t.Context(), r.Topic.Subject(), v.Layout)
	must(w.t, err)
	r.Value, err = writer.Append(nil, schemas.NewRecord(v.Layout, values))
	must(w.t, err)
	return r
}

func zero(c schemas.Column) schemas.Value {
	switch c.Type {
	case schemas.String:
		return schemas.Text("")
	case schemas.Rows:
		return schemas.Table(nil)
	case schemas.Bytes:
		return schemas.Binary("")
	default:
		return schemas.Int(0)
	}
}

func (w *world) recordKey(v *schemas.View, key string) string {
	if !v.KeyMask {
		return key
	}
	audience := v.Audience
	if audience == "" {
		audience = v.ID
	}
	return w.keys.Token("key:"+audience, key)
}

// verifiable builds a record of a verification view of persons.
func (w *world) verifiable(viewID, key string, version uint64, fields map[string]string) bus.Record {
	w.t.Helper()
	v, err := w.cat.View(viewID)
	must(w.t, err)
	e, err := w.cat.Entity(v.Owner)
	must(w.t, err)
	columns := map[string]schemas.Value{}
	for name, text := range fields {
		kind := e.Key.Element
		for _, f := range e.Fields {
			if f.Name == name {
				kind = f.Element
			}
		}
		value, err := element.Parse(kind, text)
		must(w.t, err)
		columns[name] = schemas.Binary(string(w.keys.Digest("verify:"+viewID+":"+name, element.Render(kind, value))))
	}
	return w.shared(viewID, key, version, columns)
}

// publish writes records in one transaction, as the steps do, with a heartbeat
// of a source of the datasets.
func (w *world) publish(datasets []string, records ...bus.Record) {
	w.t.Helper()
	now := time.Now().UnixMilli()
	must(w.t, w.source.Publish(w.t.Context(), records, contract.SourceStatus{Position: "p", Datasets: datasets, State: "running", CaughtUp: now, Kind: "test"}))
}

// person publishes Zhang as the view person.partial shows him.
func (w *world) person(version uint64, name string) {
	w.t.Helper()
	w.publish([]string{"GA01"}, w.shared("person.partial", zhang, version, map[string]schemas.Value{
		"GMSFHM": schemas.Text("539902************"), "XM": schemas.Text(name), "XBDM": schemas.Text("1"),
	}))
}

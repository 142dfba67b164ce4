package view_test

import (
	"slices"
	"testing"

	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// TestMasked: of every view what it masks is always listed, and what people wrote, in
// a column or in a row that it holds, where a number was hidden in it and only there.
func TestMasked(t *testing.T) {
	t.Parallel()
	views, _ := compile(t)
	looked := map[bool]int{}
	for _, v := range views {
		var granted []string
		for _, c := range v.Layout.Columns {
			granted = append(granted, c.Name)
		}
		record := func(text string) schemas.Record {
			values := make([]schemas.Value, len(v.Layout.Columns))
			for i, f := range v.Fields {
				if f.Screened {
					values[i] = schemas.Text(text)
				}
			}
			for i, e := range v.Embed {
				row := make([]schemas.Value, len(e.Layout.Columns))
				for k, f := range e.Fields {
					if f.Screened {
						row[k] = schemas.Text(text)
					}
				}
				clean := schemas.NewRecord(e.Layout, make([]schemas.Value, len(row)))
				values[len(v.Fields)+i] = schemas.Table([]schemas.Record{clean, schemas.NewRecord(e.Layout, row)})
			}
			return schemas.NewRecord(v.Layout, values)
		}
		clean, hidden := v.Masked(record("人民路12号"), granted), v.Masked(record("人民路12号 139****5678"), granted)
		ask := func(name string, f schemas.ViewField, embedded bool) {
			if got, want := slices.Contains(clean, name), f.Mask != ""; got != want {
				t.Errorf("%s lists %s as masked: %t", v.ID, name, got)
			}
			if got, want := slices.Contains(hidden, name), f.Mask != "" || f.Screened; got != want {
				t.Errorf("%s lists %s as masked where a number is hidden: %t", v.ID, name, got)
			}
			if f.Screened {
				looked[embedded]++
			}
		}
		eachField(v, ask)
		if none := v.Masked(record("139****5678"), nil); len(none) != 0 {
			t.Errorf("%s lists %v of no field", v.ID, none)
		}
	}
	if looked[false] == 0 || looked[true] == 0 {
		t.Errorf("looked into %v fields (in rows: true)", looked)
	}
}

func eachField(v *view.View, ask func(name string, f schemas.ViewField, embedded bool)) {
	for _, f := range v.Fields {
		ask(f.Name, f, false)
	}
	for _, e := range v.Embed {
		for _, f := range e.Fields {
			ask(e.Dataset.ID+"."+f.Name, f, true)
		}
	}
}

package connectors_test

import (
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

func TestRow(t *testing.T) {
	t.Parallel()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	d, err := cat.Dataset("SC02") // key TYSHXYDM,LRH; LRYY LRRQ required, YCRQ nullable
	if err != nil {
		t.Fatal(err)
	}
	const code = "91530102MA6K0QXY1L"
	tests := []struct {
		name   string
		change map[string]connectors.Cell
		key    string
		bad    string // "FIELD reason", joined
	}{
		{"good", nil, code + "|L1", ""},
		{"full width and blanks", map[string]connectors.Cell{"LRH": connectors.Text("　Ｌ１ "), "TYSHXYDM": connectors.Text(strings.ToLower(code))}, code + "|L1", ""},
		{"separators in the key", map[string]connectors.Cell{"LRH": connectors.Text("L/1")}, code + "|L/1", ""},
		{"blank is null", map[string]connectors.Cell{"YCRQ": connectors.Text(" 　 ")}, code + "|L1", ""},
		{"not sent", map[string]connectors.Cell{"LRYY": {State: connectors.NotSent}}, code + "|L1", ""},
		{"required and blank", map[string]connectors.Cell{"LRYY": connectors.Text(" ")}, code + "|L1", "LRYY missing"},
		{"required and absent", map[string]connectors.Cell{"LRRQ": {}}, code + "|L1", "LRRQ missing"},
		{"bad value keeps the key", map[string]connectors.Cell{"LRRQ": connectors.Text("2026-02-30")}, code + "|L1", "LRRQ invalid"},
		{"bad key", map[string]connectors.Cell{"TYSHXYDM": connectors.Text("secret")}, "", "TYSHXYDM invalid"},
		{"null key", map[string]connectors.Cell{"LRH": {State: connectors.Null}}, "", "LRH missing"},
		{"key not sent", map[string]connectors.Cell{"LRH": {State: connectors.NotSent}}, "", " missing"},
		{"several", map[string]connectors.Cell{"LRH": {}, "LRRQ": connectors.Text("x"), "YCRQ": connectors.Text("y")}, "", "LRH missing LRRQ invalid YCRQ invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cells := make([]connectors.Cell, len(d.Fields))
			for name, c := range map[string]connectors.Cell{
				"TYSHXYDM": connectors.Text(code), "LRH": connectors.Text("L1"), "LRYY": connectors.Text("未公示年报"), "LRRQ": connectors.Text("20260102"),
			} {
				cells[d.Layout.Index(name)] = c
			}
			for name, c := range tt.change {
				cells[d.Layout.Index(name)] = c
			}
			record, key, problems := connectors.Row(d, cells)
			var bad []string
			for _, p := range problems {
				bad = append(bad, p.Field+" "+p.Reason)
				if !strings.Contains(p.Error(), " / ") || strings.Contains(p.Error(), "secret") {
					t.Errorf("problem %q: want two languages and no value", p.Error())
				}
			}
			if key != tt.key || strings.Join(bad, " ") != tt.bad || record.IsZero() != (tt.bad != "") {
				t.Errorf("key %q, problems %q, want %q, %q", key, bad, tt.key, tt.bad)
			}
			only, problems := connectors.RowKey(d, cells)
			if want := tt.key; only != want {
				t.Errorf("RowKey = %q %v, want %q", only, problems, want)
			}
		})
	}
}

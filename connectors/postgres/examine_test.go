package postgres

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	atWork := health{WALLevel: "logical", There: true, Active: true, Status: "reserved"}
	with := func(change func(*health)) health {
		h := atWork
		change(&h)
		return h
	}
	for name, test := range map[string]struct {
		health health
		begun  bool
		grade  connectors.Grade
		says   string
	}{
		"wal_level":       {health{WALLevel: "replica", Left: -1}, false, connectors.Problem, "replica"},
		"lost slot":       {health{WALLevel: "logical", There: true, Status: "lost"}, false, connectors.Problem, "lost"},
		"idle slot":       {health{WALLevel: "logical", There: true, Status: "reserved", Retained: 20 << 30}, false, connectors.Warning, "20480 MiB"},
		"no slot yet":     {health{WALLevel: "logical"}, false, connectors.Fine, "no slot"},
		"slot gone":       {health{WALLevel: "logical"}, true, connectors.Problem, "gone"},
		"slot of another": {with(func(h *health) { h.Others = []string{"yiyuan_x"} }), false, connectors.Warning, "yiyuan_x"},
		"some rows only":  {with(func(h *health) { h.Tables = errors.New("表 t：行级安全") }), false, connectors.Problem, "行级安全"},
		"slot at work":    {atWork, false, connectors.Fine, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := test.health.judge("s", test.begun)
			if !slices.ContainsFunc(found, func(f connectors.Finding) bool { return f.Grade == test.grade && strings.Contains(f.What, test.says) }) {
				t.Errorf("found %+v, want %s that says %q", found, test.grade, test.says)
			}
			for _, f := range found {
				if (f.Grade == connectors.Fine) != (f.Do == "") {
					t.Errorf("%s says %q, and to do %q", f.Grade, f.What, f.Do)
				}
			}
		})
	}
}

package tabular_test

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// Of a row with bytes that do not decode what is ASCII is certain, and nothing else: a
// character that does decode may be another than was meant. Without as many columns as
// there are headings nothing is.
func TestDamagedRow(t *testing.T) {
	t.Parallel()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	d, err := cat.Dataset("ZJ01")
	if err != nil {
		t.Fatal(err)
	}
	headings := []string{"JZWBM", "LDZB", "CS", "BZDZ"}
	c := tabular.New(d, tabular.Mapping{})
	header, bad := c.Header(headings)
	if bad != nil {
		t.Fatal(bad)
	}
	cells, bad := c.Arrange(header, headings, tabular.Row{Fields: []string{"B0002", "浜戝箔", "3", "\xff"}})
	if bad == nil || len(cells) == 0 {
		t.Fatalf("it says %v, %d cells", bad, len(cells))
	}
	for name, certain := range map[string]bool{"JZWBM": true, "CS": true, "LDZB": false, "BZDZ": false} {
		if got := cells[d.Layout.Index(name)].State == connectors.Given; got != certain {
			t.Errorf("%s is there: %v", name, got)
		}
	}
	if key := c.Key(cells); key != "B0002" {
		t.Errorf("its key is %q", key)
	}
	for _, fields := range [][]string{{"B0002", "\xff", "3"}, {"B0002", "\xff", "3", "x", "y"}, {"B0002", "3", "x"}, {"B0002", "7", "x", "3", "y"}} {
		if cells, bad := c.Arrange(header, headings, tabular.Row{Fields: fields}); bad == nil || cells != nil || c.Key(cells) != "" {
			t.Errorf("of %d columns it says %v, %d cells", len(fields), bad, len(cells))
		}
	}
}

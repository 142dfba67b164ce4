package verification

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// The sample city's rules all compile.
func TestYunlingCompiles(t *testing.T) {
	cat, err := schemas.Load(schemas.Yunling())
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, e := range cat.Entities {
		s, err := Compile(cat, e, nil)
		if err != nil {
			t.Errorf("entity %s: %v", e.ID, err)
			continue
		}
		total += s.Len()
	}
	if total < 30 {
		t.Errorf("compiled %d cases, want all", total)
	}
}

package condition

import (
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// The reference lists every function there is, and none that there is not.
func TestFunctionsAreListed(t *testing.T) {
	t.Parallel()
	plain, err := cel.NewEnv()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := cel.NewEnv(functions(&schemas.Calendar{})...)
	if err != nil {
		t.Fatal(err)
	}
	var declared, listed []string
	for name := range ours.Functions() {
		if _, its := plain.Functions()[name]; !its {
			declared = append(declared, name)
		}
	}
	for _, f := range Functions() {
		name, _, _ := strings.Cut(f.Signature, "(")
		if !slices.Contains(listed, name) {
			listed = append(listed, name)
		}
		if !strings.Contains(f.Example, name+"(") || f.Chinese == "" || f.English == "" {
			t.Errorf("%s is not shown by its example %s, or not described", name, f.Example)
		}
	}
	slices.Sort(declared)
	slices.Sort(listed)
	if !slices.Equal(declared, listed) {
		t.Errorf("listed are %v, declared %v", listed, declared)
	}
}

package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestTopicsAreKnown: every topic and family that a constant of this package names is
// known as the bus's own, also one that is added; what merely resembles one is not.
func TestTopicsAreKnown(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			text, ok := spec.Values[0].(*ast.BasicLit)
			if !ok {
				return true
			}
			value, _ := strconv.Unquote(text.Value)
			topic := Topic(value)
			typed, _ := spec.Type.(*ast.Ident)
			switch {
			case strings.HasPrefix(spec.Names[0].Name, "Family"):
				topic += ".GA01"
			case typed == nil || typed.Name != "Topic":
				return true
			}
			found++
			if !topic.Known() {
				t.Errorf("%s: %q is not known", spec.Names[0].Name, topic)
			}
			return true
		})
	}
	if found != 14 {
		t.Errorf("%d topics and families were found, want 14", found)
	}
	for _, other := range []Topic{"", "raw", "raw.", "orders_raw", "shop.raw.orders", "insurance-claims", "audits", "audit.x", "rawGA01"} {
		if other.Known() {
			t.Errorf("%q is no topic of the bus", other)
		}
	}
}

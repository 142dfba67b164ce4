package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryFaultHasItsTurn: a fault test that no quarter names would run in every commit, and one that a quarter names and that does not
// ask would too; a name that nothing bears would make its quarter look fuller than it is.
func TestEveryFaultHasItsTurn(t *testing.T) {
	asks := map[string]bool{}
	faults := regexp.MustCompile(`^Test(Fault|Killed|UpgradeFrom)`)
	var files []string
	for _, where := range []string{"*/*_test.go", "../*_test.go"} { // what starts the program, and its commands
		found, err := filepath.Glob(where)
		if err != nil || len(found) == 0 {
			t.Fatalf("%d files of tests in %s: %v", len(found), where, err)
		}
		files = append(files, found...)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil && (faults.MatchString(f.Name.Name) || strings.HasPrefix(f.Name.Name, "Test") && calls(f.Body, "InTurn")) {
				asks[f.Name.Name] = calls(f.Body, "InTurn") || calls(f.Body, "LongOnly") || slices.Contains(always, f.Name.Name)
			}
		}
	}
	for name, does := range asks {
		if !does {
			t.Errorf("%s asks neither InTurn nor LongOnly", name)
		}
	}
	named := map[string]int{}
	for _, names := range quarters {
		for _, name := range names {
			named[name]++
			if top, _, _ := strings.Cut(name, "/"); !asks[top] {
				t.Errorf("a quarter names %s, which does not ask", name)
			}
		}
	}
	for name, n := range named {
		if n > 1 {
			t.Errorf("%s stands in %d quarters", name, n)
		}
	}
}

// calls says whether a body calls the function of the harness of that name.
func calls(body *ast.BlockStmt, name string) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if of, ok := call.Fun.(*ast.SelectorExpr); ok && of.Sel.Name == name {
				found = true
			}
		}
		return !found
	})
	return found
}

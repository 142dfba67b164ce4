package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// quarters are the fault tests, which take longest: `make test` runs one quarter, chosen by the commit (deploy/testbed/gotest sets
// YIYUAN_TEST_TURN), so that four commits in a row run them all; `make chaos` and a plain `go test` run them all. Each quarter takes about
// as long as the others: docs/testing.md.
var quarters = [4][]string{
	{"TestFaultBroker", "TestFaultCity/keys_rotated", "TestFaultCity/squeezed", "TestFaultSchema"},
	{"TestUpgradeFromTheFirstRelease", "TestFaultCity/roles_killed", "TestFaultCity/poison", "TestFaultRegistry"},
	{"TestFaultPartition", "TestFaultCity/processor_stopped", "TestFaultCity/disk_full", "TestFaultAnswers"},
	{"TestKilledHalfWay", "TestFaultCity/drop_folder_full", "TestFaultRetention", "TestFaultSource", "TestFaultResync"},
}

// always are the fault tests that every commit runs: what may show a personal value.
var always = []string{"TestFaultDoors"}

// inTurn skips a test of another quarter than the one whose turn it is.
func inTurn(t *testing.T) {
	t.Helper()
	quarter := slices.IndexFunc(quarters[:], func(names []string) bool { return slices.Contains(names, t.Name()) }) + 1
	if quarter == 0 {
		t.Fatalf("%s is in no quarter: add it to quarters", t.Name())
	}
	turn := os.Getenv("YIYUAN_TEST_TURN")
	if turn == "" || turn == "all" || long() {
		return
	}
	if n, err := strconv.Atoi(turn); err != nil || n < 1 || n > len(quarters) {
		t.Fatalf("YIYUAN_TEST_TURN=%s: all, or 1 to %d", turn, len(quarters))
	} else if n != quarter {
		t.Skipf("in turn %d of %d", quarter, len(quarters))
	}
}

// TestEveryFaultHasItsTurn: a fault test that no quarter names would run in every commit, and one that a quarter names and that does not
// ask would too; a name that nothing bears would make its quarter look fuller than it is.
func TestEveryFaultHasItsTurn(t *testing.T) {
	asks := map[string]bool{}
	faults := regexp.MustCompile(`^Test(Fault|Killed|UpgradeFrom)`)
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && faults.MatchString(f.Name.Name) {
				asks[f.Name.Name] = calls(f.Body, "inTurn") || calls(f.Body, "longOnly") || slices.Contains(always, f.Name.Name)
			}
		}
	}
	for name, does := range asks {
		if !does {
			t.Errorf("%s asks neither inTurn nor longOnly", name)
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

// calls says whether a body calls the function of that name.
func calls(body *ast.BlockStmt, name string) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if id, ok := call.Fun.(*ast.Ident); ok && id.Name == name {
				found = true
			}
		}
		return !found
	})
	return found
}

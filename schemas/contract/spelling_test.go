package contract_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestSpelledOnce finds what stands in topics spelled a second time, anywhere in
// the program but in package contract. Tests may spell it: they hold the program
// against what is written down.
func TestSpelledOnce(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "testdata" || e.Name() == "node_modules" || rel != "." && strings.HasPrefix(e.Name(), ".")):
			return fs.SkipDir
		case e.IsDir() && (rel == filepath.Join("schemas", "contract") || rel == filepath.Join("benchmarks", "engine") || rel == filepath.Join("cmd", "yiyuan", "e2e")):
			return fs.SkipDir // peers in benchmarks are programs of their own, and what looks from outside spells by itself
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range spellings(t, rel, string(source)) {
			t.Error(found)
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files, %v", files, err)
	}
}

// TestSpellingIsFound holds the finder against one spelling of each kind.
func TestSpellingIsFound(t *testing.T) {
	t.Parallel()
	for _, second := range []string{
		`"raw." + id`, `"shared."`, `contract.Topic("findings")`, `bus.Record{Topic: "audit"}`,
		`r.Header("pos")`, `bus.Header{Key: "at"}`, `s.State == "held"`, `status{State: "failed"}`, `s.State = "running"`,
		`func() { switch s.State { case "snapshot": } }`, `"route"`, `"resolve." + entity`, `keys.Token("finding", v)`, `keys.DigestHex("audit:"+id, v)`,
		`c.Keyed("push", v)`, `topic + "-value"`, `7 * 24 * time.Hour`, `168 * time.Hour`, `schemas.MustLayout("yiyuan", "Claim")`,
	} {
		if found := spellings(t, "x/x.go", "package x\nvar _ = "+asExpression(second)+"\n"); len(found) == 0 {
			t.Errorf("%s is not found", second)
		}
	}
	for _, other := range []string{`"raw"`, `log.Info("running")`, `json.Token("x")`, `24 * time.Hour`, `op.Method == "POST"`} {
		if found := spellings(t, "x/x.go", "package x\nvar _ = "+other+"\n"); len(found) > 0 && other != `json.Token("x")` {
			t.Errorf("%s is found: %s", other, found)
		}
	}
}

// asExpression makes an expression of a statement.
func asExpression(s string) string {
	if strings.Contains(s, " = ") {
		return "func() { " + s + " }"
	}
	return s
}

var states = []string{
	contract.StateStarting, contract.StateRunning, contract.StateSnapshot, contract.StateResync, contract.StateWaiting,
	contract.StateHeld, contract.StateFailed, contract.StateSilent, contract.StateStopped, contract.StateRetired,
}

// The topics of which there is one; the others are found by their family.
var single = []contract.Topic{
	contract.Findings, contract.Refused, contract.Quarantine, contract.Control, contract.Audit, contract.Sources, contract.Schemas, contract.Bus,
}

// spellings returns where a file spells something of package contract.
func spellings(t *testing.T, name, source string) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	report := func(n ast.Node, what, from string) {
		found = append(found, set.Position(n.Pos()).String()+": "+what+", take it from contract."+from)
	}
	state := func(owner, e ast.Expr) {
		if s, ok := literal(e); ok && called(owner) == "State" && slices.Contains(states, s) {
			report(e, "a state of a source is spelled", "State…")
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if s, ok := literal(n); ok {
				text(n, s, report)
			}
		case *ast.CallExpr:
			call(n, report)
		case *ast.KeyValueExpr:
			state(n.Key, n.Value)
			if s, ok := literal(n.Value); ok && called(n.Key) == "Topic" && slices.Contains(single, contract.Topic(s)) {
				report(n, "a topic is spelled", "Topic")
			}
		case *ast.CompositeLit:
			header(n, report)
		case *ast.AssignStmt:
			for i := range min(len(n.Lhs), len(n.Rhs)) {
				state(n.Lhs[i], n.Rhs[i])
			}
		case *ast.SwitchStmt:
			for _, s := range n.Body.List {
				for _, e := range s.(*ast.CaseClause).List {
					state(n.Tag, e)
				}
			}
		case *ast.BinaryExpr:
			state(n.X, n.Y)
			state(n.Y, n.X)
			if week(n) {
				report(n, "a week is spelled", "Week")
			}
		}
		return true
	})
	return found
}

type reporter func(n ast.Node, what, from string)

// text judges a literal that stands anywhere.
func text(n ast.Node, s string, report reporter) {
	for _, family := range []string{contract.FamilyRaw, contract.FamilyClaims, contract.FamilyResolved, contract.FamilyShared, contract.FamilyState} {
		if of, ok := strings.CutPrefix(s, family+"."); ok && !strings.Contains(of, " ") {
			report(n, "a topic is spelled", "Topic")
		}
	}
	switch {
	case s == "-value":
		report(n, "a subject is spelled", "Topic.Subject")
	case s == contract.Route || s == contract.Resolve(""):
		report(n, "a step's name is spelled", "Route or Resolve")
	}
}

// call judges what is given to a function.
func call(n *ast.CallExpr, report reporter) {
	if len(n.Args) == 0 {
		return
	}
	first := n.Args[0]
	if b, ok := first.(*ast.BinaryExpr); ok {
		for ok {
			first = b.X
			b, ok = first.(*ast.BinaryExpr)
		}
	}
	s, spelled := literal(first)
	switch name := called(n.Fun); {
	case !spelled:
	case name == "Topic" && slices.Contains(single, contract.Topic(s)):
		report(n, "a topic is spelled", "Topic")
	case name == "Header" && len(n.Args) == 1 && !strings.Contains(s, "-"):
		report(n, "a header is spelled", "At and its like")
	case len(n.Args) == 2 && slices.Contains([]string{"Token", "Digest", "DigestHex", "Keyed"}, name):
		report(n, "a label is spelled", "Label…")
	case name == "MustLayout" && (s == "yiyuan" || s == "yiyuan.audit"):
		report(n, "a layout of a topic is made", "…Layout")
	}
}

// header judges a header of a record.
func header(n *ast.CompositeLit, report reporter) {
	if n.Type == nil || called(n.Type) != "Header" {
		return
	}
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && called(kv.Key) == "Key" {
			if _, ok := literal(kv.Value); ok {
				report(kv, "a header is spelled", "At and its like")
			}
		}
	}
}

// week reports whether a product of hours is a week.
func week(n *ast.BinaryExpr) bool {
	hours, unit := 1, false
	var factor func(e ast.Expr) bool
	factor = func(e ast.Expr) bool {
		switch e := e.(type) {
		case *ast.BinaryExpr:
			return e.Op == token.MUL && factor(e.X) && factor(e.Y)
		case *ast.BasicLit:
			v, err := strconv.Atoi(e.Value)
			hours *= v
			return err == nil
		case *ast.SelectorExpr:
			unit = e.Sel.Name == "Hour"
			return unit
		}
		return false
	}
	return factor(n) && unit && hours == 7*24
}

// called returns the last name of an expression.
func called(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestInspect holds the three parts against a project that breaks each rule once, and against the same one mended.
func TestInspect(t *testing.T) {
	broken := map[string]string{
		"go.mod":               "module example.gov/house\n\ngo 1.26\n",
		"docs/architecture.md": "# A\n\n```order\nground\nwing other\n```\n",
		"ground/ground.go":     "package ground\n\nimport _ \"example.gov/house/wing\"\n\ntype T struct{}\n\nfunc A() { B() }\n",
		"ground/b.go":          "package ground\n\nfunc B() { var t T; t.C() }\n",
		"ground/c.go":          "package ground\n\nfunc (t T) C() {}\n",
		"wing/wing.go":         "package wing\n\nimport _ \"example.gov/house/other/inner\"\n",
		"other/inner/inner.go": "package inner\n" + strings.Repeat("\n", fileLines),
		"lost/lost.go":         "package lost\n",
		"docs/glossary.md":     "| 可信记录 | golden record | one | `主记录`, master record |\n",
		"deploy/sources.yaml":  "# 每天一次,早上\na: [甲, 乙,丙]\nb: \"名称:值\"\n单位: x\n",
		"README.md":            "没有主记录。 A master record: 云岭市, and no other.\n",
		"docs/page.md":         "见 `a.yaml`,样例\n低于 2:迟到\n&lt;数据源> 或 file:路径，an area, 云岭市\n第 %d 版;请重启\n",
		"wing/a_test.go":       "package wing\n\n// 甲,乙\n",
	}
	out, passed := run(t, broken)
	if !passed {
		t.Error("passed no limit")
	}
	for _, want := range []string{
		"   501  other/inner/inner.go  too long",
		"     2  ground: b.go ground.go\n          b.go -> ground.go: T\n          ground.go -> b.go: B",
		"ground (floor 1) imports wing (floor 2)",
		"wing (floor 2) imports other/inner (floor 2)",
		"lost stands on no floor",
		"texts: 534 lines, 6 faults",
		"docs/page.md:1 half-width punctuation before \",样\"",
		"docs/page.md:2 half-width",
		"docs/page.md:4 half-width",
		"deploy/sources.yaml:1 half-width",
		"deploy/sources.yaml:3 half-width",
		"README.md:1 \"主记录\" is not what it is called",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("nothing says %q in\n%s", want, out)
		}
	}
	mended := map[string]string{
		"go.mod":               broken["go.mod"],
		"docs/architecture.md": "# A\n\n```order\nground\nother\nwing lost\n```\n",
		"ground/ground.go":     "package ground\n\ntype T struct{}\n\nfunc A() { B() }\n",
		"ground/b.go":          "package ground\n\nfunc B() {}\n",
		"ground/c.go":          broken["ground/c.go"],
		"wing/wing.go":         broken["wing/wing.go"],
		"other/inner/inner.go": "package inner\n",
		"lost/lost.go":         broken["lost/lost.go"],
		"docs/glossary.md":     broken["docs/glossary.md"],
		"README.md":            "没有可信记录，有的是主张：一条。\n",
	}
	if out, passed := run(t, mended); passed {
		t.Errorf("a house that keeps every rule passed a limit:\n%s", out)
	}
}

func run(t *testing.T, project map[string]string) (string, bool) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range project {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}} {
		if out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
	}
	var out strings.Builder
	passed, err := inspect(t.Context(), &out, true)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), passed
}

// TestDebt: what is admitted passes, and only as long as it is there.
func TestDebt(t *testing.T) {
	project := map[string]string{
		"go.mod":               "module example.gov/house\n\ngo 1.26\n",
		"docs/architecture.md": "```order\nground\n```\n\n```debt\nground\n```\n",
		"docs/glossary.md":     "",
		"ground/ground.go":     "package ground\n\ntype T struct{}\n\nfunc A() { B() }\n" + strings.Repeat("\n", fileLines),
		"ground/b.go":          "package ground\n\nfunc B() { _ = T{} }\n",
	}
	out, passed := run(t, project)
	if passed || !strings.Contains(out, "too long") || !strings.Contains(out, "ground: b.go ground.go") {
		t.Errorf("passed %t, and the admitted faults are told by\n%s", passed, out)
	}
	project["ground/ground.go"], project["ground/b.go"] = "package ground\n", "package ground\n"
	if out, passed := run(t, project); !passed || !strings.Contains(out, "ground keeps every limit") {
		t.Errorf("a debt that is paid is kept:\n%s", out)
	}
}

// TestRings holds the circles against what one can walk: two files are of one circle if each reaches the other.
func TestRings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 8).Draw(t, "files")
		refs := arrows{}
		for range rapid.IntRange(0, 20).Draw(t, "arrows") {
			from := fmt.Sprint(rapid.IntRange(0, size-1).Draw(t, "from"))
			to := fmt.Sprint(rapid.IntRange(0, size-1).Draw(t, "to"))
			if refs[from] == nil {
				refs[from] = map[string]map[string]bool{}
			}
			refs[from][to] = map[string]bool{"x": true}
		}
		ring := map[string]int{}
		for i, files := range rings(refs) {
			for _, file := range files {
				ring[file] = i + 1
			}
		}
		for a := range size {
			for b := range size {
				x, y := fmt.Sprint(a), fmt.Sprint(b)
				together := a != b && slices.Contains(reach(refs, x), y) && slices.Contains(reach(refs, y), x)
				if got := a != b && ring[x] > 0 && ring[x] == ring[y]; got != together {
					t.Fatalf("files %s and %s in one circle: %t, want %t, in %v", x, y, got, together, refs)
				}
			}
		}
	})
}

func reach(refs arrows, from string) []string {
	var seen []string
	for next := []string{from}; len(next) > 0; next = next[1:] {
		for to := range refs[next[0]] {
			if !slices.Contains(seen, to) {
				seen, next = append(seen, to), append(next, to)
			}
		}
	}
	return seen
}

// TestOrder: an order that cannot be read is an error, not an empty one that everything keeps.
func TestOrder(t *testing.T) {
	for page, want := range map[string]string{
		"# A\n":                     "no block",
		"```order\na b\nc a\n```\n": "names a twice",
	} {
		if _, err := order(page); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("order(%q) = %v, want an error with %q", page, err, want)
		}
	}
	floors := map[string]int{"a": 1, "a/b": 2}
	for place, want := range map[string]int{"a": 1, "a/x": 1, "a/b": 2, "a/b/c": 2, "ab": 0} {
		if _, got := standing(place, floors); got != want {
			t.Errorf("standing(%q) = floor %d, want %d", place, got, want)
		}
	}
}

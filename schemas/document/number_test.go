package document

import (
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// TestNumbers: a number is what people read in it, or it is refused, with its place.
func TestNumbers(t *testing.T) {
	t.Parallel()
	form := &Form{Kind: Mapping, Keys: []Key{
		{Name: "n", Form: &Form{Kind: Number, Least: -5, Most: 1000}},
		{Name: "d", Form: &Form{Kind: Decimal}},
		{Name: "l", Form: &Form{Kind: List, Each: &Form{Kind: Mapping, Keys: []Key{{Name: "n", Form: &Form{Kind: Number, Most: 9}}}}}},
		{Name: "t", Form: &Form{Kind: Text}},
	}}
	for text, want := range map[string]string{
		"n: 0": "", "n: 7": "", "n: -5": "", "n: 1000 # most": "", "d: 0.5": "", "d: -12": "", "l: [{n: 9}]": "", "t: 010": "", "{n: 3}": "", "x: null": "",
		"n: 0.5": "[1:4]", "n: 2.0": "[1:4]", "n: 1e3": "[1:4]", `n: "600"`: "[1:4]", "n: '6'": "[1:4]", "n: 0x10": "[1:4]", "n: 010": "[1:4]", "n: 007": "[1:4]", "n: 08": "[1:4]",
		"n: 0o17": "[1:4]", "n: 0b1": "[1:4]", "n: +5": "[1:4]", "n: 1_000": "[1:4]", "n: true": "[1:4]", "n: 1001": "[1:4]", "n: -6": "[1:4]", "n: -0": "[1:4]", "n: 99999999999999999999": "[1:4]",
		"n: null": "[1:4]", "n: ~": "[1:4]", "d: 1e3": "[1:4]", "d: .5": "[1:4]", "d: 1.": "[1:4]", "d: .inf": "[1:4]", "d: 00.5": "[1:4]", "l:\n  - n: 1.5": "[2:8]", "t: null": "[1:4]",
	} {
		var got string
		for _, e := range form.Misfits(parsed(t, text)) {
			got += e.Error()[:5]
		}
		if got != want {
			t.Errorf("%q is wrong at %q, want %q", text, got, want)
		}
	}
}

// TestOdd: of what others declare, only how numbers are written is looked at.
func TestOdd(t *testing.T) {
	t.Parallel()
	for text, line := range map[string]int{
		"a: 1\nb: [2, 3.5, -4]\nc: {d: x}": 0, "a: \"010\"": 0, "a: null": 0,
		"a: 1\nb: 010": 2, "a: {b: [0x10]}": 1, "a:\n  01: x": 2, "a: 1_0": 1, "a: +1": 1,
	} {
		got := 0
		if e := Odd(parsed(t, text)); e != nil {
			got = e.Line
		}
		if got != line {
			t.Errorf("%q is odd on line %d, want %d", text, got, line)
		}
	}
}

func parsed(t *testing.T, text string) ast.Node {
	t.Helper()
	f, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	return f.Docs[0].Body
}

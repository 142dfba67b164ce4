package document

import (
	"errors"
	"testing"
)

func TestOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		second     int // the line of the second document, 0 = there is none
	}{
		{"a: 1\n", "a: 1\n", 0},
		{"\uFEFFa: 1\n", "a: 1\n", 0},
		{"# head\n---\na: 1\n...\n# tail\n", "# head\n---\na: 1\n...\n# tail\n", 0},
		{"%YAML 1.2\n---\na: |\n  ---\n  b\n", "%YAML 1.2\n---\na: |\n  ---\n  b\n", 0},
		{"a: 1\n---\nb: 2\n", "", 3},
		{"a: 1\n--- {b: 2}\n", "", 2},
		{"\uFEFFa: 1\n...\n\nb: 2\n", "", 4},
	} {
		got, err := One([]byte(c.text))
		var second *SecondError
		switch {
		case c.second == 0 && (err != nil || string(got) != c.want):
			t.Errorf("One(%q) = %q, %v", c.text, got, err)
		case c.second > 0 && (!errors.As(err, &second) || second.Line != c.second):
			t.Errorf("One(%q): %v, want a second document on line %d", c.text, err, c.second)
		}
	}
}

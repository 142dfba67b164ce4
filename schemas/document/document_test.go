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

// TestEncoding: a text in another encoding is refused, at its first line that is, and not
// read as other words.
func TestEncoding(t *testing.T) {
	t.Parallel()
	for text, line := range map[string]int{
		"a: 1\nb: \xd4\xc6\xc1\xeb\n":        2, // GB18030
		"\xff\xfea\x00:\x00 \x001\x00\n\x00": 1, // UTF-16, little endian
		"\xfe\xff\x00a\x00:\x00 \x001\x00\n": 1, // and big
		"a\x00:\x00 \x001\x00\n\x00":         1, // without its mark
		"a: \xef\xbf\n":                      1, // cut
	} {
		_, err := One([]byte(text))
		var foreign *EncodingError
		if !errors.As(err, &foreign) || foreign.Line != line || Syntax(err).Chinese == "" || Syntax(err).Error() != err.Error() {
			t.Errorf("One(%q): %v, want another encoding on line %d", text, err, line)
		}
	}
}

package masking

import (
	"strings"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// figured reports whether a text is of digits, and of stars where it is masked already,
// and of any of other characters.
func figured(s, others string) bool {
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && s[i] != '*' && strings.IndexByte(others, s[i]) < 0 {
			return false
		}
	}
	return true
}

// stars stands for a value of which nothing may be shown.
const stars = schemas.Stars

// keep shows the first head and the last tail characters of s and a star for
// each between. Where less than a third would stay hidden, all of it is hidden.
func keep(s string, head, tail int) string {
	n := utf8.RuneCountInString(s)
	if hidden := n - head - tail; hidden <= 0 || hidden*3 < n {
		return strings.Repeat("*", n)
	}
	var b strings.Builder
	b.Grow(len(s))
	i := 0
	for _, r := range s {
		if i < head || i >= n-tail {
			b.WriteRune(r)
		} else {
			b.WriteByte('*')
		}
		i++
	}
	return b.String()
}

// cut returns the first n characters of s.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

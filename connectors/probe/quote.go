package probe

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Plain is a text of a system on one line of what can be printed, cut after so many characters.
func Plain(text string, most int) string {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return ' '
	}, text)), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

var bare = regexp.MustCompile(`^[A-Za-z\p{Han}][A-Za-z0-9_\p{Han}]*([ .:][A-Za-z0-9_\p{Han}]+)*$`)

// Scalar writes a text as YAML reads it back: in quotes, unless nothing in it could be
// taken for something else.
func Scalar(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf":
		return strconv.Quote(s)
	}
	if bare.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

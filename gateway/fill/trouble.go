package fill

import (
	"errors"
	"strings"
)

// trouble names what is wrong with the cache by the word with which Redis begins such an
// answer (OOM, READONLY, LOADING), "" of everything else: what is told once a minute is
// told again when it is something else.
func trouble(err error) string {
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	word, _, more := strings.Cut(err.Error(), " ")
	if !more || word == "" || strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return ""
	}
	return word
}

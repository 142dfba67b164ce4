package option

import (
	"errors"
	"strings"
)

// At is an error that knows which option it is about, as a path below options:
// tables.public.t.columns. It says what the error says.
func At(path string, err error) error { return &placedError{path, err} }

type placedError struct {
	path string
	error
}

// Unwrap makes it the error that it places.
func (e *placedError) Unwrap() error { return e.error }

// Problem is one of several things that are wrong with a source's options.
type Problem struct {
	Path string // "" if it is about none alone
	Text string
}

// Problems takes an error apart into all that it tells, a problem each.
func Problems(err error) []Problem {
	if err == nil {
		return nil
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var out []Problem
		lines := make([]string, 0, len(several.Unwrap()))
		for _, e := range several.Unwrap() {
			out = append(out, Problems(e)...)
			lines = append(lines, e.Error())
		}
		if strings.Join(lines, "\n") == err.Error() { // joined, with no words of its own
			return out
		}
	}
	p := Problem{Text: err.Error()}
	if placed, ok := errors.AsType[*placedError](err); ok {
		p.Path = placed.path
	}
	return []Problem{p}
}

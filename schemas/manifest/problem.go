package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong in a catalogue, with its place.
type Problem struct {
	File    string
	Line    int
	Column  int
	Rule    string // stable id of the check, e.g. "unknown-element"
	Message string // Chinese first, then English, with what to do
	Warning bool
}

// Problems is the error of Load: everything that is wrong in a catalogue, in
// the order of files and lines, warnings among them.
type Problems struct{ All []Problem }

// Error lists the errors, one a line.
func (p *Problems) Error() string {
	var lines []string
	for _, problem := range p.All {
		if !problem.Warning {
			lines = append(lines, problem.String())
		}
	}
	return "load catalogue: " + strconv.Itoa(len(lines)) + " problems:\n" + strings.Join(lines, "\n")
}

// String writes the problem as compilers do: file:line:column: message [check].
func (p Problem) String() string {
	place := p.File
	if p.Line > 0 {
		place += ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
	}
	if place == "" {
		place = "catalogue"
	}
	return place + ": " + p.Message + " [" + p.Rule + "]"
}

// collector gathers problems. Both texts of a message are format strings over
// the same arguments, so they use explicit indexes (%[1]s).
type collector struct{ all []Problem }

func (c *collector) add(file string, line, column int, warning bool, rule, chinese, english string, args ...any) {
	c.all = append(c.all, Problem{
		File: file, Line: line, Column: column, Rule: rule, Warning: warning,
		Message: fill(chinese, args) + " / " + fill(english, args),
	})
}

// fill puts in the arguments. A text need not use all of them: fmt does not
// mind as long as verbs are indexed.
func fill(text string, args []any) string {
	if !strings.Contains(text, "%[") {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// errors reports whether anything but warnings was found.
func (c *collector) errors() bool {
	return slices.ContainsFunc(c.all, func(p Problem) bool { return !p.Warning })
}

// sorted returns the problems by file, line and column.
func (c *collector) sorted() []Problem {
	slices.SortStableFunc(c.all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return c.all
}

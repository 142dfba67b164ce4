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
		Message: format(chinese, args) + " / " + format(english, args),
	})
}

// format fills in the arguments. A text need not use all of them: fmt does not
// mind as long as verbs are indexed.
func format(text string, args []any) string {
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

// nearest returns the known name that is closest to name, or "" if none is
// close enough to be what was meant.
func nearest(name string, known []string) string {
	size := len([]rune(name))
	best, distance := "", min(max(size/3, 1)+1, size)
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return k
		}
		if d := editDistance(name, k, distance); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// hint turns the nearest name into the last words of a message.
func hint(name string, known []string) (chinese, english string) {
	if best := nearest(name, known); best != "" {
		return ", 是否想写 " + best, ", did you mean " + best + "?"
	}
	if len(known) > 0 && len(known) <= 12 {
		return ", 可用: " + strings.Join(known, " "), ", known: " + strings.Join(known, " ")
	}
	return "", ""
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbours, and stops at limit.
func editDistance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d >= limit || -d >= limit {
		return limit
	}
	before, row, next := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		next[0] = i + 1
		least := next[0]
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			d := min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				d = min(d, before[j-1]+1)
			}
			next[j+1] = d
			least = min(least, d)
		}
		if least >= limit {
			return limit
		}
		before, row, next = row, next, before
	}
	return row[len(y)]
}

// Package terminal is what commands share where they tell something to a person: tables, lists cut short, errors on one line.
package terminal

import (
	"io"
	"net/url"
	"strings"

	"github.com/mattn/go-runewidth"
)

// WithoutURL drops the request's URL from a transport error: it holds the key asked for.
func WithoutURL(err error) error {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // the outermost error is what Do returns
		return u.Err
	}
	return err
}

// FirstLine is an error's first line, and the first of its list if it is one, with the
// path that was tried.
func FirstLine(err error) string {
	line, more, _ := strings.Cut(err.Error(), "\n")
	if strings.HasSuffix(line, ":") {
		first, rest, _ := strings.Cut(more, "\n")
		line, more = line+" "+strings.TrimSpace(first), rest
	}
	if more != "" {
		line += " …"
	}
	if where := Where(err); where != "" {
		where, _, _ = strings.Cut(where, "\n")
		line += "；" + where
	}
	return line
}

// Some lists the first of many.
func Some(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " …"
}

// Table aligns columns, counting a Chinese character as two.
func Table(to io.Writer, lines [][]string) error {
	widths := make([]int, len(lines[0]))
	for _, l := range lines {
		for i, cell := range l {
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	var b strings.Builder
	for _, l := range lines {
		for i, cell := range l {
			if i == len(l)-1 {
				b.WriteString(cell + "\n")
				break
			}
			b.WriteString(runewidth.FillRight(cell, widths[i]+2))
		}
	}
	_, err := io.WriteString(to, b.String())
	return err
}

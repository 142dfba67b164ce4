package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

var (
	errQuote = errors.New("quote")
	// ErrManyOpen says that so many quotes do not end that the rest is not read.
	ErrManyOpen = errors.New("too many quotes that do not end")
)

// maxOpenQuotes is how many rows with a quote that does not end are mended
// before the file is given up: each costs a look at up to max_row bytes.
const maxOpenQuotes = 100

// CSV reads CSV as RFC 4180 has it, with any one-character delimiter and
// LF, CR LF or CR. A row whose quotes are wrong costs its first line only:
// reading goes on with the line after it.
type CSV struct {
	lines   *lines
	comma   []byte
	maxRow  int
	columns int
	open    int
}

// NewCSV reads CSV.
func NewCSV(r io.Reader, l Limits) *CSV {
	return &CSV{lines: newLines(r, l.MaxRow), comma: []byte(l.Delimiter), maxRow: l.MaxRow, columns: l.MaxColumns}
}

// Next returns the next row, io.EOF at the end. Blank lines are passed over.
func (c *CSV) Next() (tabular.Row, error) {
	for {
		first, err := c.lines.next()
		if err != nil {
			return tabular.Row{}, err
		}
		if first.tooLong {
			return tabular.Row{Line: first.number, Bad: tooLong(c.maxRow)}, nil
		}
		if text := bytes.TrimSpace(first.text); len(text) == 0 || len(text) == 1 && text[0] == endOfFile {
			continue
		}
		if bytes.IndexByte(first.text, '"') < 0 {
			return c.plain(first), nil
		}
		return c.quoted(first)
	}
}

func (c *CSV) plain(l line) tabular.Row {
	r := tabular.Row{Line: l.number, Raw: l.text}
	if n := bytes.Count(l.text, c.comma) + 1; n > c.columns {
		r.Bad = tooWide(c.columns)
		return r
	}
	r.Fields = strings.Split(string(l.text), string(c.comma))
	r.Blank = blank(r.Fields)
	return r
}

func (c *CSV) quoted(first line) (tabular.Row, error) {
	first = first.copy()
	q := quoting{comma: c.comma, columns: c.columns}
	raw, all, again := first.text, first, []line(nil)
	for {
		finished, err := q.feed(all)
		if err != nil {
			break
		}
		if finished {
			r := tabular.Row{Line: first.number, Fields: q.fields, Raw: raw, Blank: blank(q.fields)}
			if len(q.fields) > c.columns {
				r.Fields, r.Bad = nil, tooWide(c.columns)
			}
			return r, nil
		}
		if all, err = c.lines.next(); err != nil {
			if !errors.Is(err, io.EOF) {
				return tabular.Row{}, err
			}
			break
		}
		all = all.copy()
		again = append(again, all)
		if raw = append(raw, all.text...); all.tooLong || len(raw) > c.maxRow {
			break
		}
	}
	c.lines.unread(again)
	if len(again) > 0 {
		if c.open++; c.open > maxOpenQuotes {
			return tabular.Row{}, ErrManyOpen
		}
	}
	return tabular.Row{Line: first.number, Raw: first.text, Bad: tabular.Bad(contract.ReasonUnreadable, "引号不成对或位置不对 / quotes do not pair or stand in the wrong place")}, nil
}

// quoting takes one row apart, line by line.
type quoting struct {
	comma   []byte
	columns int
	fields  []string
	inside  bool
	text    strings.Builder
}

// feed takes the next physical line; true says that the row ends with it.
func (q *quoting) feed(l line) (bool, error) {
	rest := l.text
	for {
		if !q.inside {
			if len(rest) > 0 && rest[0] == '"' {
				q.inside = true
				rest = rest[1:]
				continue
			}
			if bytes.HasPrefix(rest, []byte(`="`)) {
				var done bool
				if done, rest = q.formula(rest); rest == nil && !done {
					return false, errQuote
				} else if done {
					return true, nil
				}
				continue
			}
			field, after, more := bytes.Cut(rest, q.comma)
			if bytes.IndexByte(field, '"') >= 0 {
				return false, errQuote
			}
			q.fields = append(q.fields, string(field))
			if !more || len(q.fields) > q.columns {
				return true, nil
			}
			rest = after
			continue
		}
		i := bytes.IndexByte(rest, '"')
		if i < 0 {
			q.text.Write(rest)
			q.text.WriteString(l.end)
			return false, nil
		}
		q.text.Write(rest[:i])
		rest = rest[i+1:]
		switch {
		case len(rest) > 0 && rest[0] == '"':
			q.text.WriteByte('"')
			rest = rest[1:]
		case len(rest) == 0:
			q.end()
			return true, nil
		case bytes.HasPrefix(rest, q.comma):
			q.end()
			rest = rest[len(q.comma):]
		default:
			return false, errQuote
		}
	}
}

// formula takes ="110101" that a spreadsheet wrote without quoting it. done says
// that the row ends with it; without done and rest it is malformed.
func (q *quoting) formula(text []byte) (done bool, rest []byte) {
	i := bytes.IndexByte(text[2:], '"')
	if i < 0 {
		return false, nil
	}
	after := text[2+i+1:]
	if len(after) > 0 && !bytes.HasPrefix(after, q.comma) {
		return false, nil
	}
	q.fields = append(q.fields, string(text[2:2+i]))
	if len(after) == 0 {
		return true, nil
	}
	return false, after[len(q.comma):]
}

// endOfFile is what DOS wrote behind the last line.
const endOfFile = 0x1A

// blank reports a row in which nothing stands: people leave such rows behind
// their data, and they name no row of a table.
func blank(fields []string) bool {
	for _, f := range fields {
		for _, r := range f {
			if !unicode.IsSpace(r) && r != 0xFEFF && r != 0x200B {
				return false
			}
		}
	}
	return true
}

func (q *quoting) end() {
	q.fields = append(q.fields, q.text.String())
	q.text.Reset()
	q.inside = false
}

func tooLong(limit int) *tabular.Problem {
	return tabular.Bad(contract.ReasonTooLarge, fmt.Sprintf("一行超过 %d 字节 / a row is longer than %d bytes", limit, limit))
}

func tooWide(limit int) *tabular.Problem {
	return tabular.Bad(contract.ReasonTooLarge, fmt.Sprintf("一行超过 %d 列 / a row has more than %d columns", limit, limit))
}

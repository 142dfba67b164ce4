package format

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
)

// ErrArray says that a JSON array is cut, or that something else stands where an
// item, a comma or the end should be: what follows cannot be told apart.
var ErrArray = errors.New("malformed JSON array")

// Array reads a JSON array of flat objects, item by item.
type Array struct {
	r       *bufio.Reader
	maxRow  int
	columns int
	line    int
	item    int
	began   bool
	ended   bool
}

// NewArray reads a JSON array.
func NewArray(r io.Reader, l Limits) *Array {
	return &Array{r: bufio.NewReaderSize(r, 64<<10), maxRow: l.MaxRow, columns: l.MaxColumns, line: 1}
}

// Next returns the next item, io.EOF behind the end of the array.
func (a *Array) Next() (tabular.Row, error) {
	if a.ended {
		return tabular.Row{}, io.EOF
	}
	c, err := a.skip()
	if err != nil {
		return tabular.Row{}, err
	}
	switch {
	case !a.began && c == '[':
		a.began = true
		if c, err = a.skip(); err != nil {
			return tabular.Row{}, err
		}
		if c == ']' {
			return tabular.Row{}, a.end()
		}
	case c == ']' && a.item > 0:
		return tabular.Row{}, a.end()
	case c == ',' && a.item > 0:
		if c, err = a.skip(); err != nil {
			return tabular.Row{}, err
		}
	default:
		return tabular.Row{}, ErrArray
	}
	r := tabular.Row{Line: a.line, Place: fmt.Sprintf("%d[%d]", a.line, a.item)}
	a.item++
	text, err := a.value(c)
	if err != nil {
		return tabular.Row{}, err
	}
	if text == nil {
		r.Bad = tooLong(a.maxRow)
		return r, nil
	}
	return object(r, text, a.columns), nil
}

// end makes sure that nothing stands behind the array.
func (a *Array) end() error {
	if _, err := a.skip(); !a.ended {
		return errors.Join(ErrArray, err)
	}
	return io.EOF
}

// skip returns the next byte that is no white space.
func (a *Array) skip() (byte, error) {
	for {
		c, err := a.r.ReadByte()
		if errors.Is(err, io.EOF) {
			a.ended = true
			return 0, ErrArray
		}
		if err != nil {
			return 0, err
		}
		switch c {
		case '\n':
			a.line++
		case ' ', '\t', '\r':
		default:
			return c, nil
		}
	}
}

// value reads an item whose first byte is c; nil if it is longer than a row may be.
func (a *Array) value(c byte) ([]byte, error) {
	text := []byte{}
	depth, inText, escaped := 0, false, false
	for {
		if len(text) <= a.maxRow {
			text = append(text, c)
		}
		switch {
		case escaped:
			escaped = false
		case inText && c == '\\':
			escaped = true
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == '\n':
			a.line++
		}
		if depth == 0 && !inText {
			if next, err := a.r.Peek(1); err != nil || next[0] == ',' || next[0] == ']' || next[0] == '\n' || c == '}' || c == ']' {
				break
			}
		}
		var err error
		if c, err = a.r.ReadByte(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil, ErrArray
			}
			return nil, err
		}
	}
	if len(text) > a.maxRow {
		return nil, nil
	}
	return text, nil
}

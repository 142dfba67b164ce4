package format

import (
	"bytes"
	"io"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/internal/strictjson"
	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// JSON reads JSON Lines: one flat object a line.
type JSON struct {
	lines   *lines
	maxRow  int
	columns int
}

// NewJSON reads JSON Lines.
func NewJSON(r io.Reader, l Limits) *JSON {
	return &JSON{lines: newLines(r, l.MaxRow), maxRow: l.MaxRow, columns: l.MaxColumns}
}

// maxDepth is how deep a JSON line may nest before it is refused unread.
const maxDepth = 32

// Next returns the next row, io.EOF at the end. Blank lines are passed over.
func (j *JSON) Next() (tabular.Row, error) {
	for {
		l, err := j.lines.next()
		if err != nil {
			return tabular.Row{}, err
		}
		if l.tooLong {
			return tabular.Row{Line: l.number, Bad: tooLong(j.maxRow)}, nil
		}
		text := bytes.TrimSpace(l.text)
		if len(text) == 0 {
			continue
		}
		return object(tabular.Row{Line: l.number}, text, j.columns), nil
	}
}

// object reads one flat JSON object as a row.
func object(r tabular.Row, text []byte, columns int) tabular.Row {
	r.Raw = text
	if strictjson.Check(text, maxDepth) != nil {
		r.Bad = tabular.Bad(contract.ReasonUnreadable, "不是合法的 JSON 对象（语法、编码、重名或层数）/ not an acceptable JSON object (syntax, encoding, a name twice, depth)")
		return r
	}
	members, err := strictjson.Object(text)
	if err != nil {
		r.Bad = tabular.Bad(contract.ReasonUnreadable, "每行（数组的每一项）应为一个 JSON 对象 / each line, or item of an array, must be one JSON object")
		return r
	}
	if len(members) > columns {
		r.Bad = tooWide(columns)
	}
	for _, m := range members {
		if m.Nested && r.Bad == nil {
			r.Bad = tabular.Bad(contract.ReasonUnreadable, "字段值不能是对象或数组 / a field cannot be an object or an array")
		}
		r.Names = append(r.Names, m.Name)
		r.Fields = append(r.Fields, m.Cell.Text)
		r.Null = append(r.Null, m.Cell.State == connectors.Null)
		r.Forms = append(r.Forms, m.Cell.Form)
	}
	return r
}

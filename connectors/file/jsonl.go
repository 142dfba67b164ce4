package file

import (
	"bytes"
	"io"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/internal/strictjson"
)

// jsonReader reads JSON Lines: one flat object a line.
type jsonReader struct {
	lines   *lines
	maxRow  int
	columns int
}

func newJSON(r io.Reader, o Options) *jsonReader {
	return &jsonReader{lines: newLines(r, int(o.MaxRow)), maxRow: int(o.MaxRow), columns: o.MaxColumns}
}

// maxDepth is how deep a JSON line may nest before it is refused unread.
const maxDepth = 32

func (j *jsonReader) next() (row, error) {
	for {
		l, err := j.lines.next()
		if err != nil {
			return row{}, err
		}
		if l.tooLong {
			return row{line: l.number, bad: tooLong(j.maxRow)}, nil
		}
		text := bytes.TrimSpace(l.text)
		if len(text) == 0 {
			continue
		}
		return object(row{line: l.number}, text, j.columns), nil
	}
}

// object reads one flat JSON object as a row.
func object(r row, text []byte, columns int) row {
	r.raw = text
	if strictjson.Check(text, maxDepth) != nil {
		r.bad = &problem{reasonUnreadable, "不是合法的 JSON 对象（语法、编码、重名或层数）/ not an acceptable JSON object (syntax, encoding, a name twice, depth)"}
		return r
	}
	members, err := strictjson.Object(text)
	if err != nil {
		r.bad = &problem{reasonUnreadable, "每行（数组的每一项）应为一个 JSON 对象 / each line, or item of an array, must be one JSON object"}
		return r
	}
	if len(members) > columns {
		r.bad = tooWide(columns)
		return r
	}
	for _, m := range members {
		if m.Nested {
			r.bad = &problem{reasonUnreadable, "字段值不能是对象或数组 / a field cannot be an object or an array"}
			return r
		}
		r.names = append(r.names, m.Name)
		r.fields = append(r.fields, m.Cell.Text)
		r.null = append(r.null, m.Cell.State == connectors.Null)
		r.forms = append(r.forms, m.Cell.Form)
	}
	return r
}

package push

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/internal/strictjson"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// maxDepth is how deep the JSON of a request may nest.
const maxDepth = 32

// maxErrors is how many bad fields one refusal lists.
const maxErrors = 100

// RowError is one field of one row that was refused. It never holds the value.
type RowError struct {
	Index  int    `json:"index"`          // of the row in the request, from 0
	Line   int    `json:"line,omitempty"` // of NDJSON, from 1
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`

	DetailEN string `json:"detail_en,omitempty"`
}

var (
	errRows  = errors.New("too many rows")
	errEmpty = errors.New("no rows")
)

// lineError says which line of NDJSON cannot be read.
type lineError struct {
	line, index int
	err         error
}

func (e *lineError) Error() string { return "line " + strconv.Itoa(e.line) + ": " + e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// text is one row's JSON, and its line if it has one.
type text struct {
	json.RawMessage
	line int
}

// split cuts a body into the JSON of its rows.
func split(body []byte, ndjson bool, limit int) ([]text, error) {
	var rows []text
	if ndjson {
		line := 0
		for raw := range bytes.Lines(body) {
			line++
			if raw = bytes.TrimSpace(raw); len(raw) == 0 {
				continue
			}
			if len(rows) == limit {
				return nil, errRows
			}
			if err := strictjson.Check(raw, maxDepth); err != nil {
				return nil, &lineError{line, len(rows), err}
			}
			rows = append(rows, text{raw, line})
		}
	} else {
		body = bytes.TrimSpace(body)
		if err := strictjson.Check(body, maxDepth); err != nil {
			return nil, err
		}
		if body[0] != '[' {
			return []text{{body, 0}}, nil
		}
		var all []json.RawMessage
		if err := json.Unmarshal(body, &all); err != nil {
			return nil, fmt.Errorf("%w: syntax", strictjson.ErrRefused)
		}
		for _, raw := range all {
			rows = append(rows, text{raw, 0})
		}
	}
	switch {
	case len(rows) == 0:
		return nil, errEmpty
	case len(rows) > limit:
		return nil, errRows
	}
	return rows, nil
}

// parse checks every row; all problems are returned together.
func parse(d *schemas.Dataset, absent connectors.CellState, rows []text) ([]change, []RowError) {
	changes := make([]change, 0, len(rows))
	var problems []RowError
	for i, row := range rows {
		c, bad := parseRow(d, absent, row.RawMessage)
		for _, p := range bad {
			zh, en := problem.Halves(p.Detail)
			problems = append(problems, RowError{Index: i, Line: row.line, Field: p.Field, Reason: p.Reason, Detail: zh, DetailEN: en})
		}
		if len(problems) >= maxErrors {
			return nil, problems[:maxErrors]
		}
		changes = append(changes, c)
	}
	return changes, problems
}

func parseRow(d *schemas.Dataset, absent connectors.CellState, raw json.RawMessage) (change, []connectors.FieldError) {
	members, err := strictjson.Object(raw)
	if err != nil {
		return change{}, []connectors.FieldError{{Reason: contract.ReasonUnreadable, Detail: "每行应为一个 JSON 对象 / each row must be a JSON object"}}
	}
	op := schemas.Update
	if i := slices.IndexFunc(members, func(m strictjson.Member) bool { return m.Name == "op" }); i >= 0 && enveloped(d, members) {
		var bad *connectors.FieldError
		if op, members, bad = envelope(members, members[i].Cell.Text); bad != nil {
			return change{}, []connectors.FieldError{*bad}
		}
	}
	cells, problems := arrange(d, absent, members, op == schemas.Delete)
	c := change{op: op}
	var more []connectors.FieldError
	if op == schemas.Delete {
		c.key, more = connectors.RowKey(d, cells)
	} else {
		c.record, c.key, more = connectors.Row(d, cells)
	}
	// All that is wrong is told at once, each field by the first that noticed it.
	for _, m := range more {
		if !slices.ContainsFunc(problems, func(p connectors.FieldError) bool { return p.Field != "" && p.Field == m.Field }) {
			problems = append(problems, m)
		}
	}
	return c, problems
}

// enveloped reports whether the member op of a row is the envelope's. Of a dataset that
// has a field op it is the field's, unless row or key is an object: no field can be one.
func enveloped(d *schemas.Dataset, members []strictjson.Member) bool {
	return d.Layout.Index("op") < 0 || slices.ContainsFunc(members, func(m strictjson.Member) bool {
		return (m.Name == "row" || m.Name == "key") && m.Raw[0] == '{'
	})
}

// envelope opens {"op":"upsert","row":{...}} and {"op":"delete","key":{...}}.
func envelope(members []strictjson.Member, said string) (schemas.Op, []strictjson.Member, *connectors.FieldError) {
	op, want := schemas.Update, "row"
	switch said {
	case "upsert":
	case "delete":
		op, want = schemas.Delete, "key"
	default:
		return 0, nil, &connectors.FieldError{Field: "op", Reason: contract.ReasonInvalid, Detail: "op 应为 upsert 或 delete / op must be upsert or delete"}
	}
	if len(members) == 2 {
		for _, m := range members {
			if m.Name != want {
				continue
			}
			if inner, err := strictjson.Object(m.Raw); err == nil {
				return op, inner, nil
			}
		}
	}
	return 0, nil, &connectors.FieldError{
		Reason: contract.ReasonMissing,
		Detail: fmt.Sprintf("%s 应恰有 op 与对象 %s 两项 / %s wants op and the object %s, nothing else", said, want, said, want),
	}
}

// arrange puts the members of a row where they belong. A nullable field that is
// left out is as absent says; a name that is no field is told by its place, since
// it is the caller's own text and may be a value.
func arrange(d *schemas.Dataset, absent connectors.CellState, members []strictjson.Member, keyOnly bool) ([]connectors.Cell, []connectors.FieldError) {
	cells := make([]connectors.Cell, len(d.Fields))
	for i, f := range d.Fields {
		if f.Nullable {
			cells[i].State = absent
		}
	}
	var problems []connectors.FieldError
	unknown := 0
	for n, m := range members {
		i := d.Layout.Index(m.Name)
		switch {
		case i < 0 || keyOnly && !slices.Contains(d.KeyIndex, i):
			if unknown++; unknown <= maxErrors { // no refusal lists more
				problems = append(problems, connectors.FieldError{Reason: contract.ReasonUnknown, Detail: fmt.Sprintf(
					"第 %d 个成员的名字不是该数据集的字段（删除时须为主键字段）/ the name of member %d is not a field of the dataset (of its key, in a delete)", n+1, n+1)})
			}
		case m.Nested:
			problems = append(problems, connectors.FieldError{Field: m.Name, Reason: contract.ReasonInvalid, Detail: "字段值不能是对象或数组 / a field cannot be an object or an array"})
		case m.Cell.State == connectors.Given && m.Cell.Form == connectors.FormText:
			text, problem := connectors.Unmark(d, i, m.Cell.Text)
			if problem != nil {
				problems = append(problems, *problem)
			}
			cells[i] = connectors.Text(text)
		default:
			cells[i] = m.Cell
		}
	}
	return cells, problems
}

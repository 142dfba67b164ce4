package connectors

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// Row turns the text of a row, one cell for each field of the dataset, into a
// typed and normalised record and its key. Blank text is null. All fields that
// cannot be taken are reported together; record and key are then void, except
// that the key is returned whenever the key fields themselves are sound.
func Row(d *schemas.Dataset, cells []Cell) (schemas.Record, string, []FieldError) {
	values := make([]schemas.Value, len(d.Fields))
	var problems []FieldError
	for i, f := range d.Fields {
		v, problem := value(f, cells[i], slices.Contains(d.KeyIndex, i))
		if problem != nil {
			problems = append(problems, *problem)
			continue
		}
		values[i] = v
	}
	key, err := Key(d, values)
	if len(problems) == 0 && err != nil {
		problems = append(problems, FieldError{"", contract.ReasonMissing, "缺少主键 / the key is missing"})
	}
	for _, p := range problems {
		if isKey(d, p.Field) {
			key = ""
		}
	}
	if len(problems) > 0 {
		return schemas.Record{}, key, problems
	}
	return schemas.NewRecord(d.Layout, values), key, nil
}

// RowKey builds the key of a row of which only the key fields matter.
func RowKey(d *schemas.Dataset, cells []Cell) (string, []FieldError) {
	values := make([]schemas.Value, len(d.Fields))
	var problems []FieldError
	for _, i := range d.KeyIndex {
		v, problem := value(d.Fields[i], cells[i], true)
		if problem != nil {
			problems = append(problems, *problem)
		}
		values[i] = v
	}
	if len(problems) > 0 {
		return "", problems
	}
	key, err := Key(d, values)
	if err != nil {
		return "", []FieldError{{"", contract.ReasonMissing, "缺少主键 / the key is missing"}}
	}
	return key, nil
}

// Key joins the key fields of a row of typed values. Every connector must use
// it: two spellings of one key would be two records. A source that may have a row of each
// says which it means by Change.Spelling.
func Key(d *schemas.Dataset, values []schemas.Value) (string, error) {
	parts := make([]string, len(d.KeyIndex))
	for n, i := range d.KeyIndex {
		if k := values[i].Kind(); k == schemas.KindNull || k == schemas.KindUnavailable {
			return "", fmt.Errorf("build key of %q: field %q has no value", d.ID, d.Fields[i].Name)
		}
		parts[n] = element.RenderNormal(d.Fields[i].Element, values[i])
	}
	return schemas.JoinKey(parts...), nil
}

func value(f *schemas.Field, c Cell, key bool) (schemas.Value, *FieldError) {
	switch {
	case c.State == NotSent:
		return schemas.Unavailable, nil
	case c.State == Kept && f.Nullable:
		return schemas.Kept, nil
	case c.State == Given && strings.TrimSpace(c.Text) != "":
		if problem := formed(f, c, key); problem != nil {
			return schemas.Null, problem
		}
		v, err := element.Take(f.Element, c.Text)
		if err != nil {
			return schemas.Null, &FieldError{f.Name, contract.ReasonInvalid, message(err)}
		}
		if !v.IsNull() || f.Nullable {
			return v, nil
		}
	case f.Nullable:
		return schemas.Null, nil
	}
	return schemas.Null, &FieldError{f.Name, contract.ReasonMissing, "必填字段为空 / a required field is empty"}
}

// message passes on what an element says about a value, and nothing that some
// other error might say.
func message(err error) string {
	if e, ok := errors.AsType[*element.Error](err); ok {
		return e.Message
	}
	return "字段值无效 / the value is not valid"
}

// Digest returns the keyed digest of raw bytes for a rejection, "" without keys.
func (c Config) Digest(raw []byte) string {
	if c.Keys == nil {
		return ""
	}
	return c.Keys.DigestHex(contract.LabelQuarantine, string(raw))
}

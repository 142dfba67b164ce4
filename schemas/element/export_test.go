package element

import "github.com/yiyuan-bus/yiyuan/schemas"

// CodeForm is the fault of a value that is valid and not in canonical form, which only Check finds.
const CodeForm = "form"

// Check accepts a value that is of the element's type, valid and in canonical
// form. Null and Unavailable pass: whether they may stand there is the field's
// business.
func Check(e *schemas.Element, v schemas.Value) error {
	switch v.Kind() {
	case schemas.KindNull, schemas.KindUnavailable:
		return nil
	case schemas.KindString:
		s, err := Normalise(e, v.Str())
		if err != nil {
			return err
		}
		if s != v.Str() || s == "" {
			return fail(CodeForm, "值没有规范化，来源应先经 element.Parse 或 Canonical", "the value is not in canonical form, the source must pass it through element.Parse or Canonical")
		}
		return nil
	case schemas.KindInt, schemas.KindDouble, schemas.KindBytes, schemas.KindRows:
	}
	return checkTyped(e, v)
}

package connectors

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// exact is how many digits every reader of JSON keeps.
const exact = 15

// formed refuses what a typed format sent as something else than the field is. A
// key and an identifier are text: as a number they lose leading zeros and last
// digits on their way. A number of at most 15 digits may stand for the text of
// another field (a code, a phone), true and false only for a yes or no.
func formed(f *schemas.Field, c Cell, key bool) *FieldError {
	plain := c.Text != "" && strings.Trim(strings.TrimPrefix(c.Text, "-"), "0123456789") == ""
	refused := func(detail string) *FieldError { return &FieldError{f.Name, contract.ReasonInvalid, detail} }
	switch {
	case c.Form == FormText:
	case c.Form == FormBoolean && f.Element.Type != schemas.Boolean:
		return refused("不能是 true 或 false，请写成带引号的文字 / true and false are no value of this field: write it as a text in quotes")
	case c.Form == FormNumber && f.Element.Type == schemas.String && (key || identifies(f.Element.Kind) || !plain || len(c.Text) > exact):
		return refused("须为带引号的文字，写成数字会丢失前导零和末位 / write it as a text in quotes: as a number it loses leading zeros and last digits")
	case c.Form == FormNumber && !plain && (key || f.Element.Type != schemas.Decimal && f.Element.Type != schemas.Double):
		return refused("须为整数 / want a whole number")
	}
	return nil
}

// identifies reports kinds whose values name somebody or something.
func identifies(kind string) bool {
	switch kind {
	case "id_number", "uscc", "identifier", "bank_card", "plate":
		return true
	}
	return false
}

// Unmark takes away what a spreadsheet puts around a value so that it stays text:
// ="110101", and the apostrophe before it. What is left of quotes around a key or
// an identifier would make another key of it and is refused.
func Unmark(d *schemas.Dataset, field int, text string) (string, *FieldError) {
	f := d.Fields[field]
	key := isKey(d, f.Name)
	s := strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(s, `="`); ok && strings.HasSuffix(inner, `"`) {
		s = strings.TrimSpace(inner[:len(inner)-1])
		text = s
	}
	if f.Element.Type != schemas.String || key || !prose(f.Element.Kind) {
		if inner, marked := cutMark(s); marked {
			s = strings.TrimSuffix(strings.TrimSuffix(inner, "'"), "\uff07")
			text = s
		}
	} else if inner, marked := cutMark(s); marked {
		if r, _ := utf8.DecodeRuneInString(inner); unicode.Is(unicode.Han, r) || unicode.IsDigit(r) {
			text = inner
		}
	}
	if (key || identifies(f.Element.Kind)) && strings.ContainsAny(text, "'\"`\uff07\uff02\u2018\u2019\u201c\u201d") {
		return text, &FieldError{f.Name, contract.ReasonInvalid, "含有引号，请去掉 / holds a quotation mark: take it away"}
	}
	return text, nil
}

func cutMark(s string) (string, bool) {
	for _, mark := range []string{"'", "\uff07"} {
		if inner, ok := strings.CutPrefix(s, mark); ok {
			return inner, true
		}
	}
	return s, false
}

// prose reports kinds of text in which an apostrophe or a hyphen may be meant.
func prose(kind string) bool {
	switch kind {
	case "text", "person_name", "org_name", "address":
		return true
	}
	return false
}

// Prose reports whether a field holds words of people rather than a code, a date
// or a number.
func Prose(f *schemas.Field) bool { return f.Element.Type == schemas.String && prose(f.Element.Kind) }

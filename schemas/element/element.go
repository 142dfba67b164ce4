// Package element types, normalises and validates the values of data elements
// (数据元) by their kind: what a department's text means, and in which one form
// it travels, so that the same fact of two departments compares equal.
//
// Names, addresses, texts and numbers of documents are kept as their source spells
// them (Take, and Accept for a value that is typed already) and are compared by
// their normal form (Normal); other kinds have one written form, and are kept in it.
// Parse takes text as it comes (CSV, JSON, SQL) to a typed value in normal form;
// Canonical does the same for a value that is typed already; Check
// accepts canonical values only; Render writes a value for people and for
// digests, and Parse reads it back. All are pure and safe for concurrent use.
//
// A wrong check digit of an identity number or a credit code is no error here:
// the row is what the department holds, and a rule (XV-01, XV-02) makes it a
// finding. A number of the wrong length or with an impossible date is one.
//
// No error ever holds the value it is about.
package element

import (
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Parse reads text as a value of the element in canonical form. Text that is
// empty or blank is schemas.Null, whether or not the field may be null: that is
// the field's business.
func Parse(e *schemas.Element, raw string) (schemas.Value, error) {
	if err := sound(raw); err != nil {
		return schemas.Null, err
	}
	if blank(raw) {
		return schemas.Null, nil
	}
	switch e.Type {
	case schemas.String:
		s, err := Normalise(e, raw)
		if err != nil || s == "" {
			return schemas.Null, err
		}
		return schemas.Text(s), nil
	case schemas.Date:
		return parseDate(raw)
	case schemas.Timestamp:
		return parseTimestamp(raw)
	case schemas.Decimal:
		return parseDecimal(e, raw)
	case schemas.Long:
		return parseCount(e, raw)
	case schemas.Boolean:
		return parseBoolean(raw)
	default:
		return schemas.Null, fail(CodeType, "类型 %s 不能从文字读入", "type %s cannot be read from text", e.Type)
	}
}

// Normalise returns the canonical form of a text of a text kind, "" for one
// that is blank. It is idempotent.
func Normalise(e *schemas.Element, raw string) (string, error) {
	if e.Type != schemas.String {
		return "", fail(CodeType, "%s 不是文字", "%s is not a text", e.Kind)
	}
	if err := sound(raw); err != nil {
		return "", err
	}
	s, err := normalise(e, raw)
	if err != nil {
		return "", err
	}
	limit := MaxLength(e)
	if len(s) > limit && utf8.RuneCountInString(s) > limit {
		return "", fail(CodeLength, "超过 %d 个字符", "longer than %d characters", limit)
	}
	return s, nil
}

// normalise applies the rules of the kind.
func normalise(e *schemas.Element, s string) (string, error) {
	if schemas.Spelled(e.Kind) {
		s = tidy(s) // first, so that what is kept has the same normal form
	}
	switch e.Kind {
	case "id_number":
		return citizen(s)
	case "uscc":
		return creditCode(s)
	case "person_name":
		return personName(s)
	case "org_name":
		return orgName(s)
	case "address":
		return address(s)
	case "phone":
		return phone(s)
	case "plate":
		return plate(s)
	case "code":
		return code(e, s)
	case "bank_card":
		return bankCard(s)
	case "identifier":
		return identifierText(s)
	case "region":
		return region(s)
	default:
		return freeText(s)
	}
}

// Canonical brings a typed value to canonical form: for sources that get typed
// values and not text. Null and Unavailable stay what they are.
func Canonical(e *schemas.Element, v schemas.Value) (schemas.Value, error) {
	switch v.Kind() {
	case schemas.KindNull, schemas.KindUnavailable:
		return v, nil
	case schemas.KindString:
		if e.Type != schemas.String {
			return Parse(e, v.Str())
		}
		if blank(v.Str()) {
			return schemas.Null, nil
		}
		s, err := Normalise(e, v.Str())
		switch {
		case err != nil:
			return schemas.Null, err
		case s == v.Str():
			return v, nil
		case s == "":
			return schemas.Null, nil
		}
		return schemas.Text(s), nil
	case schemas.KindInt, schemas.KindDouble, schemas.KindBytes, schemas.KindRows:
	}
	return v, checkTyped(e, v)
}

// checkTyped validates what is not text.
func checkTyped(e *schemas.Element, v schemas.Value) error {
	if v.Kind() != schemas.KindInt {
		return fail(CodeType, "类型不符，应为 %s", "wrong type, want %s", e.Type)
	}
	n := v.Int64()
	switch e.Type {
	case schemas.Date:
		if n < firstDay || n > lastDay {
			return errDate
		}
		if zeroDay(n) {
			return errZeroDay
		}
	case schemas.Timestamp:
		if n < firstDay*millisADay || n >= (lastDay+1)*millisADay {
			return errDate
		}
	case schemas.Decimal:
		return checkDecimal(e, n)
	case schemas.Long:
		return checkCount(e, n)
	case schemas.Boolean:
		if n != 0 && n != 1 {
			return errBoolean
		}
	default:
		return fail(CodeType, "类型不符，应为 %s", "wrong type, want %s", e.Type)
	}
	return nil
}

// Render writes a value as text for people and digests: dates as 2006-01-02,
// times in Asia/Shanghai as RFC 3339, decimals with all digits of their scale;
// null and unavailable as "". Parse reads it back to the same value.
func Render(e *schemas.Element, v schemas.Value) string {
	switch v.Kind() {
	case schemas.KindString:
		return v.Str()
	case schemas.KindInt:
		switch e.Type {
		case schemas.Date:
			return v.Time(schemas.Date).Format(time.DateOnly)
		case schemas.Timestamp:
			return v.Time(schemas.Timestamp).In(schemas.Zone).Format("2006-01-02T15:04:05.999Z07:00")
		case schemas.Boolean:
			return strconv.FormatBool(v.Int64() != 0)
		case schemas.Decimal:
			return schemas.FormatDecimal(v.Int64(), e.Scale)
		default:
			return strconv.FormatInt(v.Int64(), 10)
		}
	case schemas.KindDouble:
		return strconv.FormatFloat(v.Float64(), 'g', -1, 64)
	case schemas.KindBytes:
		return hex.EncodeToString([]byte(v.Str()))
	case schemas.KindNull, schemas.KindUnavailable, schemas.KindRows:
	}
	return ""
}

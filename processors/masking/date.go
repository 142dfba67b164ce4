package masking

import (
	"strconv"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// makeYear is the rule year: 1985-03-12 becomes 1985.
func makeYear(s spec) (mask, error) {
	if s.to.Type == schemas.Long {
		from := s.from.Type
		return func(v schemas.Value, _ time.Time) (schemas.Value, bool) {
			switch v.Kind() {
			case schemas.KindNull:
				return schemas.Null, true
			case schemas.KindInt:
				return schemas.Int(int64(calendar(v, from).Year())), true
			default:
				return schemas.Null, false
			}
		}, nil
	}
	return dated(s.from.Type, func(t, _ time.Time) string { return strconv.Itoa(t.Year()) }), nil
}

// makeAge is the rule age: the five-year band of the age reached today, 40-44.
func makeAge(s spec) (mask, error) {
	return dated(s.from.Type, func(born, now time.Time) string {
		now = now.In(schemas.Zone)
		age := now.Year() - born.Year()
		if now.Month() < born.Month() || now.Month() == born.Month() && now.Day() < born.Day() {
			age--
		}
		if age < 0 {
			return ""
		}
		return strconv.Itoa(age-age%5) + "-" + strconv.Itoa(age-age%5+4)
	}), nil
}

// dated makes a mask of a function on a day. A text that is a year or a span of
// years already stays as it is.
func dated(from schemas.Type, show func(t, now time.Time) string) mask {
	return func(v schemas.Value, now time.Time) (schemas.Value, bool) {
		switch v.Kind() {
		case schemas.KindNull:
			return schemas.Null, true
		case schemas.KindInt:
			if out := show(calendar(v, from), now); out != "" {
				return schemas.Text(out), true
			}
		case schemas.KindString:
			if five(v.Str()) || digits(v.Str()) && len(v.Str()) == 4 {
				return v, true
			}
		default: // no date
		}
		return schemas.Null, false
	}
}

func calendar(v schemas.Value, from schemas.Type) time.Time {
	t := v.Time(from)
	if from == schemas.Timestamp {
		t = t.In(schemas.Zone)
	}
	return t
}

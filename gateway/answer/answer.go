// Package answer writes records as JSON: only the columns that were granted,
// in the view's order, decimals as strings, days as 2026-01-02, moments in
// RFC 3339, what is missing as null.
package answer

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// AppendRecord appends a JSON object with the columns at the given positions.
func AppendRecord(dst []byte, r schemas.Record, columns []int) []byte {
	dst = append(dst, '{')
	for n, i := range columns {
		if n > 0 {
			dst = append(dst, ',')
		}
		column := &r.Layout().Columns[i]
		dst = AppendString(dst, column.Name)
		dst = append(dst, ':')
		dst = AppendValue(dst, column, r.Value(i))
	}
	return append(dst, '}')
}

// AppendValue appends one cell as JSON. Bytes are digests and never shown.
func AppendValue(dst []byte, c *schemas.Column, v schemas.Value) []byte {
	if v.IsNull() || v.Kind() == schemas.KindUnavailable {
		return append(dst, "null"...)
	}
	switch c.Type {
	case schemas.String:
		return AppendString(dst, v.Str())
	case schemas.Long:
		return strconv.AppendInt(dst, v.Int64(), 10)
	case schemas.Boolean:
		return strconv.AppendBool(dst, v.Int64() != 0)
	case schemas.Double:
		f := v.Float64()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return append(dst, "null"...)
		}
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	case schemas.Decimal:
		dst = append(dst, '"')
		return append(AppendDecimal(dst, v.Int64(), c.Scale), '"')
	case schemas.Date:
		dst = append(dst, '"')
		return append(v.Time(schemas.Date).AppendFormat(dst, time.DateOnly), '"')
	case schemas.Timestamp:
		return AppendTime(dst, v.Time(schemas.Timestamp))
	case schemas.Rows:
		return appendRows(dst, c.Rows, v.Records())
	case schemas.Bytes:
	}
	return append(dst, "null"...)
}

func appendRows(dst []byte, l *schemas.Layout, rows []schemas.Record) []byte {
	all := make([]int, len(l.Columns))
	for i := range all {
		all[i] = i
	}
	dst = append(dst, '[')
	for n, row := range rows {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = AppendRecord(dst, row, all)
	}
	return append(dst, ']')
}

// AppendDecimal appends an unscaled integer with its decimal point.
func AppendDecimal(dst []byte, n int64, scale int) []byte {
	digits := strconv.AppendUint(make([]byte, 0, 24), magnitude(n), 10)
	if n < 0 {
		dst = append(dst, '-')
	}
	for len(digits) <= scale {
		digits = append([]byte{'0'}, digits...)
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	if scale > 0 {
		dst = append(append(dst, '.'), digits[len(digits)-scale:]...)
	}
	return dst
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// AppendTime appends a moment in RFC 3339 with milliseconds, null if it is zero.
func AppendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	return append(t.In(schemas.Zone).AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00"), '"')
}

// Time is a moment that is written like AppendTime does.
type Time time.Time

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) { return AppendTime(nil, time.Time(t)), nil }

// AppendString appends s as a JSON string. What a browser could take for
// markup is escaped.
func AppendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if b := s[i]; b < 0x20 || b == '"' || b == '\\' || b == '<' || b == '>' || b == '&' || b == 0x7f || b >= utf8.RuneSelf {
			return appendEscaped(dst, s)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

func appendEscaped(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && size == 1:
				dst = append(dst, `\ufffd`...)
			case r == '\u2028' || r == '\u2029':
				dst = append(dst, `\u202`...)
				dst = append(dst, "89"[r-'\u2028'])
			default:
				dst = append(dst, s[i:i+size]...)
			}
			i += size
			continue
		}
		switch {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b < 0x20 || b == '<' || b == '>' || b == '&' || b == 0x7f:
			const hexadecimal = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hexadecimal[b>>4], hexadecimal[b&15])
		default:
			dst = append(dst, b)
		}
		i++
	}
	return append(dst, '"')
}

// AppendStrings appends a JSON array of strings, [] if there are none.
func AppendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, s)
	}
	return append(dst, ']')
}

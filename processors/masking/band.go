package masking

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// makeBand is the rule band: an amount or a count becomes the step of a 1-2-5
// ladder it lies on (2000-5000), a date the five years it lies in (1985-1989).
func makeBand(s spec) (mask, error) {
	if s.element.Kind == "date" {
		return dated(s.from.Type, func(t, _ time.Time) string {
			first := t.Year() - t.Year()%5
			return strconv.Itoa(first) + "-" + strconv.Itoa(first+4)
		}), nil
	}
	column := s.from
	return func(v schemas.Value, _ time.Time) (schemas.Value, bool) {
		var n float64
		switch {
		case v.IsNull():
			return schemas.Null, true
		case v.Kind() == schemas.KindString:
			out := bandText(v.Str())
			return schemas.Text(out), out != ""
		case v.Kind() == schemas.KindDouble:
			n = v.Float64()
		case v.Kind() == schemas.KindInt && column.Type == schemas.Decimal:
			n = float64(v.Int64()) / math.Pow10(column.Scale)
		case v.Kind() == schemas.KindInt && column.Type == schemas.Long:
			n = float64(v.Int64())
		default:
			return schemas.Null, false
		}
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return schemas.Null, false
		}
		return schemas.Text(band(n)), true
	}, nil
}

// band names the step of the ladder 0 10 20 50 100 200 500 1000 ... below or at n.
func band(n float64) string {
	if n < 0 {
		return "<0"
	}
	if n == 0 {
		return "0"
	}
	low, high := 0.0, 10.0
	steps := [...]float64{2, 2.5, 2}
	for i := 0; n >= high && high < 1e15; i++ {
		low, high = high, high*steps[i%len(steps)]
	}
	if n >= high {
		return ">=" + format(high)
	}
	return format(low) + "-" + format(high)
}

func format(n float64) string { return strconv.FormatFloat(n, 'f', 0, 64) }

// bandText bands a number written as text; a text that is a band already stays.
func bandText(s string) string {
	if n, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
		if s == "0" {
			return s
		}
		return band(n)
	}
	if low, high, ok := strings.Cut(s, "-"); ok && digits(low) && digits(high) {
		return s
	}
	if rest, ok := strings.CutPrefix(s, ">="); ok && digits(rest) || s == "<0" {
		return s
	}
	return ""
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

package masking

import (
	"math"
	"strconv"
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

package masking

import (
	"math"
	"strconv"
	"strings"
)

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

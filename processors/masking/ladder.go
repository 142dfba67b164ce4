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
		a, _ := strconv.ParseFloat(low, 64)
		b, _ := strconv.ParseFloat(high, 64)
		if band((a+b)/2) == s {
			return s
		}
	}
	if s == "<0" || s == band(math.MaxFloat64) {
		return s
	}
	return ""
}

// five reports whether a text is five years or five ages that go together: 1985-1989, 40-44.
func five(s string) bool {
	low, high, ok := strings.Cut(s, "-")
	if !ok || !digits(low) || !digits(high) || len(low) > 4 || len(high) > 4 {
		return false
	}
	a, _ := strconv.Atoi(low)
	b, _ := strconv.Atoi(high)
	return a%5 == 0 && b == a+4
}

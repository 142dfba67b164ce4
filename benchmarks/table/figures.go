package table

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Quantiles are of latencies.
type Quantiles struct{ P50, P99, Max time.Duration }

// QuantilesOf sorts all.
func QuantilesOf(all []time.Duration) Quantiles {
	if len(all) == 0 {
		return Quantiles{}
	}
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[min(len(all)-1, int(q*float64(len(all))))] }
	return Quantiles{at(0.50), at(0.99), all[len(all)-1]}
}

func (q Quantiles) String() string {
	return fmt.Sprintf("p50 %s, p99 %s", Millis(q.P50), Millis(q.P99))
}

// Millis writes a duration in milliseconds, with as many digits as matter.
func Millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// Count writes a number with separators.
func Count[N int | int64 | float64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Median of a few runs.
func Median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	s := slices.Clone(all)
	slices.Sort(s)
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// Spread writes how far runs lie apart.
func Spread(all []float64) string {
	if len(all) < 2 {
		return ""
	}
	return fmt.Sprintf("%s to %s over %d runs", Count(slices.Min(all)), Count(slices.Max(all)), len(all))
}

package table

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestQuantiles(t *testing.T) {
	var all []time.Duration
	for i := 1000; i > 0; i-- {
		all = append(all, time.Duration(i)*time.Millisecond)
	}
	got := QuantilesOf(all)
	if want := (Quantiles{501 * time.Millisecond, 991 * time.Millisecond, time.Second}); got != want {
		t.Errorf("quantilesOf(1..1000 ms) = %v, want %v", got, want)
	}
	if got := QuantilesOf(nil); got != (Quantiles{}) {
		t.Errorf("quantilesOf(nil) = %v, want zero", got)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{1500 * time.Microsecond: "1.50 ms", 15 * time.Millisecond: "15.0 ms", 2 * time.Second: "2000 ms"} {
		if got := Millis(d); got != want {
			t.Errorf("millis(%v) = %q, want %q", d, got, want)
		}
	}
	if got := Median([]float64{3, 1, 2, 10}); got != 2.5 {
		t.Errorf("median = %v, want 2.5", got)
	}
}

func TestTable(t *testing.T) {
	var all Table
	all.Begin(true, "a machine", "revision", "0.5")
	all.Add(Row{What: "w", Broker: "embedded", Figure: "1/s"})
	file := filepath.Join(t.TempDir(), "r.md")
	var out strings.Builder
	for range 2 {
		if err := all.Write(&out, file); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != out.String() || !strings.Contains(out.String(), "a machine; yiyuan revision; load average at the start 0.5.") || !strings.Contains(out.String(), "| w | embedded | 1/s | - | - | - | - |") {
		t.Errorf("table is\n%s", kept)
	}
}

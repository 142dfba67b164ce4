package engine

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestProgress restores two partitions over 25 seconds and wants a line every
// ten, with what is done and what remains, and the gauge back at zero.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "remaining"})
		p := newProgress(slog.New(slog.NewTextHandler(&out, nil)), "step", gauge)
		p.expect(0, 100, 1100)
		p.expect(1, 0, 1000)
		p.expect(1, 500, 1000) // only the first time counts
		for i := range int64(25) {
			time.Sleep(time.Second)
			p.reach(0, 20, 100+20*(i+1))
			p.reach(1, 10, 10*(i+1))
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 2 {
			t.Fatalf("%d lines instead of 2:\n%s", len(lines), out.String())
		}
		for _, want := range []string{"restoring state", "group=step", "records=590", "percent=29.5", "remaining=1410", "records_per_second=29", "seconds=20.0"} {
			if !strings.Contains(lines[1], want) {
				t.Errorf("%q is not in %q", want, lines[1])
			}
		}
		if left := testutil.ToFloat64(gauge); left != 2000-25*30 {
			t.Errorf("gauge = %v", left)
		}
		p.finish()
		if left := testutil.ToFloat64(gauge); left != 0 {
			t.Errorf("gauge = %v after the end", left)
		}
	})
}

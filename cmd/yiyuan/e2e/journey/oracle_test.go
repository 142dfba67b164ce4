package journey

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process/processtest"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
)

// TestGoldenAndFindingsEqualOracle runs a city of 2,000 people through the whole
// path, first without and then with the departments' corrections, and holds
// every golden cell, its source, every finding and every masked value against
// e2e/testdata/oracle/oracle.py, which knows the rules and nothing of the bus, and
// against the list of what was planted. Each quarter (e2e.InTurn) has a city of its own.
func TestGoldenAndFindingsEqualOracle(t *testing.T) {
	seeds := 4
	more := os.Getenv("YIYUAN_TEST_SEEDS")
	if more != "" {
		var err error
		if seeds, err = strconv.Atoi(more); err != nil {
			t.Fatal(err)
		}
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed+1), func(t *testing.T) {
			if more == "" {
				e2e.InTurn(t)
			}
			t.Parallel()
			j := processtest.Begin(t, int64(seed+1), nil)
			equalOracle(j)
		})
	}
}

// equalOracle feeds the city and holds it against the oracle, before and after
// the corrections.
func equalOracle(j *e2e.Journey) {
	j.Helper()
	truth := e2e.ReadTruth(j, j.Options())
	j.Feed(false)
	j.Settle()
	before := e2e.Observe(j)
	before.Equal(j, truth.Expect(j, j.Keys, "before"), truth)

	j.Feed(true)
	j.Settle()
	after := e2e.Observe(j)
	after.Equal(j, truth.Expect(j, j.Keys, "after"), truth)
	corrected(after, j, before, truth)
}

// corrected holds what the correction stream closed against what it corrected.
func corrected(w *e2e.Outcome, j *e2e.Journey, before *e2e.Outcome, c *e2e.Truth) {
	j.Helper()
	open, left, closed := map[string]string{}, map[string]string{}, map[string]bool{}
	for _, f := range c.Planted {
		name := e2e.FindingName(f.Rule, f.Case, f.Entity, j.Keys.Token("finding", f.Key))
		open[name] = f.Owner
		if f.Corrected {
			closed[name] = true
		} else {
			left[name] = f.Owner
		}
	}
	if diff := cmp.Diff(open, before.Open); diff != "" {
		j.Errorf("found before the corrections (-planted +bus):\n%s", e2e.Clipped(diff))
	}
	if diff := cmp.Diff(left, w.Open); diff != "" {
		j.Errorf("open after the corrections (-planted +bus):\n%s", e2e.Clipped(diff))
	}
	for name := range closed {
		if !w.Closed[name] {
			j.Errorf("corrected and not closed: %s", name)
		}
	}
	for name := range open {
		if w.Closed[name] && !closed[name] {
			j.Errorf("closed and not corrected: %s", name)
		}
	}
	j.Logf("seed %d: %d golden records, %d findings planted and found, %d corrected and closed, %d open in passing, %v", j.Seed,
		len(w.Golden), len(open), len(closed), len(w.Closed)-len(closed), time.Since(j.Clock.Began).Round(100*time.Millisecond))
}

// TestOracleOnKafka is the same on a real broker.
func TestOracleOnKafka(t *testing.T) {
	brokers := e2e.Service(t, "YIYUAN_TEST_KAFKA")
	j := processtest.Begin(t, 7, func(c *settings.Config) {
		c.Bus.Brokers = strings.Split(brokers, ",")
		c.Bus.Prefix = e2e.UniquePrefix()
	})
	equalOracle(j)
}

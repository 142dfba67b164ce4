package freshness_test

import (
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// A source is not called running because it said so once: by the time since it was
// received, whatever its own clock says, it is silent, and its dataset stands still.
func TestSilentSource(t *testing.T) {
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	tracker := freshness.New(cat, nil, nil, func() time.Time { return now })
	for name, seen := range map[string]time.Time{"early": now.Add(-48 * time.Hour), "late": now.Add(48 * time.Hour)} {
		tracker.Observe(freshness.Source{Name: name, Datasets: []string{"GA01"}, State: contract.StateRunning, Seen: seen, Status: contract.SourceStatus{State: contract.StateRunning}})
	}
	d, err := cat.Dataset("GA01")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		state string
		still bool
	}{{contract.Silence, contract.StateRunning, false}, {time.Second, contract.StateSilent, true}} {
		now = now.Add(step.after)
		for _, s := range tracker.Sources() {
			if s.State != step.state || step.still && s.Do == "" {
				t.Errorf("%v later %s is %s: %s", step.after, s.Name, s.State, s.Error)
			}
		}
		if got := tracker.Dataset(d).State == freshness.Stopped; got != step.still {
			t.Errorf("%v later the dataset stands still: %v", step.after, got)
		}
	}
}

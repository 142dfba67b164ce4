package pulse

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
)

// TestAway: what fails once is not away, what fails for long is, since the first failure,
// and one answer ends it.
func TestAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var silent, refused time.Time // since when Kafka counts as away, and the audit takes nothing
		p := &Pulse{Fresh: &freshness.Tracker{}, Parts: Parts{Clock: time.Now, Kafka: func() (time.Time, bool) { return silent, !silent.IsZero() }, Audit: func() (time.Time, bool) { return refused, !refused.IsZero() }}}
		lost := errors.New("lost")
		if len(p.Away()) != 0 {
			t.Error("away before anybody looked")
		}
		p.cache.saw(time.Now(), nil)
		silent = time.Now()
		if got, want := p.Away(), []Away{{PartKafka, silent}}; !slices.Equal(got, want) {
			t.Errorf("away: %v, want %v", got, want)
		}
		refused = silent
		if got, want := p.Away(), []Away{{PartKafka, silent}}; !slices.Equal(got, want) {
			t.Errorf("away: %v, want %v", got, want)
		}
		silent = time.Time{}
		if got, want := p.Away(), []Away{{PartAudit, refused}}; !slices.Equal(got, want) {
			t.Errorf("away: %v, want %v", got, want)
		}
		refused = time.Time{}
		first := time.Now()
		if !p.cache.saw(first, lost) {
			t.Error("the first failure is not told as one")
		}
		if len(p.Away()) != 0 {
			t.Error("away at the first failure")
		}
		time.Sleep(awayAfter)
		if p.cache.saw(time.Now(), lost) {
			t.Error("the second failure is told as the first")
		}
		if got, want := p.Away(), []Away{{PartCache, first}}; !slices.Equal(got, want) {
			t.Errorf("away: %v, want %v", got, want)
		}
		p.cache.saw(time.Now(), nil)
		if len(p.Away()) != 0 {
			t.Error("away after an answer")
		}
	})
}

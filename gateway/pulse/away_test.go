package pulse

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestAway: what fails once is not away, what fails for long is, since the first failure,
// and one answer ends it.
func TestAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &Pulse{Parts: Parts{Clock: time.Now}}
		lost := errors.New("lost")
		if len(p.Away()) != 0 {
			t.Error("away before anybody looked")
		}
		p.cache.saw(time.Now(), nil)
		first := time.Now()
		if !p.kafka.saw(first, lost) {
			t.Error("the first failure is not told as one")
		}
		if len(p.Away()) != 0 {
			t.Error("away at the first failure")
		}
		time.Sleep(awayAfter)
		if p.kafka.saw(time.Now(), lost) {
			t.Error("the second failure is told as the first")
		}
		if got, want := p.Away(), []Away{{PartKafka, first}}; !slices.Equal(got, want) {
			t.Errorf("away: %v, want %v", got, want)
		}
		p.kafka.saw(time.Now(), nil)
		if len(p.Away()) != 0 {
			t.Error("away after an answer")
		}
	})
}

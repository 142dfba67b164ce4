package freshness

import (
	"context"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// aim sets the targets of waves to where their topics end now.
func (t *Tracker) aim(ctx context.Context, waves []*wave, topics []contract.Topic) error {
	if len(topics) == 0 {
		return nil
	}
	ends, err := t.offsets.EndOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("follow topics: %w", err)
	}
	for _, w := range waves {
		for topic := range w.target {
			w.target[topic] = ends[topic]
		}
	}
	return nil
}

// reached reports whether a group that commits past markers has passed the
// target, as the steps' groups do.
func reached(target, at map[contract.Topic]map[int32]int64) bool {
	for topic, partitions := range target {
		for p, end := range partitions {
			if at[topic][p] < end {
				return false
			}
		}
	}
	return true
}

// inCache reports whether everything of w's target that is a record is in the cache.
func (w *wave) inCache(at, stable map[contract.Topic]map[int32]int64, reader int64, polled time.Duration) bool {
	if reached(w.target, at) {
		return true
	}
	return w.silence.Tells(reader, polled, func() bool {
		for topic, target := range w.target {
			if !Decided(target, at[topic], stable[topic]) {
				return false
			}
		}
		return true
	})
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// markerLag is how long a position behind which only markers stand may go
	// uncommitted.
	markerLag = 250 * time.Millisecond
	// later is how long a topic waits whose records cannot be processed yet.
	later = 3 * time.Second
	// restless is how long is waited for records after a Wake, which may have left
	// something to be done.
	restless = 20 * time.Millisecond
)

// turn is one poll and its transaction. A poll returns as soon as there is
// anything, and everything there is: transactions are small and immediate when
// it is quiet, and grow with the load.
func (s *session) turn(ctx context.Context) error {
	s.resume()
	s.still.look(time.Now())
	wait := s.cfg.IdlePoll
	if !s.markers.IsZero() {
		wait = min(wait, markerLag)
	}
	if s.woke {
		wait = min(wait, restless)
	}
	fetches := s.poll(ctx, wait)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := broken(fetches); err != nil {
		return err
	}
	held, rebalanced, err := s.holding.look()
	if err != nil {
		return err
	}
	if rebalanced {
		// kgo holds a rebalance against the next transaction even if none was
		// open. Ending nothing clears that; it rewinds to the committed offsets,
		// so what was just polled comes again.
		if _, err := s.client.End(ctx, kgo.TryAbort); err != nil {
			return fmt.Errorf("clear after rebalance: %w", err)
		}
		return nil
	}
	due := s.worker.Due(held)
	s.woke = due
	if !due && !anything(fetches) {
		if fetches.NumRecords() > 0 && s.markers.IsZero() {
			s.markers = time.Now()
		}
		if s.markers.IsZero() || time.Since(s.markers) < markerLag {
			return nil
		}
	}
	if err := s.transact(ctx, fetches, held, due); err != nil {
		s.worker.Abort()
		aborted := s.abort(ctx)
		if early := (*earlyError)(nil); aborted && errors.As(err, &early) {
			s.wait(early)
			return nil
		}
		return err
	}
	return nil
}

// wait stops fetching a topic for a while. The aborted transaction has been
// rewound to what is committed, so its records come again, those of the other
// topics at once. Who reads them in which order does not change: a key's records
// are all of one topic.
func (s *session) wait(e *earlyError) {
	s.waiting[e.topic] = time.Now().Add(later)
	s.client.Client().PauseFetchTopics(s.engine.link.Name(e.topic))
	s.engine.link.Log.Warn("主题中有暂时无法处理的记录，该主题等待，其余继续 / records cannot be processed yet: their topic waits, the others go on", "group", s.cfg.Group, "topic", e.topic, "error", e.err)
}

// resume fetches the topics again that have waited.
func (s *session) resume() {
	for topic, until := range s.waiting {
		if !time.Now().Before(until) {
			delete(s.waiting, topic)
			s.client.Client().ResumeFetchTopics(s.engine.link.Name(topic))
		}
	}
}

package engine

import (
	"errors"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// standing is how a worker stands still: Kafka refuses what it writes. It is told
// until just that has passed, a commit with a record for the topic that refused, or
// until nothing was refused for a while: what else is committed in between proves
// nothing. Not for concurrent use.
type standing struct {
	engine *Engine
	cfg    Transaction
	at     *kafka.WriteError // nil = it goes on
	since  time.Time
	last   time.Time // it was refused
}

// quiet is how long nothing must be refused for a worker to be no more said to stand.
const quiet = time.Minute

// refused takes note of why a session ended, and reports whether that was a refusal.
func (s *standing) refused(err error, now time.Time) bool {
	var why *kafka.WriteError
	if !errors.As(err, &why) {
		return false
	}
	if s.at == nil || s.at.Topic != why.Topic {
		s.over(now)
		s.since = now
		s.engine.metrics.standing.WithLabelValues(s.cfg.Group, string(why.Topic)).Inc()
	}
	s.at, s.last = why, now
	if n, ok := s.engine.told.Tell(s.cfg.Group+"\x00"+string(why.Topic), now); ok {
		s.engine.link.Log.Error("步骤停住：Kafka 不收它写的记录，会自行重试 / a step stands still: Kafka refuses what it writes; it tries again by itself",
			"step", s.cfg.Group, "topic", why.Topic, "why", why.Why, "do", why.Do, "times", n, "error", why.Err)
	}
	return true
}

// awaited is the topic of which a record must be taken, "" if any will do.
func (s *standing) awaited() contract.Topic {
	if s.at == nil {
		return ""
	}
	return s.at.Topic
}

// committed takes note of a transaction; met says that a record for the topic that is
// awaited was in it.
func (s *standing) committed(met bool, now time.Time) {
	if s.at != nil && (met || s.at.Topic == "") {
		s.over(now)
	}
}

// look ends what nothing has borne out for a while: its partitions may be another's by now.
func (s *standing) look(now time.Time) {
	if s.at != nil && now.Sub(s.last) > quiet {
		s.over(now)
	}
}

// over ends it.
func (s *standing) over(now time.Time) {
	if s.at == nil {
		return
	}
	s.engine.metrics.standing.WithLabelValues(s.cfg.Group, string(s.at.Topic)).Dec()
	s.engine.link.Log.Warn("步骤继续 / a step goes on that stood still", "step", s.cfg.Group, "topic", s.at.Topic, "stood", now.Sub(s.since).Round(time.Second))
	s.at = nil
}

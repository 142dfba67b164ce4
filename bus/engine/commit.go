package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// earlyError is a worker's ErrLater about records of a topic.
type earlyError struct {
	topic contract.Topic
	err   error
}

func (e *earlyError) Error() string { return e.err.Error() }
func (e *earlyError) Unwrap() error { return e.err }

func (s *session) transact(ctx context.Context, fetches kgo.Fetches, held []int32, due bool) (err error) {
	if err := s.client.Begin(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	// Beyond its timeout the transaction is aborted by the broker: then nobody
	// need wait any more for room to send.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.engine.link.Config.TransactionTimeout)
	defer cancel()
	tx := &Tx{engine: s.engine, session: s.client, topics: s.topics, changelog: s.engine.link.Name(s.cfg.Changelog), keep: keep, next: map[int32]int64{}}
	if t := s.still.awaited(); t != "" {
		tx.awaited = s.engine.link.Name(t)
	}
	read, err := s.take(ctx, tx, fetches)
	defer func() {
		if err != nil && keep.Err() != nil {
			s.pacer.late(read)
		}
	}()
	if err != nil {
		return err
	}
	if due {
		if err := s.worker.Wake(tx, held); err != nil {
			return s.step(err)
		}
	}
	if err := s.worker.Seal(tx); err != nil {
		return s.step(err)
	}
	return s.end(ctx, tx, read)
}

// step marks an error as the worker's own, unless time may mend it.
func (s *session) step(err error) error {
	if errors.Is(err, ErrLater) {
		return fmt.Errorf("step %q: %w", s.cfg.Group, err)
	}
	return &StepError{fmt.Errorf("step %q: %w", s.cfg.Group, err)}
}

// take hands the polled records to the worker, and all that come until none are
// left or the transaction is full.
func (s *session) take(ctx context.Context, tx *Tx, fetches kgo.Fetches) (read int, err error) {
	began := time.Now()
	deadline := began.Add(s.pacer.stretch())
	for {
		read += fetches.NumRecords()
		before := tx.bytes
		s.batch, err = s.engine.link.Each(fetches, s.batch, func(records []kafka.Record) error {
			if !s.holding.isReady(records[0].Partition) {
				return fmt.Errorf("records of partition %d came before its state", records[0].Partition)
			}
			for i := range records {
				tx.bytes += len(records[i].Key) + len(records[i].Value)
			}
			if err := s.worker.Handle(tx, records); errors.Is(err, ErrLater) {
				return &earlyError{records[0].Topic, err}
			} else if err != nil {
				return s.step(err)
			}
			return nil
		})
		s.pacer.pace(fetches.NumRecords(), tx.bytes-before, time.Since(began))
		if err != nil || read >= s.pacer.most || tx.bytes >= s.cfg.MaxBytes || !time.Now().Before(deadline) {
			return read, err
		}
		began = time.Now()
		fetches = s.client.PollRecords(nil, min(s.pacer.chunk, s.pacer.most-read)) //nolint:staticcheck // nil: what is there, without waiting
		if rest := s.pacer.patience() - time.Since(s.pacer.ended); fetches.NumRecords() == 0 && rest > 0 && ctx.Err() == nil {
			fetches = s.poll(ctx, rest)
		}
		if err := broken(fetches); err != nil {
			return read, err
		}
		if fetches.NumRecords() == 0 {
			return read, nil
		}
	}
}

// end commits. Ending is not cut short by ctx: a cancelled End would leave it
// open whether the transaction was committed.
func (s *session) end(ctx context.Context, tx *Tx, read int) error {
	began := time.Now()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.engine.link.Config.TransactionTimeout)
	defer cancel()
	// A record that could not be written does not by itself keep kgo from
	// committing the others.
	if err := s.client.Client().Flush(ending); err != nil {
		return fmt.Errorf("flush: %w", tx.unsent(ctx, err))
	}
	if err := tx.failed(); err != nil {
		return err
	}
	if err := s.topics.Settle(ending); err != nil {
		return err
	}
	m := s.engine.metrics
	if err := s.commit(ending); err != nil {
		m.commits.WithLabelValues(s.cfg.Group, "aborted").Inc()
		return fmt.Errorf("end: %w", s.engine.link.Refusal("", err))
	}
	if err := s.worker.Commit(tx.next); errors.Is(err, ErrHandedOver) {
		return err
	} else if err != nil {
		return &StepError{fmt.Errorf("store state of %q: %w", s.cfg.Group, err)}
	}
	s.still.committed(tx.met, time.Now())
	s.pacer.count(read, time.Now())
	s.markers, s.pacer.commitTook = time.Time{}, s.pacer.ended.Sub(began)
	m.commitSeconds.WithLabelValues(s.cfg.Group).Observe(s.pacer.commitTook.Seconds())
	m.commits.WithLabelValues(s.cfg.Group, "committed").Inc()
	m.records.WithLabelValues(s.cfg.Group, "in").Add(float64(read))
	m.records.WithLabelValues(s.cfg.Group, "out").Add(float64(tx.out))
	return nil
}

var errNotCommitted = errors.New("transaction not committed, its outcome may be unknown")

// commit ends the transaction with a commit, or returns an error after which
// its outcome is unknown. A transaction that commits offsets is refused by the
// broker if our partitions are another's by now. One that only delivers timers
// commits none, and kgo would let it pass (after half a second's sleep): so we
// ask for our place in the group ourselves.
func (s *session) commit(ctx context.Context) error {
	if len(s.client.Client().UncommittedOffsets()) == 0 {
		if err := s.alive(ctx); err != nil {
			return err
		}
		return s.client.Client().EndTransaction(ctx, kgo.TryCommit)
	}
	committed, err := s.client.End(ctx, kgo.TryCommit)
	if err == nil && !committed {
		return errNotCommitted
	}
	return err
}

// alive asks the group whether we are still in it. From the moment it is asked
// the answer holds for a session timeout, and the transaction, which was begun
// before, dies earlier than that.
func (s *session) alive(ctx context.Context) error {
	member, generation := s.client.Client().GroupMetadata()
	id := s.engine.link.Config.Prefix + s.cfg.Group + "." + s.cfg.Member
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = s.engine.link.Config.Prefix+s.cfg.Group, member, generation, &id
	resp, err := req.RequestWith(ctx, s.client.Client())
	if err != nil {
		return fmt.Errorf("ask for our place in the group: %w", err)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil && err != kerr.RebalanceInProgress { //nolint:errorlint // a code's own value
		return fmt.Errorf("our place in the group: %w", err)
	}
	return nil
}

// abort ends an open transaction that failed, so that no reader waits for it, and
// reports whether it did. Where that fails too, the next session's new epoch or
// the transaction timeout does it.
func (s *session) abort(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aborting)
	defer cancel()
	if _, err := s.client.End(ctx, kgo.TryAbort); err != nil {
		s.engine.link.Log.Debug("transaction left to its timeout", "group", s.cfg.Group, "error", err)
		return false
	}
	return true
}

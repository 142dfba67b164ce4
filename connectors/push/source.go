package push

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

var (
	errBusy     = errors.New("too many requests wait for their commit")
	errClosed   = errors.New("the source is closed")
	errTooOld   = errors.New("the request was first sent before what is remembered")
	errConflict = errors.New("the idempotency key was used with another body")
)

// Bounds of one batch: more waiting requests go into the next.
const (
	batchRows  = 5000
	batchBytes = 4 << 20
)

func newSource(s *Server, cfg connectors.Config, o options, at ledger) *source {
	return &source{
		server: s, cfg: cfg, options: o, opened: at, now: time.Now, at: at, published: at, fresh: true,
		arrived: make(chan struct{}, 1), pending: map[keyDigest]*submission{},
	}
}

// scope makes the stored form of an idempotency key: one department's keys do
// not meet another's.
func (s *source) scope(d *schemas.Dataset, key string) keyDigest {
	var out keyDigest
	copy(out[:], s.cfg.Keyed(contract.LabelPush, []byte(schemas.JoinKey(s.cfg.Name, d.ID, key))))
	return out
}

// submit queues a request and waits for its commit.
func (s *source) submit(ctx context.Context, sub *submission) (answer, error) {
	waitFor, known, err := s.enqueue(sub)
	if err != nil || known != nil {
		if known != nil {
			return *known, nil
		}
		return answer{}, err
	}
	select {
	case <-waitFor.done:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	if waitFor.err != nil {
		return answer{}, waitFor.err
	}
	return s.answer(len(waitFor.rows), waitFor.ordinal, waitFor != sub), nil
}

// answer says the same whenever it is asked: the epoch never changes.
func (s *source) answer(rows int, ordinal uint64, again bool) answer {
	return answer{rows, s.opened.sequence(ordinal, rows-1), again}
}

func (s *source) enqueue(sub *submission) (*submission, *answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, errClosed
	}
	if sub.keyed {
		if other := s.pending[sub.key]; other != nil {
			if other.body != sub.body {
				return nil, nil, errConflict
			}
			return other, nil, nil
		}
		if e, ok := s.published.find(sub.key); ok {
			if e.body != sub.body {
				return nil, nil, errConflict
			}
			known := s.answer(int(e.rows), e.ordinal, true)
			return nil, &known, nil
		}
	}
	if !sub.sent.IsZero() && sub.sent.Before(s.published.horizon()) {
		return nil, nil, errTooOld
	}
	if len(s.queue)+len(s.waiting) >= s.server.cfg.InFlight {
		return nil, nil, errBusy
	}
	if sub.keyed {
		s.pending[sub.key] = sub
	}
	s.queue = append(s.queue, sub)
	s.wake()
	return sub, nil, nil
}

// wake has Read look.
func (s *source) wake() {
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

// Read implements connectors.Source.
func (s *source) Read(ctx context.Context) (connectors.Batch, error) {
	return connectors.Idle[struct{}]{Wake: s.arrived}.Await(ctx, s.take)
}

func (s *source) take(expired bool) (connectors.Batch, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return connectors.Batch{}, false, fmt.Errorf("read push source %q: %w", s.cfg.Name, os.ErrClosed)
	}
	now := s.now()
	b := connectors.Batch{CaughtUp: now}
	bytes := 0
	for len(s.queue) > 0 {
		sub := s.queue[0]
		if len(b.Changes) > 0 && (len(b.Changes)+len(sub.rows) > batchRows || bytes+sub.bytes > batchBytes) {
			b.CaughtUp = time.Time{}
			break
		}
		bytes += sub.bytes
		s.queue = s.queue[1:]
		s.number(sub, now)
		b.Changes = s.appendChanges(b.Changes, sub, now)
	}
	quiet := len(b.Changes) == 0
	if quiet && !s.fresh && !expired {
		return connectors.Batch{}, false, nil
	}
	s.fresh = !quiet
	b.After, b.Awaited = s.at.encode(), s.at.awaited(s.cfg.Datasets)
	return b, true, nil
}

// number gives a request its place in the source's order.
func (s *source) number(sub *submission, now time.Time) {
	s.at.ordinal++
	sub.ordinal = s.at.ordinal
	s.at = s.at.having(sub.dataset.ID)
	if sub.keyed {
		e := entry{key: sub.key, body: sub.body, at: uint32(now.Unix()), ordinal: sub.ordinal, rows: uint16(len(sub.rows))}
		s.at = s.at.with(e, now, s.options)
	}
	s.waiting = append(s.waiting, sub)
}

func (s *source) appendChanges(changes []schemas.Change, sub *submission, now time.Time) []schemas.Change {
	for i, c := range sub.rows {
		changes = append(changes, schemas.Change{
			Dataset: sub.dataset, Key: c.key, Op: c.op, Record: c.record, Outright: c.op == schemas.Delete,
			Origin: schemas.Origin{Source: s.cfg.Name, Sequence: s.at.sequence(sub.ordinal, i), At: now},
		})
	}
	return changes
}

// Confirm implements connectors.Confirmer: the requests of a committed batch
// get their answer.
func (s *source) Confirm(_ context.Context, published schemas.Position) error {
	l, err := parsePosition(published)
	if err != nil {
		return fmt.Errorf("confirm push source %q: %w", s.cfg.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.ordinal < s.published.ordinal {
		return nil
	}
	s.published = l
	for len(s.waiting) > 0 && s.waiting[0].ordinal <= l.ordinal {
		s.settle(s.waiting[0], nil)
		s.waiting = s.waiting[1:]
	}
	return nil
}

func (s *source) settle(sub *submission, err error) {
	if sub.keyed {
		delete(s.pending, sub.key)
	}
	sub.err = err
	close(sub.done)
}

// Close implements connectors.Source. Requests without an answer are told that
// their outcome is not known.
func (s *source) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for _, sub := range append(s.waiting, s.queue...) {
		s.settle(sub, errClosed)
	}
	s.waiting, s.queue = nil, nil
	s.wake()
	s.mu.Unlock()
	s.server.unregister(s)
	return nil
}

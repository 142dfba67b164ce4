package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

const (
	// linger is the least time between two commits of a worker at lingerRate
	// records a second or more, and in proportion below: records that come in the
	// meantime share a transaction, which costs the brokers several milliseconds
	// however small it is. When little comes it is committed at once.
	linger     = 40 * time.Millisecond
	lingerRate = 500
	// gather is how long what is emitted waits for company on the way to its
	// partition while the transaction goes on; its end sends everything at once. A
	// batch costs a broker nearly as much for five records as for five hundred.
	gather = 100 * time.Millisecond
	// markerLag is how long a position behind which only markers stand may go
	// uncommitted.
	markerLag = 250 * time.Millisecond
	// firstChunk is how many records a session polls at first.
	firstChunk = 512
	// produceBytes bounds what waits to be sent; whoever emits more waits.
	produceBytes = 64 << 20
	// aborting is how long an end may take of what is lost anyway.
	aborting = 2 * time.Second
	// later is how long a topic waits whose records cannot be processed yet.
	later = 3 * time.Second
	// restless is how long is waited for records after a Wake, which may have left
	// something to be done.
	restless = 20 * time.Millisecond
)

// session is the life of one client: join, take over partitions, transact.
// Whenever a transaction was not committed the session ends, and the next one
// starts from what the broker says: kgo reports an outcome that it does not
// know as "not committed" too, and going on from there could process again what
// the broker did commit.
type session struct {
	bus    *Bus
	cfg    Transaction
	worker Worker
	still  *standing
	kafka  *kgo.GroupTransactSession
	topics *written

	chunk int       // records of one poll, see pace
	ended time.Time // of the last transaction

	commitTook time.Duration // of the last transaction
	rate       float64       // records a second, of about the last second
	markers    time.Time     // since when the position is only markers ahead of what was committed; zero = it is not
	batch      []Record      // used again and again
	woke       bool          // in the last turn

	waiting map[contract.Topic]time.Time // topics that are not fetched, until when

	mu         sync.Mutex
	ready      map[int32]bool     // partitions held whose state is current
	rebalanced bool               // the group changed since the last transaction
	joined     bool               // partitions have been assigned before
	failed     error              // of a take-over, for the loop to find
	stopTaking func()             // ends the take-over that runs and waits for it
	wake       context.CancelFunc // ends the poll that runs
	woken      bool               // wake was called when no poll ran
}

func (b *Bus) session(ctx context.Context, cfg Transaction, w Worker, still *standing) error {
	s := &session{bus: b, cfg: cfg, worker: w, still: still, chunk: min(firstChunk, cfg.MaxRecords), batch: make([]Record, 0, 64), waiting: map[contract.Topic]time.Time{}, ready: map[int32]bool{}, stopTaking: func() {}}
	names := make([]string, len(cfg.From))
	for i, t := range cfg.From {
		names[i] = b.name(t)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	alive, kill := context.WithCancel(context.WithoutCancel(ctx)) // the client's own life
	defer kill()
	member := cfg.Group + "." + cfg.Member
	// Rebalances happen only outside of a turn (BlockRebalanceOnPoll), never
	// between a poll and the end of its transaction. The range balancer gives
	// partition p of every input to the same member, because they share the
	// state of partition p.
	kafka, err := kgo.NewGroupTransactSession(slices.Concat(b.base, b.transactional(member), producing(gather, 500_000), consuming(fetchWait,
		kgo.WithContext(alive),
		kgo.ConsumerGroup(b.cfg.Prefix+cfg.Group), kgo.InstanceID(b.cfg.Prefix+member), kgo.ConsumeTopics(names...),
		kgo.Balancers(kgo.RangeBalancer()), kgo.SessionTimeout(b.cfg.SessionTimeout), kgo.HeartbeatInterval(b.cfg.SessionTimeout/10),
		kgo.RebalanceTimeout(b.cfg.SessionTimeout), kgo.BlockRebalanceOnPoll(),
		kgo.FetchMaxPartitionBytes(2<<20), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(func(_ context.Context, cl *kgo.Client, m map[string][]int32) { s.assigned(ctx, cl, m) }),
		kgo.OnPartitionsRevoked(s.revoked), kgo.OnPartitionsLost(s.revoked),
	))...)
	if err != nil {
		return &StepError{fmt.Errorf("open session of %q: %w", cfg.Group, err)}
	}
	s.kafka, s.topics = kafka, newWritten(kafka.Client())
	defer func() {
		cancel()
		// Closing would wait for the group to let us in, if that is what we are
		// waiting for, and that may be for a member that is dead.
		limit := time.AfterFunc(500*time.Millisecond, kill)
		kafka.CloseAllowingRebalance()
		limit.Stop()
		s.halt()
	}()
	// The new epoch fences the elder self and ends what it left open, which
	// take-overs wait for.
	if _, _, err := kafka.Client().ProducerID(ctx); err != nil {
		return fmt.Errorf("fence the elder worker: %w", b.refusal("", err))
	}
	for {
		if err := s.turn(ctx); err != nil {
			return err
		}
		kafka.AllowRebalance()
	}
}

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
	if err := errors.Join(fatal(fetches), rewound(fetches)); err != nil {
		return err
	}
	held, rebalanced, err := s.look()
	if err != nil {
		return err
	}
	if rebalanced {
		// kgo holds a rebalance against the next transaction even if none was
		// open. Ending nothing clears that; it rewinds to the committed offsets,
		// so what was just polled comes again.
		if _, err := s.kafka.End(ctx, kgo.TryAbort); err != nil {
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

// earlyError is a worker's ErrLater about records of a topic.
type earlyError struct {
	topic contract.Topic
	err   error
}

func (e *earlyError) Error() string { return e.err.Error() }
func (e *earlyError) Unwrap() error { return e.err }

// wait stops fetching a topic for a while. The aborted transaction has been
// rewound to what is committed, so its records come again, those of the other
// topics at once. Who reads them in which order does not change: a key's records
// are all of one topic.
func (s *session) wait(e *earlyError) {
	s.waiting[e.topic] = time.Now().Add(later)
	s.kafka.Client().PauseFetchTopics(s.bus.name(e.topic))
	s.bus.log.Warn("主题中有暂时无法处理的记录,该主题等待,其余继续 / records cannot be processed yet: their topic waits, the others go on", "group", s.cfg.Group, "topic", e.topic, "error", e.err)
}

// resume fetches the topics again that have waited.
func (s *session) resume() {
	for topic, until := range s.waiting {
		if !time.Now().Before(until) {
			delete(s.waiting, topic)
			s.kafka.Client().ResumeFetchTopics(s.bus.name(topic))
		}
	}
}

// rewound reports that the log has lost what was read already: the client has
// gone back by itself, and what it would read again has been processed. A new
// session begins at what is committed.
func rewound(fetches kgo.Fetches) error {
	var out error
	fetches.EachError(func(_ string, _ int32, err error) {
		if loss := (*kgo.ErrDataLoss)(nil); out == nil && errors.As(err, &loss) {
			out = err
		}
	})
	return out
}

// poll polls, for at most wait, ending early when nudged.
func (s *session) poll(ctx context.Context, wait time.Duration) kgo.Fetches {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	s.mu.Lock()
	s.wake = cancel
	if s.woken {
		s.woken = false
		cancel()
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.wake = nil
		s.mu.Unlock()
	}()
	return s.kafka.PollRecords(ctx, s.chunk)
}

// patience is the least time between two commits: the more records come, the
// longer it is worth waiting for company.
func (s *session) patience() time.Duration {
	return time.Duration(min(1, s.rate/lingerRate) * float64(linger))
}

// count takes note of how many records a transaction had that ends now.
func (s *session) count(records int, now time.Time) {
	since := max(now.Sub(s.ended).Seconds(), 1e-6)
	s.rate += (float64(records)/since - s.rate) * min(1, since)
	s.ended = now
}

// stretch is how long a transaction goes on taking in records: an interval, and
// with a backlog four times as long as the last commit took, up to a second, so
// that a cluster where commits are dear spends its time on records. When no more
// records are there a transaction is committed at once all the same.
func (s *session) stretch() time.Duration {
	return max(s.cfg.Interval, min(4*s.commitTook, time.Second))
}

// pace sets how many records are polled at once: as many as the worker does in
// half an interval, and as make half a transaction of bytes, with what comes of
// them. What has been polled must be committed with the transaction it was
// polled in, so a poll too large for the machine would hold its transaction open
// past its timeout, and be aborted and tried again for ever.
func (s *session) pace(records, size int, took time.Duration) {
	switch {
	case size > s.cfg.MaxBytes/2 && records > 0:
		s.chunk = max(1, min(s.chunk/2, s.cfg.MaxBytes/2/max(1, size/records)))
	case took > s.cfg.Interval:
		s.chunk = max(1, s.chunk/2)
	case took < s.cfg.Interval/4 && size < s.cfg.MaxBytes/4 && records >= s.chunk:
		s.chunk = min(2*s.chunk, s.cfg.MaxRecords)
	}
}

func (s *session) nudge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wake != nil {
		s.wake()
		return
	}
	s.woken = true
}

// look returns the partitions that may be worked on and what happened since.
func (s *session) look() (held []int32, rebalanced bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.ready {
		held = append(held, p)
	}
	slices.Sort(held)
	rebalanced, s.rebalanced = s.rebalanced, false
	return held, rebalanced, s.failed
}

// anything reports whether there is a record that is data.
func anything(fetches kgo.Fetches) bool {
	for it := fetches.RecordIter(); !it.Done(); {
		if !hidden(it.Next()) {
			return true
		}
	}
	return false
}

func (s *session) transact(ctx context.Context, fetches kgo.Fetches, held []int32, due bool) error {
	if err := s.kafka.Begin(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	// Beyond its timeout the transaction is aborted by the broker: then nobody
	// need wait any more for room to send.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.bus.cfg.TransactionTimeout)
	defer cancel()
	tx := &Tx{bus: s.bus, session: s.kafka, topics: s.topics, changelog: s.bus.name(s.cfg.Changelog), keep: keep, next: map[int32]int64{}}
	if t := s.still.awaited(); t != "" {
		tx.awaited = s.bus.name(t)
	}
	read, err := s.take(ctx, tx, fetches)
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
	deadline := began.Add(s.stretch())
	for {
		read += fetches.NumRecords()
		before := tx.bytes
		s.batch, err = s.bus.each(fetches, s.batch, func(records []Record) error {
			s.mu.Lock()
			ok := s.ready[records[0].Partition]
			s.mu.Unlock()
			if !ok {
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
		s.pace(fetches.NumRecords(), tx.bytes-before, time.Since(began))
		if err != nil || read >= s.cfg.MaxRecords || tx.bytes >= s.cfg.MaxBytes || !time.Now().Before(deadline) {
			return read, err
		}
		began = time.Now()
		fetches = s.kafka.PollRecords(nil, min(s.chunk, s.cfg.MaxRecords-read)) //nolint:staticcheck // nil: what is there, without waiting
		if rest := s.patience() - time.Since(s.ended); fetches.NumRecords() == 0 && rest > 0 && ctx.Err() == nil {
			fetches = s.poll(ctx, rest)
		}
		if err := errors.Join(fatal(fetches), rewound(fetches)); err != nil {
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
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.bus.cfg.TransactionTimeout)
	defer cancel()
	// A record that could not be written does not by itself keep kgo from
	// committing the others.
	if err := s.kafka.Client().Flush(ending); err != nil {
		return fmt.Errorf("flush: %w", tx.unsent(ctx, err))
	}
	if err := tx.failed(); err != nil {
		return err
	}
	if err := s.topics.settle(ending); err != nil {
		return err
	}
	m := s.bus.metrics
	if err := s.commit(ending); err != nil {
		m.commits.WithLabelValues(s.cfg.Group, "aborted").Inc()
		return fmt.Errorf("end: %w", s.bus.refusal("", err))
	}
	if err := s.worker.Commit(tx.next); errors.Is(err, ErrHandedOver) {
		return err
	} else if err != nil {
		return &StepError{fmt.Errorf("store state of %q: %w", s.cfg.Group, err)}
	}
	s.still.committed(tx.met, time.Now())
	s.count(read, time.Now())
	s.markers, s.commitTook = time.Time{}, s.ended.Sub(began)
	m.commitSeconds.WithLabelValues(s.cfg.Group).Observe(s.commitTook.Seconds())
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
	if len(s.kafka.Client().UncommittedOffsets()) == 0 {
		if err := s.alive(ctx); err != nil {
			return err
		}
		return s.kafka.Client().EndTransaction(ctx, kgo.TryCommit)
	}
	committed, err := s.kafka.End(ctx, kgo.TryCommit)
	if err == nil && !committed {
		return errNotCommitted
	}
	return err
}

// alive asks the group whether we are still in it. From the moment it is asked
// the answer holds for a session timeout, and the transaction, which was begun
// before, dies earlier than that.
func (s *session) alive(ctx context.Context) error {
	member, generation := s.kafka.Client().GroupMetadata()
	id := s.bus.cfg.Prefix + s.cfg.Group + "." + s.cfg.Member
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = s.bus.cfg.Prefix+s.cfg.Group, member, generation, &id
	resp, err := req.RequestWith(ctx, s.kafka.Client())
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
	if _, err := s.kafka.End(ctx, kgo.TryAbort); err != nil {
		s.bus.log.Debug("transaction left to its timeout", "group", s.cfg.Group, "error", err)
		return false
	}
	return true
}

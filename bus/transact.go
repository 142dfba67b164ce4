package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Transaction says what one worker of a step reads and how it commits.
type Transaction struct {
	Group     string  // the step's name: consumer group and transactional id, prefixed
	From      []Topic // inputs, all with the same partition count
	Changelog Topic   // the step's state, same partition count
	// Member names this worker among all workers of the group, stable over
	// restarts: "host-0". It fences its elder self.
	Member     string
	MaxRecords int           // records of one transaction at the most; 20,000
	IdlePoll   time.Duration // how long to wait for records before looking at timers; 500 ms
}

// Worker is what Transact drives: a step's state and logic for the partitions
// it holds. Transact calls its methods from one goroutine at a time, so that
// nothing of one transaction runs beside anything of another.
type Worker interface {
	// Position returns the changelog offset up to which the local state of a
	// partition has been built; negative if it must be built from the start.
	Position(partition int32) (int64, error)
	// Roll applies committed changelog records; next is the offset after them.
	Roll(partition int32, records []Record, next int64) error
	// Reset forgets a partition's local state.
	Reset(partition int32) error
	// Handle processes committed records of one partition of one topic.
	Handle(tx *Tx, records []Record) error
	// Wake runs what is due on the partitions held.
	Wake(tx *Tx, partitions []int32) error
	// Due reports whether Wake has anything to do.
	Due(partitions []int32) bool
	// Seal writes the state's changes to the changelog, by tx.Log.
	Seal(tx *Tx) error
	// Commit makes the state's changes durable once the transaction is
	// committed; next is the changelog offset after what each partition logged.
	Commit(next map[int32]int64) error
	// Abort drops the state's changes.
	Abort()
}

// Tx is one open transaction.
type Tx struct {
	bus       *Bus
	session   *kgo.GroupTransactSession
	changelog Topic
	out       int

	mu   sync.Mutex
	err  error
	next map[int32]int64
}

// Emit writes a record as part of the transaction.
func (tx *Tx) Emit(r Record) {
	tx.out++
	tx.session.Produce(context.Background(), tx.bus.out(&r), func(_ *kgo.Record, err error) { tx.done(err) })
}

// Log writes one change of a partition's state; a nil value deletes.
func (tx *Tx) Log(partition int32, key, value []byte) {
	r := &kgo.Record{Topic: tx.bus.name(tx.changelog), Partition: partition, Key: key, Value: value}
	tx.session.Produce(context.Background(), r, func(r *kgo.Record, err error) {
		tx.done(err)
		if err == nil {
			tx.mu.Lock()
			tx.next[partition] = max(tx.next[partition], r.Offset+1)
			tx.mu.Unlock()
		}
	})
}

func (tx *Tx) done(err error) {
	if err == nil {
		return
	}
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.err == nil {
		tx.err = err
	}
}

// StepError is an error of a worker's own: not Kafka's, so a new session does
// not mend it and the step stops.
type StepError struct{ Err error }

func (e *StepError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }

// Transact runs one worker exactly once until ctx ends: the records it reads,
// the records it emits and its state changes take effect together or not at
// all. It returns only ctx's error or a *StepError; whatever Kafka says
// otherwise, it drops the open work, closes the client, and goes on with a new
// one.
func (b *Bus) Transact(ctx context.Context, cfg Transaction, w Worker) error {
	if cfg.MaxRecords == 0 {
		cfg.MaxRecords = 20_000
	}
	if cfg.IdlePoll == 0 {
		cfg.IdlePoll = 500 * time.Millisecond
	}
	if err := b.copartitioned(ctx, cfg); err != nil {
		return &StepError{err}
	}
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 100*time.Millisecond, 5*time.Second
	for {
		began := time.Now()
		err := b.session(ctx, cfg, w)
		w.Abort()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var step *StepError
		if errors.As(err, &step) {
			return err
		}
		if time.Since(began) > time.Minute {
			retry.Reset()
		}
		b.metrics.commits.WithLabelValues(cfg.Group, "lost").Inc()
		b.log.Warn("session lost, opening a new one", "group", cfg.Group, "member", cfg.Member, "error", err)
		if err := pause(ctx, retry.NextBackOff()); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// copartitioned refuses inputs that would put one key's records and state on
// different workers.
func (b *Bus) copartitioned(ctx context.Context, cfg Transaction) error {
	want, err := b.Partitions(ctx, cfg.Changelog)
	if err != nil {
		return err
	}
	for _, t := range cfg.From {
		n, err := b.Partitions(ctx, t)
		if err != nil {
			return err
		}
		if n != want {
			return fmt.Errorf("步骤 %q 的输入 %q 有 %d 个分区,状态 %q 有 %d 个,必须一样 / input %q of step %q has %d partitions, its state %q has %d, they must agree: %w",
				cfg.Group, t, n, cfg.Changelog, want, t, cfg.Group, n, cfg.Changelog, want, ErrConfig)
		}
	}
	return nil
}

// session is the life of one client: join, take over partitions, transact.
type session struct {
	bus    *Bus
	cfg    Transaction
	worker Worker
	kafka  *kgo.GroupTransactSession
	held   map[int32]int // partition -> how many of the input topics' partitions of that number are held
	failed error         // of a take-over, found by the loop
}

func (b *Bus) session(ctx context.Context, cfg Transaction, w Worker) error {
	s := &session{bus: b, cfg: cfg, worker: w, held: map[int32]int{}}
	names := make([]string, len(cfg.From))
	for i, t := range cfg.From {
		names[i] = b.name(t)
	}
	id := b.cfg.Prefix + cfg.Group + "." + cfg.Member
	// Rebalances happen only inside a poll (BlockRebalanceOnPoll), never between
	// a poll and the end of its transaction: so the callbacks, the worker and the
	// state run one after another. The range balancer gives partition p of every
	// input to the same member, because they share the state of partition p.
	kafka, err := kgo.NewGroupTransactSession(append(b.base[:len(b.base):len(b.base)],
		kgo.TransactionalID(id), kgo.TransactionTimeout(b.cfg.TransactionTimeout),
		kgo.ConsumerGroup(b.cfg.Prefix+cfg.Group), kgo.InstanceID(id), kgo.ConsumeTopics(names...),
		kgo.Balancers(kgo.RangeBalancer()), kgo.SessionTimeout(b.cfg.SessionTimeout), kgo.HeartbeatInterval(b.cfg.SessionTimeout/5),
		kgo.RebalanceTimeout(5*time.Minute), kgo.BlockRebalanceOnPoll(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond), kgo.FetchMaxBytes(16<<20), kgo.FetchMaxPartitionBytes(2<<20),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.RecordPartitioner(partitioner()), kgo.ProducerLinger(0), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()), kgo.MaxBufferedRecords(500_000),
		kgo.OnPartitionsAssigned(s.assigned), kgo.OnPartitionsRevoked(s.revoked), kgo.OnPartitionsLost(s.revoked),
	)...)
	if err != nil {
		return &StepError{fmt.Errorf("open session of %q: %w", cfg.Group, err)}
	}
	s.kafka = kafka
	defer kafka.CloseAllowingRebalance()
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
	polling, cancel := context.WithTimeout(ctx, s.cfg.IdlePoll)
	fetches := s.kafka.PollRecords(polling, s.cfg.MaxRecords)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s.failed != nil {
		return s.failed
	}
	if err := fatal(fetches); err != nil {
		return err
	}
	partitions := s.partitions()
	due := s.worker.Due(partitions)
	if fetches.NumRecords() == 0 && !due {
		return nil
	}
	return s.transact(ctx, fetches, partitions, due)
}

func (s *session) transact(ctx context.Context, fetches kgo.Fetches, partitions []int32, due bool) error {
	if err := s.kafka.Begin(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	tx := &Tx{bus: s.bus, session: s.kafka, changelog: s.cfg.Changelog, next: map[int32]int64{}}
	err := s.bus.deliver(ctx, fetches, func(_ context.Context, records []Record) error { return s.worker.Handle(tx, records) })
	if err == nil && due {
		err = s.worker.Wake(tx, partitions)
	}
	if err == nil {
		err = s.worker.Seal(tx)
	}
	if err != nil {
		s.worker.Abort()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &StepError{fmt.Errorf("step %q: %w", s.cfg.Group, err)}
	}
	began := time.Now()
	// Ending is not cut short by ctx: a cancelled End would leave it open whether
	// the transaction was committed.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.bus.cfg.TransactionTimeout)
	defer cancel()
	committed, err := s.kafka.End(ending, kgo.TryCommit)
	if err != nil {
		s.worker.Abort()
		return fmt.Errorf("end: %w", err)
	}
	m := s.bus.metrics
	if !committed {
		// Revoked, fenced or a record could not be written: nothing took effect,
		// and the offsets have been rewound.
		s.worker.Abort()
		m.commits.WithLabelValues(s.cfg.Group, "aborted").Inc()
		tx.mu.Lock()
		defer tx.mu.Unlock()
		if tx.err != nil && !retriable(tx.err) {
			return fmt.Errorf("produce: %w", tx.err)
		}
		return nil
	}
	if err := s.worker.Commit(tx.next); err != nil {
		return &StepError{fmt.Errorf("store state of %q: %w", s.cfg.Group, err)}
	}
	m.commitSeconds.WithLabelValues(s.cfg.Group).Observe(time.Since(began).Seconds())
	m.commits.WithLabelValues(s.cfg.Group, "committed").Inc()
	m.records.WithLabelValues(s.cfg.Group, "in").Add(float64(fetches.NumRecords()))
	m.records.WithLabelValues(s.cfg.Group, "out").Add(float64(tx.out))
	return nil
}

func (s *session) partitions() []int32 {
	out := make([]int32, 0, len(s.held))
	for p := range s.held {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// assigned takes over partitions: their state is rolled forward before the
// first of their records is polled. The group's heartbeats go on meanwhile.
func (s *session) assigned(ctx context.Context, _ *kgo.Client, named map[string][]int32) {
	fresh := map[int32]bool{}
	for _, partitions := range named {
		for _, p := range partitions {
			if s.held[p]++; s.held[p] == 1 {
				fresh[p] = true
			}
		}
	}
	if len(fresh) == 0 || s.failed != nil {
		return
	}
	if err := s.takeOver(ctx, named, fresh); err != nil {
		s.failed = fmt.Errorf("take over partitions of %q: %w", s.cfg.Group, err)
	}
}

func (s *session) revoked(_ context.Context, _ *kgo.Client, named map[string][]int32) {
	for _, partitions := range named {
		for _, p := range partitions {
			if s.held[p]--; s.held[p] <= 0 {
				delete(s.held, p)
			}
		}
	}
}

// takeOver waits until what the partitions' last owner left open is decided,
// then rolls their state forward to there.
//
// Why in this order: the last owner may have sent its commit and died. Its
// offsets then are "unstable" until the commit is decided; only from then on do
// we know which records we will be given. The markers on the changelog may still
// be on their way after that, so we append a fence of our own and read
// read_committed until we see it: all that stands before it is decided.
func (s *session) takeOver(ctx context.Context, named map[string][]int32, fresh map[int32]bool) error {
	if err := s.stable(ctx, named); err != nil {
		return err
	}
	starts := map[int32]int64{}
	for p := range fresh {
		at, err := s.worker.Position(p)
		if err != nil {
			return &StepError{err}
		}
		if at < 0 {
			if err := s.worker.Reset(p); err != nil {
				return &StepError{err}
			}
			at = 0
		}
		starts[p] = at
	}
	err := s.roll(ctx, starts)
	if errors.Is(err, ErrOutOfRange) {
		s.bus.log.Warn("local state is older than its changelog, building it anew", "group", s.cfg.Group, "error", err)
		for p := range starts {
			if err := s.worker.Reset(p); err != nil {
				return &StepError{err}
			}
			starts[p] = 0
		}
		err = s.roll(ctx, starts)
	}
	return err
}

func (s *session) roll(ctx context.Context, starts map[int32]int64) error {
	total, began, said := 0, time.Now(), time.Now()
	err := s.bus.readToFence(ctx, s.cfg.Changelog, starts, func(records []Record, next int64) error {
		if len(records) == 0 {
			return nil
		}
		total += len(records)
		if time.Since(said) > 5*time.Second {
			said = time.Now()
			s.bus.log.Info("rolling state forward", "group", s.cfg.Group, "records", total)
		}
		s.bus.metrics.restored.WithLabelValues(s.cfg.Group).Add(float64(len(records)))
		if err := s.worker.Roll(records[0].Partition, records, next); err != nil {
			return &StepError{err}
		}
		return nil
	})
	if err == nil && time.Since(began) > time.Second {
		s.bus.log.Info("state is current", "group", s.cfg.Group, "partitions", len(starts), "records", total, "seconds", strconv.FormatFloat(time.Since(began).Seconds(), 'f', 1, 64))
	}
	return err
}

// stable waits until no transaction of the group's earlier members is pending
// on the partitions' offsets.
func (s *session) stable(ctx context.Context, named map[string][]int32) error {
	for {
		fetched, err := s.bus.admin.FetchOffsets(kadm.RequireStable(ctx), s.bus.cfg.Prefix+s.cfg.Group)
		if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			return fmt.Errorf("fetch offsets: %w", err)
		}
		unstable := false
		fetched.Each(func(o kadm.OffsetResponse) {
			unstable = unstable || errors.Is(o.Err, kerr.UnstableOffsetCommit) && slices.Contains(named[o.Topic], o.Partition)
		})
		if !unstable {
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

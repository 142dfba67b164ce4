package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// FollowConfig says what Follow reads.
type FollowConfig struct {
	Topics []Topic
	// Group shares the partitions with the group's other members and commits
	// offsets; "" reads every partition and commits nothing.
	Group string
	// Start gives the offset to begin a partition at, if there is no Group; nil
	// or a negative offset = the first record. An offset that is no longer in the
	// log starts at the first record too.
	Start func(topic Topic, partition int32) int64
	// OnAssign and OnRevoke say which partitions a group member gets and loses.
	OnAssign, OnRevoke func(map[Topic][]int32)
}

// Follow calls fn with the committed records of one partition at a time, in
// order, until ctx ends or fn fails. With a Group the offsets are committed
// after fn has returned nil: after a crash the last records come again.
func (b *Bus) Follow(ctx context.Context, cfg FollowConfig, fn func(ctx context.Context, records []Record) error) error {
	opts := append(b.base[:len(b.base):len(b.base)], kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(500*time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(100*time.Millisecond))
	names := make([]string, len(cfg.Topics))
	for i, t := range cfg.Topics {
		names[i] = b.name(t)
	}
	switch {
	case cfg.Group != "":
		opts = append(opts, kgo.ConsumerGroup(b.cfg.Prefix+cfg.Group), kgo.ConsumeTopics(names...), kgo.DisableAutoCommit(),
			kgo.SessionTimeout(b.cfg.SessionTimeout), kgo.BlockRebalanceOnPoll(),
			kgo.OnPartitionsAssigned(b.notify(cfg.OnAssign)), kgo.OnPartitionsRevoked(b.notify(cfg.OnRevoke)), kgo.OnPartitionsLost(b.notify(cfg.OnRevoke)))
	case cfg.Start != nil:
		partitions, err := b.starts(ctx, cfg)
		if err != nil {
			return err
		}
		opts = append(opts, kgo.ConsumePartitions(partitions))
	default:
		opts = append(opts, kgo.ConsumeTopics(names...))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("follow %q: %w", cfg.Topics, err)
	}
	defer client.CloseAllowingRebalance()
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fatal(fetches); err != nil {
			return fmt.Errorf("follow %q: %w", cfg.Topics, err)
		}
		if err := b.deliver(ctx, fetches, fn); err != nil {
			return err
		}
		if cfg.Group != "" {
			if err := client.CommitUncommittedOffsets(ctx); err != nil && !retriable(err) {
				return fmt.Errorf("commit offsets of group %q: %w", cfg.Group, err)
			}
			client.AllowRebalance()
		}
	}
}

// deliver hands each partition's records to fn, fences left out.
func (b *Bus) deliver(ctx context.Context, fetches kgo.Fetches, fn func(context.Context, []Record) error) error {
	var failed error
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if failed != nil || len(p.Records) == 0 {
			return
		}
		t := b.topic(p.Topic)
		records := make([]Record, 0, len(p.Records))
		for _, k := range p.Records {
			if !isFence(k) {
				records = append(records, b.in(t, k))
			}
		}
		if len(records) > 0 {
			failed = fn(ctx, records)
		}
	})
	return failed
}

func (b *Bus) notify(fn func(map[Topic][]int32)) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(_ context.Context, _ *kgo.Client, named map[string][]int32) {
		if fn == nil || len(named) == 0 {
			return
		}
		out := make(map[Topic][]int32, len(named))
		for name, partitions := range named {
			out[b.topic(name)] = partitions
		}
		fn(out)
	}
}

// starts resolves the offset to begin each partition at.
func (b *Bus) starts(ctx context.Context, cfg FollowConfig) (map[string]map[int32]kgo.Offset, error) {
	ends, err := b.EndOffsets(ctx, cfg.Topics...)
	if err != nil {
		return nil, err
	}
	out := map[string]map[int32]kgo.Offset{}
	for t, partitions := range ends {
		out[b.name(t)] = map[int32]kgo.Offset{}
		for p, end := range partitions {
			offset := kgo.NewOffset().AtStart()
			// An offset beyond the end means that the topic was made anew.
			if at := cfg.Start(t, p); at >= 0 && at <= end {
				offset = kgo.NewOffset().At(at)
			}
			out[b.name(t)][p] = offset
		}
	}
	return out, nil
}

// fatal returns the first fetch error that retrying does not mend.
func fatal(fetches kgo.Fetches) error {
	var out error
	fetches.EachError(func(topic string, partition int32, err error) {
		if out == nil && !retriable(err) {
			out = fmt.Errorf("fetch %s/%d: %w", topic, partition, err)
		}
	})
	return out
}

func retriable(err error) bool {
	var loss *kgo.ErrDataLoss
	return kerr.IsRetriable(err) || errors.As(err, &loss) || errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.UnknownMemberID) ||
		errors.Is(err, context.DeadlineExceeded)
}

// Replay calls fn with every committed record of a topic from the start to the
// end as it stands at the call, each partition in order, and returns. Records
// of transactions that are still open at the call are waited for.
func (b *Bus) Replay(ctx context.Context, t Topic, fn func(Record) error) error {
	ends, err := b.EndOffsets(ctx, t)
	if err != nil {
		return err
	}
	starts := map[int32]int64{}
	for p, end := range ends[t] {
		if end > 0 {
			starts[p] = 0
		}
	}
	return b.readToFence(ctx, t, starts, func(records []Record, _ int64) error {
		for _, r := range records {
			if err := fn(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// readToFence reads the given partitions from the given offsets up to a fence
// record that it appends first, so that everything written before the call is
// decided when it is reached: the log's end cannot be told from offsets alone,
// because the marker of a transaction may still be on its way and compaction
// leaves no record at the last offset. apply gets the records of one partition
// and the offset after the last of them. An offset that is not in the log any
// more is reported as ErrOutOfRange.
func (b *Bus) readToFence(ctx context.Context, t Topic, starts map[int32]int64, apply func(records []Record, next int64) error) error {
	if len(starts) == 0 {
		return nil
	}
	nonce := newNonce()
	fences := make([]Record, 0, len(starts))
	offsets := map[int32]kgo.Offset{}
	firsts, err := b.admin.ListStartOffsets(ctx, b.name(t))
	if err == nil {
		err = firsts.Error()
	}
	if err != nil {
		return fmt.Errorf("list start offsets of %q: %w", t, err)
	}
	for p, at := range starts {
		fences = append(fences, Record{Topic: t, Partition: p, Key: []byte(fenceKey), Value: []byte(nonce)})
		first, _ := firsts.Lookup(b.name(t), p)
		if at > 0 && at < first.Offset {
			return fmt.Errorf("read %q/%d from %d, the log starts at %d: %w", t, p, at, first.Offset, ErrOutOfRange)
		}
		offsets[p] = kgo.NewOffset().At(max(at, first.Offset))
	}
	if err := b.Append(ctx, fences...); err != nil {
		return fmt.Errorf("fence %q: %w", t, err)
	}
	client, err := kgo.NewClient(append(b.base[:len(b.base):len(b.base)], kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{b.name(t): offsets}), kgo.ConsumeResetOffset(kgo.NoResetOffset()))...)
	if err != nil {
		return fmt.Errorf("read %q: %w", t, err)
	}
	defer client.Close()
	open := maps.Clone(starts)
	for len(open) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := outOfRange(fatal(fetches)); err != nil {
			return fmt.Errorf("read %q: %w", t, err)
		}
		var failed error
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if failed == nil && len(p.Records) > 0 {
				failed = b.applyToFence(t, p, nonce, open, apply)
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

func (b *Bus) applyToFence(t Topic, p kgo.FetchTopicPartition, nonce string, open map[int32]int64, apply func([]Record, int64) error) error {
	if _, reading := open[p.Partition]; !reading {
		return nil
	}
	records := make([]Record, 0, len(p.Records))
	var next int64
	for _, k := range p.Records {
		next = k.Offset + 1
		if !isFence(k) {
			records = append(records, b.in(t, k))
			continue
		}
		if string(k.Value) == nonce {
			delete(open, p.Partition)
			break
		}
	}
	return apply(records, next)
}

// ErrOutOfRange says that a stored offset is no longer in the log: what was
// built from it must be built anew.
var ErrOutOfRange = errors.New("offset is no longer in the log")

func outOfRange(err error) error {
	if errors.Is(err, kerr.OffsetOutOfRange) {
		return fmt.Errorf("%w: %w", ErrOutOfRange, err)
	}
	return err
}

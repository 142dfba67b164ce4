package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// FollowConfig says what Follow reads.
type FollowConfig struct {
	Topics []contract.Topic
	// Group shares the partitions with the group's other members and commits
	// offsets; "" reads every partition and commits nothing.
	Group string
	// Start gives the offset to begin a partition at, if there is no Group; nil
	// or a negative offset = the first record. An offset that is no longer in the
	// log starts at the first record too.
	Start func(topic contract.Topic, partition int32) int64
	// OnAssign and OnRevoke say which partitions a group member gets and loses.
	OnAssign, OnRevoke func(map[contract.Topic][]int32)
}

// Follow calls fn with the committed records of one partition at a time, in
// order, until ctx ends or fn fails. With a Group the offsets are committed
// after fn has returned nil: after a crash the last records come again. A group
// that has read all there is stands at the end offset, markers included.
func (b *Bus) Follow(ctx context.Context, cfg FollowConfig, fn func(ctx context.Context, records []Record) error) error {
	opts := consuming(500*time.Millisecond, kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
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
	client, err := b.client(opts...)
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
		if _, err := b.each(fetches, nil, func(records []Record) error { return fn(ctx, records) }); err != nil {
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

// each hands each partition's data to fn. It returns batch, grown, to be used
// again; a nil batch is made anew for each call, for fn to keep.
func (b *Bus) each(fetches kgo.Fetches, batch []Record, fn func(records []Record) error) ([]Record, error) {
	var failed error
	keep := batch == nil
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if failed != nil || len(p.Records) == 0 {
			return
		}
		t := b.topic(p.Topic)
		if batch = batch[:0]; keep {
			batch = make([]Record, 0, len(p.Records))
		}
		for _, k := range p.Records {
			if !hidden(k) {
				batch = append(batch, Record{})
				b.read1(&batch[len(batch)-1], t, k)
			}
		}
		if len(batch) > 0 {
			failed = fn(batch)
		}
	})
	return batch, failed
}

func (b *Bus) notify(fn func(map[contract.Topic][]int32)) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(_ context.Context, _ *kgo.Client, named map[string][]int32) {
		if fn == nil || len(named) == 0 {
			return
		}
		out := make(map[contract.Topic][]int32, len(named))
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

// retriable reports whether the client goes on by itself after an error. After
// UNKNOWN_TOPIC_ID it does not, though Kafka calls it retriable: where the client shows
// it, the topic was deleted and made anew, and the client reads it under its old id for
// ever. Whoever begins anew reads the new one.
func retriable(err error) bool {
	var loss *kgo.ErrDataLoss
	return kerr.IsRetriable(err) && !errors.Is(err, kerr.UnknownTopicID) ||
		errors.As(err, &loss) || errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.UnknownMemberID) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) // of one poll; the caller looks at its own context
}

package bus

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
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
// Control records, which are no data, are left out as Replay does: a group's position
// passes over them, and a reader that keeps its own is at its last data.
func (b *Bus) Follow(ctx context.Context, cfg FollowConfig, fn func(ctx context.Context, records []Record) error) error {
	opts := kafka.Consuming(500*time.Millisecond, kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	names := b.link.Names(cfg.Topics)
	switch {
	case cfg.Group != "":
		opts = append(opts, kgo.ConsumerGroup(b.link.Config.Prefix+cfg.Group), kgo.ConsumeTopics(names...), kgo.DisableAutoCommit(),
			kgo.SessionTimeout(b.link.Config.SessionTimeout), kgo.BlockRebalanceOnPoll(),
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
	client, err := b.link.Client(opts...)
	if err != nil {
		return fmt.Errorf("follow %q: %w", cfg.Topics, err)
	}
	defer client.CloseAllowingRebalance()
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := kafka.Fatal(fetches); err != nil {
			return fmt.Errorf("follow %q: %w", cfg.Topics, err)
		}
		if _, err := b.link.Each(fetches, nil, func(records []Record) error {
			if records = slices.DeleteFunc(records, control); len(records) == 0 {
				return nil
			}
			return fn(ctx, records)
		}); err != nil {
			return err
		}
		if cfg.Group != "" {
			if err := client.CommitUncommittedOffsets(ctx); err != nil && !kafka.Retriable(err) {
				return fmt.Errorf("commit offsets of group %q: %w", cfg.Group, err)
			}
			client.AllowRebalance()
		}
	}
}

func (b *Bus) notify(fn func(map[contract.Topic][]int32)) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(_ context.Context, _ *kgo.Client, named map[string][]int32) {
		if fn == nil || len(named) == 0 {
			return
		}
		out := make(map[contract.Topic][]int32, len(named))
		for name, partitions := range named {
			out[b.link.Topic(name)] = partitions
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
		out[b.link.Name(t)] = map[int32]kgo.Offset{}
		for p, end := range partitions {
			offset := kgo.NewOffset().AtStart()
			// An offset beyond the end means that the topic was made anew.
			if at := cfg.Start(t, p); at >= 0 && at <= end {
				offset = kgo.NewOffset().At(at)
			}
			out[b.link.Name(t)][p] = offset
		}
	}
	return out, nil
}

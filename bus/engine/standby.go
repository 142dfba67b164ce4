package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// standbyPoll is how often Wanted is asked when nothing comes.
const standbyPoll = 500 * time.Millisecond

// follower is the life of one client that keeps a standby warm.
type follower struct {
	engine *Engine
	group  string
	topic  contract.Topic
	keep   Standby
	client *kgo.Client
	next   map[int32]int64 // of the partitions followed: the offset after the last record applied
}

// Shadow keeps the standby's partitions of a step's changelog warm until ctx
// ends or the standby fails. It is in no group: it never holds up a member, and
// reads what is committed, so nothing has to be taken back.
func (e *Engine) Shadow(ctx context.Context, group string, changelog contract.Topic, keep Standby) error {
	for {
		err := e.shadow(ctx, group, changelog, keep)
		var step *StepError
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.As(err, &step) {
			return err
		}
		e.link.Log.Warn("standby lost the changelog, beginning again", "group", group, "error", err)
		if err := kafka.Pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

func (e *Engine) shadow(ctx context.Context, group string, changelog contract.Topic, keep Standby) error {
	client, err := e.link.Client(kafka.Consuming(standbyPoll, kgo.ConsumeResetOffset(kgo.NoResetOffset()))...)
	if err != nil {
		return fmt.Errorf("open standby of %q: %w", group, err)
	}
	defer client.Close()
	f := &follower{engine: e, group: group, topic: changelog, keep: keep, client: client, next: map[int32]int64{}}
	var batch []kafka.Record
	for {
		if err := f.choose(); err != nil {
			return err
		}
		waiting, cancel := context.WithTimeout(ctx, standbyPoll)
		fetches := client.PollFetches(waiting)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := f.errors(fetches); err != nil {
			return err
		}
		var failed error
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if failed == nil && len(p.Records) > 0 {
				batch, failed = f.take(p, batch[:0])
			}
		})
		if failed != nil {
			return failed
		}
	}
}

// choose follows what is wanted, from where its state stands, and nothing else.
func (f *follower) choose() error {
	wanted := f.keep.Wanted()
	for p := range f.next {
		if !slices.Contains(wanted, p) {
			f.drop(p)
		}
	}
	add := map[int32]kgo.Offset{}
	for _, p := range wanted {
		if _, following := f.next[p]; following {
			continue
		}
		at, err := f.keep.Position(p)
		if err != nil {
			return &StepError{err}
		}
		if at < 0 {
			if err := f.keep.Reset(p); errors.Is(err, ErrHandedOver) {
				continue
			} else if err != nil {
				return &StepError{err}
			}
		}
		offset := kgo.NewOffset().AtStart()
		if at > 0 {
			offset = kgo.NewOffset().At(at)
		}
		add[p], f.next[p] = offset, max(at, 0)
	}
	if len(add) > 0 {
		f.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{f.engine.link.Name(f.topic): add})
	}
	return nil
}

func (f *follower) drop(p int32) {
	delete(f.next, p)
	f.client.RemoveConsumePartitions(map[string][]int32{f.engine.link.Name(f.topic): {p}})
}

// take applies what came of one partition.
func (f *follower) take(p kgo.FetchTopicPartition, batch []kafka.Record) ([]kafka.Record, error) {
	from, following := f.next[p.Partition]
	if !following {
		return batch, nil
	}
	next := from
	for _, k := range p.Records {
		if k.Offset < from {
			continue // of a fetch from before the partition was dropped and taken up again
		}
		next = k.Offset + 1
		if !kafka.Hidden(k) {
			batch = append(batch, kafka.Record{})
			f.engine.link.Read(&batch[len(batch)-1], f.topic, k)
		}
	}
	if next == from {
		return batch, nil
	}
	err := f.keep.Apply(p.Partition, batch, next, next < p.LastStableOffset)
	if errors.Is(err, ErrHandedOver) {
		f.drop(p.Partition)
		return batch, nil
	}
	if err != nil {
		return batch, &StepError{err}
	}
	f.next[p.Partition] = next
	f.engine.metrics.standby.WithLabelValues(f.group).Add(float64(len(batch)))
	return batch, nil
}

// errors begins partitions anew whose offset is not in the log any more.
func (f *follower) errors(fetches kgo.Fetches) error {
	var failed error
	fetches.EachError(func(_ string, p int32, err error) {
		switch {
		case failed != nil:
		case errors.Is(err, kerr.OffsetOutOfRange):
			if _, following := f.next[p]; !following {
				return
			}
			f.drop(p)
			if err := f.keep.Reset(p); err != nil && !errors.Is(err, ErrHandedOver) {
				failed = &StepError{err}
			}
		case !kafka.Retriable(err):
			failed = fmt.Errorf("follow %q/%d: %w", f.topic, p, err)
		}
	})
	return failed
}

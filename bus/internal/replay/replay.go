// Package replay reads partitions from an offset to where they end now. The end of a
// topic that is written in transactions cannot be told from offsets: ToFence finds it by
// a record of its own.
package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// RangeError says that a stored offset is not in the log: what was built from it
// must be built anew.
type RangeError struct {
	Topic     contract.Topic
	Partition int32
	At        int64
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("read %q/%d from %d: offset is not in the log", e.Topic, e.Partition, e.At)
}

// Starts returns the first offset of each partition.
func Starts(ctx context.Context, l *kafka.Link, t contract.Topic) (map[int32]int64, error) {
	listed, err := l.Admin.ListStartOffsets(ctx, l.Name(t))
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list start offsets of %q: %w", t, err)
	}
	out := map[int32]int64{}
	for p, o := range listed[l.Name(t)] {
		out[p] = o.Offset
	}
	return out, nil
}

// Batch is a batch of one partition.
type Batch struct {
	Partition int32
	Records   []kafka.Record // valid during the call
	Next      int64          // the offset after it
	From, End int64          // where reading began and will end
	Last      bool           // the partition is done
}

// ToFence reads the given partitions from the given offsets up to a fence
// record that it appends first, so that everything written before the call is
// decided when it is reached: the log's end cannot be told from offsets alone,
// because the marker of a transaction may still be on its way and compaction
// leaves no record at the last offset. An offset that is not in the log is
// reported as a RangeError; 0 is the start, wherever that is.
func ToFence(ctx context.Context, l *kafka.Link, t contract.Topic, starts map[int32]int64, apply func(Batch) error) error {
	if len(starts) == 0 {
		return nil
	}
	ends, nonce, err := l.Fence(ctx, t, slices.Sorted(maps.Keys(starts)))
	if err != nil {
		return err
	}
	firsts, err := Starts(ctx, l, t)
	if err != nil {
		return err
	}
	for p, at := range starts {
		if at > 0 && at < firsts[p] || at > ends[p] {
			return &RangeError{t, p, at}
		}
		starts[p] = max(at, firsts[p])
	}
	begins := maps.Clone(starts)
	return read(ctx, l, t, starts, func(p kgo.FetchTopicPartition, batch []kafka.Record) ([]kafka.Record, error) {
		if _, reading := starts[p.Partition]; !reading {
			return batch, nil
		}
		r := Batch{Partition: p.Partition, From: begins[p.Partition], End: ends[p.Partition]}
		for _, k := range p.Records {
			r.Next = k.Offset + 1
			if !kafka.Hidden(k) {
				batch = append(batch, kafka.Record{})
				l.Read(&batch[len(batch)-1], t, k)
			} else if kafka.IsFence(k) && string(k.Value) == nonce {
				r.Last = true
				delete(starts, p.Partition)
				break
			}
		}
		r.Records = batch
		return batch, apply(r)
	}, nil)
}

// To reads up to the given ends, which are high watermarks: for topics into
// which no fence may be written because others read them.
func To(ctx context.Context, l *kafka.Link, t contract.Topic, starts, ends map[int32]int64, apply func(Batch) error) error {
	return read(ctx, l, t, starts, func(p kgo.FetchTopicPartition, batch []kafka.Record) ([]kafka.Record, error) {
		if _, reading := starts[p.Partition]; !reading {
			return batch, nil
		}
		r := Batch{Partition: p.Partition, End: ends[p.Partition]}
		for _, k := range p.Records {
			if k.Offset >= r.End {
				r.Last = true
				break
			}
			r.Next = k.Offset + 1
			if !kafka.Hidden(k) {
				batch = append(batch, kafka.Record{})
				l.Read(&batch[len(batch)-1], t, k)
			}
		}
		if starts[p.Partition] = r.Next; r.Last || r.Next >= r.End {
			r.Last = true
			delete(starts, p.Partition)
		}
		r.Records = batch
		return batch, apply(r)
	}, func() error { return settle(ctx, l, t, starts, ends) })
}

// read reads partitions until starts is empty. idle is called when nothing has
// come for seconds.
func read(ctx context.Context, l *kafka.Link, t contract.Topic, starts map[int32]int64, take func(p kgo.FetchTopicPartition, batch []kafka.Record) ([]kafka.Record, error), idle func() error) error {
	offsets := map[int32]kgo.Offset{}
	for p, at := range starts {
		offsets[p] = kgo.NewOffset().At(at)
	}
	client, err := l.Client(kafka.Consuming(kafka.FetchWait, kgo.FetchMaxPartitionBytes(4<<20),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{l.Name(t): offsets}), kgo.ConsumeResetOffset(kgo.NoResetOffset()))...)
	if err != nil {
		return fmt.Errorf("read %q: %w", t, err)
	}
	defer client.Close()
	var batch []kafka.Record
	for len(starts) > 0 {
		waiting, cancel := context.WithTimeout(ctx, 2*time.Second)
		fetches := client.PollFetches(waiting)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := readError(t, starts, fetches); err != nil {
			return err
		}
		if fetches.NumRecords() == 0 && idle != nil {
			if err := idle(); err != nil {
				return err
			}
		}
		var failed error
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if failed == nil && len(p.Records) > 0 {
				batch, failed = take(p, batch[:0])
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

func readError(t contract.Topic, starts map[int32]int64, fetches kgo.Fetches) error {
	var failed error
	fetches.EachError(func(_ string, p int32, err error) {
		switch {
		case failed != nil:
		case errors.Is(err, kerr.OffsetOutOfRange):
			failed = &RangeError{t, p, starts[p]}
		case !kafka.Retriable(err):
			failed = fmt.Errorf("read %q/%d: %w", t, p, err)
		}
	})
	return failed
}

// settle drops the partitions whose rest holds nothing to deliver: nothing came for seconds
// although nothing is open below the end, and the broker, asked for what lies there, has
// nothing. What is left are gaps that compaction made, which no fetch ever shows. That nothing
// came says nothing by itself: a busy broker takes longer than that to answer.
func settle(ctx context.Context, l *kafka.Link, t contract.Topic, starts, ends map[int32]int64) error {
	stable, err := l.Admin.ListCommittedOffsets(ctx, l.Name(t))
	if err != nil {
		return fmt.Errorf("list stable offsets of %q: %w", t, err)
	}
	for p := range starts {
		o, ok := stable.Lookup(l.Name(t), p)
		if !ok || o.Err != nil || o.Offset < ends[p] {
			continue
		}
		left, err := l.Holds(ctx, t, p, starts[p], ends[p])
		if err != nil {
			return err
		}
		if !left {
			delete(starts, p)
		}
	}
	return nil
}

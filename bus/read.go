package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// fetchBytes bounds what one broker sends at a time to one client, compressed,
// and with it what a client holds that nobody has asked for yet.
const fetchBytes = 16 << 20

// ErrOutOfRange says that a stored offset is not in the log: what was built
// from it must be built anew.
var ErrOutOfRange = errors.New("offset is not in the log")

// rangeError is ErrOutOfRange of one partition.
type rangeError struct {
	topic     contract.Topic
	partition int32
	at        int64
}

func (e *rangeError) Error() string {
	return fmt.Sprintf("read %q/%d from %d: %v", e.topic, e.partition, e.at, ErrOutOfRange)
}

func (e *rangeError) Unwrap() error { return ErrOutOfRange }

// Replay calls fn with every committed record of a topic from the start to the
// end as it stands at the call, each partition in order, and returns. Records
// of transactions that are still open at the call are waited for. Control records, which
// are no data, are left out.
func (b *Bus) Replay(ctx context.Context, t contract.Topic, fn func(Record) error) error {
	starts, ends, err := b.extent(ctx, t)
	if err != nil || len(starts) == 0 {
		return err
	}
	if t.Fenced() {
		return b.readToFence(ctx, t, starts, eachData(fn))
	}
	return b.readTo(ctx, t, starts, ends, eachData(fn))
}

// eachData hands out the records that are data.
func eachData(fn func(Record) error) func(rolled) error {
	return func(r rolled) error {
		for i := range r.records {
			if r.records[i].Header(contract.ControlHeader) != nil {
				continue
			}
			if err := fn(r.records[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

// Peek is Replay that writes nothing, not even a fence into a topic of ours: for
// who only looks. What was written shortly before the call may be missing.
func (b *Bus) Peek(ctx context.Context, t contract.Topic, fn func(Record) error) error {
	starts, ends, err := b.extent(ctx, t)
	if err != nil || len(starts) == 0 {
		return err
	}
	return b.readTo(ctx, t, starts, ends, eachData(fn))
}

// extent returns where the partitions that hold anything begin and end.
func (b *Bus) extent(ctx context.Context, t contract.Topic) (starts, ends map[int32]int64, err error) {
	all, err := b.EndOffsets(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	first, err := b.firsts(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	starts, ends = map[int32]int64{}, all[t]
	for p, end := range ends {
		if first[p] < end {
			starts[p] = first[p]
		}
	}
	return starts, ends, nil
}

// firsts returns the first offset of each partition.
func (b *Bus) firsts(ctx context.Context, t contract.Topic) (map[int32]int64, error) {
	listed, err := b.admin.ListStartOffsets(ctx, b.name(t))
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list start offsets of %q: %w", t, err)
	}
	out := map[int32]int64{}
	for p, o := range listed[b.name(t)] {
		out[p] = o.Offset
	}
	return out, nil
}

// rolled is a batch of one partition.
type rolled struct {
	partition int32
	records   []Record // valid during the call
	next      int64    // the offset after it
	from, end int64    // where reading began and will end
	last      bool     // the partition is done
}

// readToFence reads the given partitions from the given offsets up to a fence
// record that it appends first, so that everything written before the call is
// decided when it is reached: the log's end cannot be told from offsets alone,
// because the marker of a transaction may still be on its way and compaction
// leaves no record at the last offset. An offset that is not in the log is
// reported as a rangeError; 0 is the start, wherever that is.
func (b *Bus) readToFence(ctx context.Context, t contract.Topic, starts map[int32]int64, apply func(rolled) error) error {
	if len(starts) == 0 {
		return nil
	}
	ends, nonce, err := b.fence(ctx, t, slices.Sorted(maps.Keys(starts)))
	if err != nil {
		return err
	}
	firsts, err := b.firsts(ctx, t)
	if err != nil {
		return err
	}
	for p, at := range starts {
		if at > 0 && at < firsts[p] || at > ends[p] {
			return &rangeError{t, p, at}
		}
		starts[p] = max(at, firsts[p])
	}
	begins := maps.Clone(starts)
	return b.read(ctx, t, starts, func(p kgo.FetchTopicPartition, batch []Record) ([]Record, error) {
		if _, reading := starts[p.Partition]; !reading {
			return batch, nil
		}
		r := rolled{partition: p.Partition, from: begins[p.Partition], end: ends[p.Partition]}
		for _, k := range p.Records {
			r.next = k.Offset + 1
			if !hidden(k) {
				batch = append(batch, Record{})
				b.read1(&batch[len(batch)-1], t, k)
			} else if isFence(k) && string(k.Value) == nonce {
				r.last = true
				delete(starts, p.Partition)
				break
			}
		}
		r.records = batch
		return batch, apply(r)
	}, nil)
}

// readTo reads up to the given ends, which are high watermarks: for topics into
// which no fence may be written because others read them.
func (b *Bus) readTo(ctx context.Context, t contract.Topic, starts, ends map[int32]int64, apply func(rolled) error) error {
	return b.read(ctx, t, starts, func(p kgo.FetchTopicPartition, batch []Record) ([]Record, error) {
		if _, reading := starts[p.Partition]; !reading {
			return batch, nil
		}
		r := rolled{partition: p.Partition, end: ends[p.Partition]}
		for _, k := range p.Records {
			if k.Offset >= r.end {
				r.last = true
				break
			}
			r.next = k.Offset + 1
			if !hidden(k) {
				batch = append(batch, Record{})
				b.read1(&batch[len(batch)-1], t, k)
			}
		}
		if r.last = r.last || r.next >= r.end; r.last {
			delete(starts, p.Partition)
		}
		r.records = batch
		return batch, apply(r)
	}, func() error { return b.settle(ctx, t, starts, ends) })
}

// read reads partitions until starts is empty. idle is called when nothing has
// come for seconds.
func (b *Bus) read(ctx context.Context, t contract.Topic, starts map[int32]int64, take func(p kgo.FetchTopicPartition, batch []Record) ([]Record, error), idle func() error) error {
	offsets := map[int32]kgo.Offset{}
	for p, at := range starts {
		offsets[p] = kgo.NewOffset().At(at)
	}
	client, err := b.client(consuming(fetchWait, kgo.FetchMaxPartitionBytes(4<<20),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{b.name(t): offsets}), kgo.ConsumeResetOffset(kgo.NoResetOffset()))...)
	if err != nil {
		return fmt.Errorf("read %q: %w", t, err)
	}
	defer client.Close()
	var batch []Record
	for len(starts) > 0 {
		waiting, cancel := context.WithTimeout(ctx, 2*time.Second)
		fetches := client.PollFetches(waiting)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := b.readError(t, starts, fetches); err != nil {
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

func (b *Bus) readError(t contract.Topic, starts map[int32]int64, fetches kgo.Fetches) error {
	var failed error
	fetches.EachError(func(_ string, p int32, err error) {
		switch {
		case failed != nil:
		case errors.Is(err, kerr.OffsetOutOfRange):
			failed = &rangeError{t, p, starts[p]}
		case !retriable(err):
			failed = fmt.Errorf("read %q/%d: %w", t, p, err)
		}
	})
	return failed
}

// settle drops the partitions whose rest holds nothing to deliver: nothing came
// for seconds although nothing is open below the end. What is left are gaps that
// compaction made, which no fetch ever shows.
func (b *Bus) settle(ctx context.Context, t contract.Topic, starts, ends map[int32]int64) error {
	stable, err := b.admin.ListCommittedOffsets(ctx, b.name(t))
	if err != nil {
		return fmt.Errorf("list stable offsets of %q: %w", t, err)
	}
	for p := range starts {
		if o, ok := stable.Lookup(b.name(t), p); ok && o.Err == nil && o.Offset >= ends[p] {
			delete(starts, p)
		}
	}
	return nil
}

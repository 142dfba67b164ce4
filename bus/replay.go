package bus

import (
	"context"

	"github.com/yiyuan-bus/yiyuan/bus/internal/replay"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

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
		return replay.ToFence(ctx, b.link, t, starts, eachData(fn))
	}
	return replay.To(ctx, b.link, t, starts, ends, eachData(fn))
}

// eachData hands out the records that are data.
func eachData(fn func(Record) error) func(replay.Batch) error {
	return func(r replay.Batch) error {
		for i := range r.Records {
			if control(r.Records[i]) {
				continue
			}
			if err := fn(r.Records[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

// control tells a record that is no data.
func control(r Record) bool { return r.Header(contract.ControlHeader) != nil }

// Peek is Replay that writes nothing, not even a fence into a topic of ours: for
// who only looks. What was written shortly before the call may be missing.
func (b *Bus) Peek(ctx context.Context, t contract.Topic, fn func(Record) error) error {
	starts, ends, err := b.extent(ctx, t)
	if err != nil || len(starts) == 0 {
		return err
	}
	return replay.To(ctx, b.link, t, starts, ends, eachData(fn))
}

// extent returns where the partitions that hold anything begin and end.
func (b *Bus) extent(ctx context.Context, t contract.Topic) (starts, ends map[int32]int64, err error) {
	all, err := b.EndOffsets(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	first, err := replay.Starts(ctx, b.link, t)
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

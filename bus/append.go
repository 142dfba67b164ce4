package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

const appendLimit = 30 * time.Second

// Append writes records outside any transaction and returns when all of them
// are durable on every in-sync replica. Calls that run at the same time share
// their requests. If it fails, which it does after half a minute without a
// broker, some of the records may have been written.
func (b *Bus) Append(ctx context.Context, records ...Record) error {
	ctx, cancel := context.WithTimeout(ctx, appendLimit)
	defer cancel()
	var wait sync.WaitGroup
	errs := make([]error, len(records))
	made := make([]kgo.Record, len(records))
	var s stamp
	for i := range records {
		b.fill(&made[i], &records[i], &s)
		wait.Add(1)
		b.plain.Produce(ctx, &made[i], func(_ *kgo.Record, err error) {
			errs[i] = err
			wait.Done()
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("append %d records: %w", len(records), produceError(err))
	}
	return nil
}

// ErrTooLarge says that a record is larger than the broker takes.
var ErrTooLarge = errors.New("record too large")

func produceError(err error) error {
	if errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge) {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return err
}

// fence appends a fence to each partition and returns their offsets and the
// value they carry.
func (b *Bus) fence(ctx context.Context, t contract.Topic, partitions []int32) (at map[int32]int64, nonce string, err error) {
	nonce = newNonce()
	fences := make([]*kgo.Record, len(partitions))
	for i, p := range partitions {
		fences[i] = &kgo.Record{Topic: b.name(t), Partition: p, Key: []byte(fenceKey), Value: []byte(nonce)}
	}
	at = make(map[int32]int64, len(partitions))
	ctx, cancel := context.WithTimeout(ctx, appendLimit)
	defer cancel()
	for _, r := range b.plain.ProduceSync(ctx, fences...) {
		if r.Err != nil {
			return nil, "", fmt.Errorf("fence %q/%d: %w", t, r.Record.Partition, r.Err)
		}
		at[r.Record.Partition] = r.Record.Offset
	}
	return at, nonce, nil
}

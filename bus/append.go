package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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
	made := make([]kgo.Record, len(records))
	var s stamp
	for i := range records {
		b.fill(&made[i], &records[i], &s)
	}
	if err := errors.Join(b.write(ctx, made)...); err != nil {
		return fmt.Errorf("append %d records: %w", len(records), produceError(err))
	}
	return nil
}

// write writes records and returns what became of each. Of a topic that was deleted and
// made anew the client goes on under the old id, and drops whatever it is given; then
// it is told to forget the topic, and given the records again.
func (b *Bus) write(ctx context.Context, records []kgo.Record) []error {
	errs, unsent := make([]error, len(records)), make([]int, len(records))
	for i := range records {
		unsent[i] = i
	}
	for {
		turn := b.remade.turn.Load()
		var wait sync.WaitGroup
		for _, i := range unsent {
			wait.Add(1)
			b.plain.Produce(ctx, &records[i], func(_ *kgo.Record, err error) {
				errs[i] = err
				wait.Done()
			})
		}
		wait.Wait()
		unsent = slices.DeleteFunc(unsent, func(i int) bool { return !errors.Is(errs[i], kerr.UnknownTopicID) })
		if len(unsent) == 0 || pause(ctx, metadataMinAge) != nil {
			return errs
		}
		b.forget(turn, records[unsent[0]].Topic)
	}
}

// remade counts how often the client was told to forget a topic.
type remade struct {
	mu   sync.Mutex
	turn atomic.Uint64
}

// forget has the client forget a topic, unless somebody has done so since turn: what
// was given to it after that must not be dropped.
func (b *Bus) forget(turn uint64, topic string) {
	b.remade.mu.Lock()
	defer b.remade.mu.Unlock()
	if b.remade.turn.Load() != turn {
		return
	}
	b.log.Warn("主题被删除并重建，改写入新主题 / a topic was deleted and made anew: going on with the new one", "topic", topic)
	b.plain.PurgeTopicsFromProducing(topic)
	b.remade.turn.Add(1)
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
	fences := make([]kgo.Record, len(partitions))
	for i, p := range partitions {
		fences[i] = kgo.Record{Topic: b.name(t), Partition: p, Key: []byte(fenceKey), Value: []byte(nonce)}
	}
	at = make(map[int32]int64, len(partitions))
	ctx, cancel := context.WithTimeout(ctx, appendLimit)
	defer cancel()
	failed := b.write(ctx, fences)
	for i, p := range partitions {
		if failed[i] != nil {
			return nil, "", fmt.Errorf("fence %q/%d: %w", t, p, b.unwritten(t, failed[i]))
		}
		at[p] = fences[i].Offset
	}
	return at, nonce, nil
}

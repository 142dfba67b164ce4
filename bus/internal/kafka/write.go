package kafka

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// WriteLimit is how long a record outside any transaction may take.
const WriteLimit = 30 * time.Second

// Write writes records and returns what became of each. Of a topic that was deleted and
// made anew the client goes on under the old id, and drops whatever it is given; then
// it is told to forget the topic, and given the records again.
func (l *Link) Write(ctx context.Context, records []kgo.Record) []error {
	errs, unsent := make([]error, len(records)), make([]int, len(records))
	for i := range records {
		unsent[i] = i
	}
	for {
		turn := l.remade.turn.Load()
		var wait sync.WaitGroup
		for _, i := range unsent {
			wait.Add(1)
			l.Plain.Produce(ctx, &records[i], func(_ *kgo.Record, err error) {
				errs[i] = err
				wait.Done()
			})
		}
		wait.Wait()
		unsent = slices.DeleteFunc(unsent, func(i int) bool { return !errors.Is(errs[i], kerr.UnknownTopicID) })
		if len(unsent) == 0 || Pause(ctx, metadataMinAge) != nil {
			return errs
		}
		l.forget(turn, records[unsent[0]].Topic)
	}
}

// forget has the client forget a topic, unless somebody has done so since turn: what
// was given to it after that must not be dropped.
func (l *Link) forget(turn uint64, topic string) {
	l.remade.mu.Lock()
	defer l.remade.mu.Unlock()
	if l.remade.turn.Load() != turn {
		return
	}
	l.Log.Warn("主题被删除并重建，改写入新主题 / a topic was deleted and made anew: going on with the new one", "topic", topic)
	l.Plain.PurgeTopicsFromProducing(topic)
	l.remade.turn.Add(1)
}

// ErrTooLarge says that a record is larger than the broker takes.
var ErrTooLarge = errors.New("record too large")

// ProduceError adds ErrTooLarge to what Kafka says of a record that is.
func ProduceError(err error) error {
	if errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge) {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return err
}

// Fence appends a fence to each partition and returns their offsets and the
// value they carry.
func (l *Link) Fence(ctx context.Context, t contract.Topic, partitions []int32) (at map[int32]int64, nonce string, err error) {
	nonce = newNonce()
	fences := make([]kgo.Record, len(partitions))
	for i, p := range partitions {
		fences[i] = kgo.Record{Topic: l.Name(t), Partition: p, Key: []byte(FenceKey), Value: []byte(nonce)}
	}
	at = make(map[int32]int64, len(partitions))
	ctx, cancel := context.WithTimeout(ctx, WriteLimit)
	defer cancel()
	failed := l.Write(ctx, fences)
	for i, p := range partitions {
		if failed[i] != nil {
			return nil, "", fmt.Errorf("fence %q/%d: %w", t, p, l.Unwritten(t, failed[i]))
		}
		at[p] = fences[i].Offset
	}
	return at, nonce, nil
}

func newNonce() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand stops the process instead
	return hex.EncodeToString(b[:])
}

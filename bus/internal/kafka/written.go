package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Written are the topics that a transactional client has written to. Of a topic
// that is new to it the client sends what had waited before it stores the topic's
// partitions (franz-go 1.22, storePartitionsUpdate). A transaction that is ended
// in between does not see them: a commit may become an abort without an error, as
// if nothing had been written, and the partitions go on counting from the epoch
// before, which the broker refuses as OUT_OF_ORDER_SEQUENCE_NUMBER. So whoever
// ends a transaction settles first. Not for concurrent use.
type Written struct {
	client *kgo.Client
	topics map[string]bool
	fresh  []string // not seen stored yet
}

// NewWritten knows of no topic yet.
func NewWritten(client *kgo.Client) *Written {
	return &Written{client: client, topics: map[string]bool{}}
}

// Note takes note of a topic that is written to.
func (w *Written) Note(topic string) {
	if !w.topics[topic] {
		w.topics[topic] = true
		w.fresh = append(w.fresh, topic)
	}
}

// Settle waits until the client has stored every topic written to. To be called
// after a flush and before the transaction ends.
func (w *Written) Settle(ctx context.Context) error {
	for len(w.fresh) > 0 {
		topic := w.fresh[0]
		if leader, epoch, err := w.client.PartitionLeader(topic, 0); leader < 0 && epoch < 0 && err == nil { // what it says of a topic not stored
			if err := Pause(ctx, time.Millisecond); err != nil {
				return fmt.Errorf("wait for topic %q: %w", topic, err)
			}
			continue
		}
		w.fresh = w.fresh[1:]
	}
	return nil
}

package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Each hands each partition's data to fn. It returns batch, grown, to be used
// again; a nil batch is made anew for each call, for fn to keep.
func (l *Link) Each(fetches kgo.Fetches, batch []Record, fn func(records []Record) error) ([]Record, error) {
	var failed error
	keep := batch == nil
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if failed != nil || len(p.Records) == 0 {
			return
		}
		t := l.Topic(p.Topic)
		if batch = batch[:0]; keep {
			batch = make([]Record, 0, len(p.Records))
		}
		for _, k := range p.Records {
			if !Hidden(k) {
				batch = append(batch, Record{})
				l.Read(&batch[len(batch)-1], t, k)
			}
		}
		if len(batch) > 0 {
			failed = fn(batch)
		}
	})
	return batch, failed
}

// Fatal returns the first fetch error that retrying does not mend.
func Fatal(fetches kgo.Fetches) error {
	var out error
	fetches.EachError(func(topic string, partition int32, err error) {
		if out == nil && !Retriable(err) {
			out = fmt.Errorf("fetch %s/%d: %w", topic, partition, err)
		}
	})
	return out
}

// Retriable reports whether the client goes on by itself after an error. After
// UNKNOWN_TOPIC_ID it does not, though Kafka calls it retriable: where the client shows
// it, the topic was deleted and made anew, and the client reads it under its old id for
// ever. Whoever begins anew reads the new one.
func Retriable(err error) bool {
	var loss *kgo.ErrDataLoss
	return kerr.IsRetriable(err) && !errors.Is(err, kerr.UnknownTopicID) ||
		errors.As(err, &loss) || errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.UnknownMemberID) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) // of one poll; the caller looks at its own context
}

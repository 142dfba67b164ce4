package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/bus/internal/replay"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// ErrPublisherLost says that a publisher can no longer tell what it has
// published, or that another process has taken its name. Its owner closes it
// and opens a new one, which finds out.
var ErrPublisherLost = errors.New("publisher lost")

// Publisher publishes one source's records together with its position: all of
// them or none. Only one publisher of a name is alive; opening another fences
// the elder. Not for concurrent use.
type Publisher struct {
	bus    *Bus
	source string
	client *kgo.Client
	topics *kafka.Written
	status contract.SourceStatus
	fence  int64 // offset of its own fence in its home partition
	first  int64 // offset of the first record of the last transaction
	stamp  kafka.Stamp
	lost   bool
}

// Publisher opens the publisher of a source. From then on an elder one of that
// name, in whichever process, can commit nothing more, and what it left open is
// decided; the position is what the last to commit left.
func (b *Bus) Publisher(ctx context.Context, source string) (*Publisher, error) {
	client, err := b.link.Client(kafka.Producing(2*time.Millisecond, 200_000, b.link.Transactional("source."+source)...)...)
	if err != nil {
		return nil, fmt.Errorf("open publisher %q: %w", source, err)
	}
	p := &Publisher{bus: b, source: source, client: client, topics: kafka.NewWritten(client)}
	if err := p.begin(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("open publisher %q: %w", source, b.link.Explain("", err))
	}
	return p, nil
}

func (p *Publisher) begin(ctx context.Context) error {
	n, err := p.bus.Partitions(ctx, contract.Sources)
	if err != nil {
		return err
	}
	// The new epoch fences the elder and ends what it left open.
	if _, _, err := p.client.ProducerID(ctx); err != nil {
		return fmt.Errorf("fence the elder: %w", err)
	}
	// A first transaction, of a fence alone: on a real cluster the first one
	// waits for its coordinator, and that should not be a change's.
	home := PartitionOf([]byte(p.source), n)
	if err := p.transact(ctx, Record{Topic: contract.Sources, Partition: home, Key: []byte(kafka.FenceKey), Value: []byte(p.source)}); err != nil {
		return err
	}
	p.fence = p.first
	err = replay.ToFence(ctx, p.bus.link, contract.Sources, map[int32]int64{home: 0}, func(r replay.Batch) error {
		for i := range r.Records {
			if string(r.Records[i].Key) != p.source {
				continue
			}
			p.status = contract.SourceStatus{}
			if r.Records[i].Value == nil {
				continue
			}
			if err := json.Unmarshal(r.Records[i].Value, &p.status); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read position: %w", err)
	}
	return nil
}

// Position is the position after the last published batch, "" at first.
func (p *Publisher) Position() string { return p.status.Position }

// Status is what was published last.
func (p *Publisher) Status() contract.SourceStatus { return p.status }

// NextEpoch is an epoch above every one that the source may have had, also where
// its status is gone (a tombstone by hand): offsets of its home partition only rise,
// and each epoch it took was written behind the offset that it was made of.
func (p *Publisher) NextEpoch() uint64 { return max(p.status.Epoch+1, uint64(p.fence)) }

// Publish writes the records and the status in one transaction and returns when
// it is committed. After ErrPublisherLost it is not known whether it was, and
// the publisher is of no use any more. After any other error (ErrTooLarge; ctx
// ended before the commit was asked for) nothing was written and it may go on.
// What the cluster refuses is a WriteError, in words.
func (p *Publisher) Publish(ctx context.Context, records []Record, status contract.SourceStatus) error {
	if p.lost {
		return fmt.Errorf("publish %q: %w", p.source, ErrPublisherLost)
	}
	if status.At == 0 {
		status.At = time.Now().UnixMilli()
	}
	value, err := json.Marshal(status)
	if err != nil {
		return fmt.Errorf("encode status of %q: %w", p.source, err)
	}
	began := time.Now()
	all := append(records[:len(records):len(records)], Record{Topic: contract.Sources, Partition: ByKey, Key: []byte(p.source), Value: value})
	if err := p.transact(ctx, all...); err != nil {
		return fmt.Errorf("publish %q: %w", p.source, err)
	}
	p.status = status
	p.bus.metrics.commitSeconds.WithLabelValues("source." + p.source).Observe(time.Since(began).Seconds())
	p.bus.metrics.published.WithLabelValues(p.source).Add(float64(len(records)))
	return nil
}

// transact writes records in one transaction. ctx does not cut short what has
// been begun: a record half sent or a commit half asked for would leave behind
// more than a delay.
func (p *Publisher) transact(ctx context.Context, records ...Record) error {
	if err := p.client.BeginTransaction(); err != nil {
		return p.lose(err)
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.bus.link.Config.TransactionTimeout)
	defer cancel()
	var failed error // promises are called one after the other, and Flush waits for them
	promise := func(r *kgo.Record, err error) {
		if err != nil && failed == nil {
			failed = p.bus.link.Explain(p.bus.link.Topic(r.Topic), kafka.ProduceError(err))
		}
	}
	slab := make([]kgo.Record, len(records))
	for i := range records {
		p.bus.link.Fill(&slab[i], &records[i], &p.stamp)
		p.topics.Note(slab[i].Topic)
		p.client.Produce(limit, &slab[i], promise)
	}
	if err := p.client.Flush(limit); err != nil {
		return p.lose(err)
	}
	if failed != nil && !errors.Is(failed, ErrTooLarge) {
		return p.lose(failed)
	}
	if err := p.topics.Settle(limit); err != nil {
		return p.lose(err)
	}
	p.first = slab[0].Offset
	if failed == nil {
		failed = ctx.Err()
	}
	if failed != nil {
		if err := p.client.EndTransaction(limit, kgo.TryAbort); err != nil {
			return p.lose(err)
		}
		return failed
	}
	// Whatever goes wrong here leaves the outcome unknown: asking again could
	// commit twice, or report as aborted what the broker committed.
	if err := p.client.EndTransaction(limit, kgo.TryCommit); err != nil {
		return p.lose(err)
	}
	return nil
}

func (p *Publisher) lose(err error) error {
	p.lost = true
	return fmt.Errorf("%w: %w", ErrPublisherLost, p.bus.link.Explain("", err))
}

// Close disconnects. A transaction left open is aborted by the publisher's
// successor, or by the broker after the transaction timeout.
func (p *Publisher) Close() {
	p.lost = true
	p.client.Close()
}

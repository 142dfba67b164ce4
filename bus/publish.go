package bus

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ErrPublisherLost says that a publisher can no longer tell what it has
// published, or that another process has taken its name. Its owner closes it
// and opens a new one, which finds out.
var ErrPublisherLost = errors.New("publisher lost")

// SourceStatus is what the topic sources holds of one source, under its name:
// how far it has been read, and how it does.
type SourceStatus struct {
	Position string   `json:"position"`
	At       int64    `json:"at"` // milliseconds: when this was written
	Datasets []string `json:"datasets,omitempty"`
	State    string   `json:"state,omitempty"` // running snapshot failed stopped
	// CaughtUp in milliseconds, 0 = unknown: everything the source committed
	// before this instant has been published.
	CaughtUp int64  `json:"caught_up,omitempty"`
	Rows     int64  `json:"rows,omitempty"` // published so far
	Kind     string `json:"kind,omitempty"`
	Error    string `json:"error,omitempty"`
}

// Publisher publishes one source's records together with its position: all of
// them or none. Only one publisher of a name is alive; opening another fences
// the elder. Not for concurrent use.
type Publisher struct {
	bus    *Bus
	source string
	client *kgo.Client
	status SourceStatus
	lost   bool
}

// Publisher opens the publisher of a source, fences its elder self, waits until
// what that one left open is decided, and reads the position.
func (b *Bus) Publisher(ctx context.Context, source string) (*Publisher, error) {
	client, err := kgo.NewClient(append(b.base[:len(b.base):len(b.base)],
		kgo.TransactionalID(b.cfg.Prefix+"source."+source), kgo.TransactionTimeout(b.cfg.TransactionTimeout),
		kgo.RecordPartitioner(partitioner()), kgo.ProducerLinger(0), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()), kgo.MaxBufferedRecords(200_000))...)
	if err != nil {
		return nil, fmt.Errorf("open publisher %q: %w", source, err)
	}
	p := &Publisher{bus: b, source: source, client: client}
	// An empty transaction makes the broker fence the elder and ends what it
	// left open, before the position is read.
	if _, _, err := client.ProducerID(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("open publisher %q: %w", source, err)
	}
	err = b.Replay(ctx, Sources, func(r Record) error {
		if string(r.Key) != source {
			return nil
		}
		p.status = SourceStatus{}
		if r.Value == nil {
			return nil
		}
		return json.Unmarshal(r.Value, &p.status)
	})
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("read position of source %q: %w", source, err)
	}
	return p, nil
}

// Position is the position after the last published batch, "" at first.
func (p *Publisher) Position() string { return p.status.Position }

// Status is what was published last.
func (p *Publisher) Status() SourceStatus { return p.status }

// Publish writes the records and the status in one transaction and returns when
// it is committed. After an error that is ErrPublisherLost it is not known
// whether it was; the publisher is of no use any more.
func (p *Publisher) Publish(ctx context.Context, records []Record, status SourceStatus) error {
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
	if err := p.transact(ctx, records, Record{Topic: Sources, Partition: ByKey, Key: []byte(p.source), Value: value}); err != nil {
		p.lost = true
		return fmt.Errorf("publish %q: %w: %w", p.source, ErrPublisherLost, err)
	}
	p.status = status
	p.bus.metrics.published.WithLabelValues(p.source).Add(float64(len(records)))
	return nil
}

func (p *Publisher) transact(ctx context.Context, records []Record, status Record) error {
	if err := p.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	var once sync.Once
	var failed error
	promise := func(_ *kgo.Record, err error) {
		if err != nil {
			once.Do(func() { failed = err })
		}
	}
	for i := range records {
		p.client.Produce(ctx, p.bus.out(&records[i]), promise)
	}
	p.client.Produce(ctx, p.bus.out(&status), promise)
	if err := p.client.Flush(ctx); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	if failed != nil {
		return fmt.Errorf("produce: %w", failed)
	}
	if err := p.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Close disconnects. A transaction left open is aborted by the publisher's
// successor, or by the broker after the transaction timeout.
func (p *Publisher) Close() { p.client.Close() }

func newNonce() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand stops the process instead
	return hex.EncodeToString(b[:])
}

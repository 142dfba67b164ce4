package bus

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What all our clients have in common is said here once: a default that one kind
// of client has overridden and another has not is a stall that nobody looks for.
const (
	// metadataMinAge is how long a client may go on with what it knows of the
	// cluster before it asks again. A produce that a broker answers with
	// CONCURRENT_TRANSACTIONS or OUT_OF_ORDER_SEQUENCE_NUMBER, as it does while a
	// partition is new to a transaction, waits for fresh metadata: with franz-go's
	// own five seconds the transaction would stand still for as long.
	metadataMinAge = 50 * time.Millisecond
	// fetchWait is how long a broker holds a fetch that finds nothing.
	fetchWait = 100 * time.Millisecond
	// recordBytes is how large a record may be, as it is sent: a batch of it alone. A
	// topic that takes no more than it does by Kafka's own default takes any.
	recordBytes = 1000012
)

// client opens a client with what all have in common, and options of its own.
func (b *Bus) client(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(b.base[:len(b.base):len(b.base)], opts...)...)
}

// consuming are the options of whoever reads: committed records alone, with the
// markers of transactions, which tell how far a partition has been read.
func consuming(wait time.Duration, opts ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxWait(wait), kgo.FetchMaxBytes(fetchBytes),
	}, opts...)
}

// producing are the options of whoever writes. linger is how long a record waits
// for company on the way to its partition.
func producing(linger time.Duration, records int, opts ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordPartitioner(partitioner()), kgo.ProducerLinger(linger),
		kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()),
		kgo.MaxBufferedRecords(records), kgo.MaxBufferedBytes(produceBytes), kgo.ProducerBatchMaxBytes(recordBytes),
	}, opts...)
}

// transactional are the options of whoever writes in transactions under an id.
func (b *Bus) transactional(id string) []kgo.Opt {
	return []kgo.Opt{kgo.TransactionalID(b.cfg.Prefix + id), kgo.TransactionTimeout(b.cfg.TransactionTimeout)}
}

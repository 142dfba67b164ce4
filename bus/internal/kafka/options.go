package kafka

import (
	"slices"
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
	// FetchWait is how long a broker holds a fetch that finds nothing.
	FetchWait = 100 * time.Millisecond
	// RecordBytes is how large a record may be, as it is sent: a batch of it alone. A
	// topic that takes no more than it does by Kafka's own default takes any.
	RecordBytes = 1000012
	// fetchBytes bounds what one broker sends at a time to one client, compressed,
	// and with it what a client holds that nobody has asked for yet.
	fetchBytes = 16 << 20
	// produceBytes bounds what waits to be sent; whoever emits more waits.
	produceBytes = 64 << 20
)

// Options are own options behind what all clients have in common.
func (l *Link) Options(own ...[]kgo.Opt) []kgo.Opt {
	return slices.Concat(append([][]kgo.Opt{l.base}, own...)...)
}

// Consuming are the options of whoever reads: committed records alone, with the
// markers of transactions, which tell how far a partition has been read.
func Consuming(wait time.Duration, opts ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxWait(wait), kgo.FetchMaxBytes(fetchBytes),
	}, opts...)
}

// Producing are the options of whoever writes. linger is how long a record waits
// for company on the way to its partition.
func Producing(linger time.Duration, records int, opts ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordPartitioner(partitioner()), kgo.ProducerLinger(linger),
		kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()),
		kgo.MaxBufferedRecords(records), kgo.MaxBufferedBytes(produceBytes), kgo.ProducerBatchMaxBytes(RecordBytes),
	}, opts...)
}

// Transactional are the options of whoever writes in transactions under an id.
func (l *Link) Transactional(id string) []kgo.Opt {
	return []kgo.Opt{kgo.TransactionalID(l.Config.Prefix + id), kgo.TransactionTimeout(l.Config.TransactionTimeout)}
}

// partitioner sends a record without a partition of its own to the partition of
// its key's murmur2 hash, as Java's clients do; a stated partition wins.
func partitioner() kgo.Partitioner {
	return kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int {
		hash := kgo.StickyKeyPartitioner(nil).ForTopic("")
		return func(r *kgo.Record, n int) int {
			if r.Partition >= 0 {
				return int(r.Partition)
			}
			return hash.Partition(r, n)
		}
	})
}

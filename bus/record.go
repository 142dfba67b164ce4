package bus

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Header is one header of a record.
type Header = kgo.RecordHeader

// ByKey is the partition of a record that goes where its key's hash says.
const ByKey int32 = -1

// Everywhere is the partition of a record that a step emits to every partition of its
// topic.
const Everywhere int32 = -2

// Record is one Kafka record. On output Partition is ByKey, Everywhere (from a step) or a partition;
// Offset is ignored. A nil Value is a tombstone. Time is the source's time: it
// travels in the header at and never is Kafka's timestamp, which is the broker's,
// so that no source's clock decides how long a record stays. A record that has
// none is of the time at which the broker took it. A record that was read must
// not be changed, and its bytes stay valid for as long as they are held.
type Record struct {
	Topic     contract.Topic
	Partition int32
	Offset    int64
	Key       []byte
	Value     []byte
	Time      time.Time
	Headers   []Header
}

// Header returns the value of the first header of that key, nil if there is none.
func (r *Record) Header(key string) []byte {
	for i := range r.Headers {
		if r.Headers[i].Key == key {
			return r.Headers[i].Value
		}
	}
	return nil
}

// fenceKey marks the records by which a reader finds the end of a topic that is
// written in transactions. No reader above this package sees them.
const fenceKey = "\x00fence"

// fill makes k what is written for r. Its timestamp is that of the moment at which
// it is produced, and then the broker's.
func (b *Bus) fill(k *kgo.Record, r *Record, s *stamp) {
	k.Topic, k.Partition, k.Key, k.Value, k.Headers = b.name(r.Topic), r.Partition, r.Key, r.Value, r.Headers
	if !r.Time.IsZero() && r.Header(contract.At) == nil {
		k.Headers = s.add(r.Headers, r.Time)
	}
}

// stamp makes the header at, which many records in a row have alike.
type stamp struct {
	ms   int64
	only []Header // nothing but at
}

func (s *stamp) add(headers []Header, at time.Time) []Header {
	if ms := at.UnixMilli(); s.only == nil || s.ms != ms {
		made := &struct { // in one piece
			only [1]Header
			text [14]byte
		}{}
		made.only[0] = Header{Key: contract.At, Value: contract.AppendAt(made.text[:0], at)}
		s.ms, s.only = ms, made.only[:]
	}
	if len(headers) == 0 {
		return s.only
	}
	return append(headers[:len(headers):len(headers)], s.only[0])
}

// read1 makes r what was read in k.
func (b *Bus) read1(r *Record, t contract.Topic, k *kgo.Record) {
	*r = Record{Topic: t, Partition: k.Partition, Offset: k.Offset, Key: k.Key, Value: k.Value, Time: k.Timestamp, Headers: k.Headers}
	if at, ok := contract.ParseAt(r.Header(contract.At)); ok {
		r.Time = at
	}
}

func isFence(k *kgo.Record) bool { return string(k.Key) == fenceKey }

// hidden reports whether a record is the protocol's or ours, not data.
func hidden(k *kgo.Record) bool { return k.Attrs.IsControl() || isFence(k) }

// hashers are partitioners, each of which takes microseconds to make and is not
// for concurrent use.
var hashers = sync.Pool{New: func() any { return kgo.StickyKeyPartitioner(nil).ForTopic("") }}

// PartitionOf returns the partition of n that ByKey chooses for a key.
func PartitionOf(key []byte, n int) int32 {
	h := hashers.Get().(kgo.TopicPartitioner) // the pool holds nothing else
	defer hashers.Put(h)
	return int32(h.Partition(&kgo.Record{Key: key}, n))
}

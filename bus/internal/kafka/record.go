package kafka

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
	Taken     time.Time // when the broker took it, by its clock; of one that was read
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

// FenceKey marks the records by which a reader finds the end of a topic that is
// written in transactions. No reader above this package sees them.
const FenceKey = "\x00fence"

// Fill makes k what is written for r. Its timestamp is that of the moment at which
// it is produced, and then the broker's.
func (l *Link) Fill(k *kgo.Record, r *Record, s *Stamp) {
	k.Topic, k.Partition, k.Key, k.Value, k.Headers = l.Name(r.Topic), r.Partition, r.Key, r.Value, r.Headers
	if !r.Time.IsZero() && r.Header(contract.At) == nil {
		k.Headers = s.add(r.Headers, r.Time)
	}
}

// Stamp makes the header at, which many records in a row have alike.
type Stamp struct {
	ms   int64
	only []Header // nothing but at
}

func (s *Stamp) add(headers []Header, at time.Time) []Header {
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

// Read makes r what was read in k.
func (l *Link) Read(r *Record, t contract.Topic, k *kgo.Record) {
	*r = Record{Topic: t, Partition: k.Partition, Offset: k.Offset, Key: k.Key, Value: k.Value, Time: k.Timestamp, Taken: k.Timestamp, Headers: k.Headers}
	if at, ok := contract.ParseAt(r.Header(contract.At)); ok {
		r.Time = at
	}
}

// IsFence tells a fence.
func IsFence(k *kgo.Record) bool { return string(k.Key) == FenceKey }

// Hidden reports whether a record is the protocol's or ours, not data.
func Hidden(k *kgo.Record) bool { return k.Attrs.IsControl() || IsFence(k) }

// hashers are partitioners, each of which takes microseconds to make and is not
// for concurrent use.
var hashers = sync.Pool{New: func() any { return kgo.StickyKeyPartitioner(nil).ForTopic("") }}

// PartitionOf returns the partition of n that ByKey chooses for a key.
func PartitionOf(key []byte, n int) int32 {
	h := hashers.Get().(kgo.TopicPartitioner) // the pool holds nothing else
	defer hashers.Put(h)
	return int32(h.Partition(&kgo.Record{Key: key}, n))
}

package bus

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// ByKey is the partition of a record that goes where its key's hash says.
const ByKey int32 = -1

// Record is one Kafka record. On output Partition is ByKey or a partition;
// Offset is ignored. A nil Value is a tombstone. A record that was read must
// not be changed, and its bytes stay valid for as long as they are held.
type Record struct {
	Topic     Topic
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

func (b *Bus) out(r *Record) *kgo.Record {
	k := &kgo.Record{Topic: b.name(r.Topic), Partition: r.Partition, Key: r.Key, Value: r.Value, Timestamp: r.Time}
	if len(r.Headers) > 0 {
		k.Headers = make([]kgo.RecordHeader, len(r.Headers))
		for i, h := range r.Headers {
			k.Headers[i] = kgo.RecordHeader{Key: h.Key, Value: h.Value}
		}
	}
	return k
}

func (b *Bus) in(t Topic, k *kgo.Record) Record {
	r := Record{Topic: t, Partition: k.Partition, Offset: k.Offset, Key: k.Key, Value: k.Value, Time: k.Timestamp}
	if len(k.Headers) > 0 {
		r.Headers = make([]Header, len(k.Headers))
		for i, h := range k.Headers {
			r.Headers[i] = Header{h.Key, h.Value}
		}
	}
	return r
}

func isFence(k *kgo.Record) bool { return string(k.Key) == fenceKey }

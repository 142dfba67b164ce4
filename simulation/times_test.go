package simulation

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// habit is how a department dates what it says. None of it may decide how long the
// bus keeps a record, nor which of two changes of a row is newer.
type habit int

// The habits: a live system; files that bear the time of their making; a server whose
// clock runs ahead; and whatever comes.
const (
	live habit = iota
	old
	ahead
	jumping
)

const day = 24 * time.Hour

// clock is a department's clock. It serves one caller at a time.
type clock struct {
	habit  habit
	random *rand.Rand
}

// clockOf draws a department's clock: a live one as often as all others together.
func clockOf(r *rand.Rand) clock {
	c := clock{random: r}
	if r.IntN(2) == 0 {
		c.habit = old + habit(r.IntN(3))
	}
	return c
}

// at is the time that the department gives a change of now, in whole milliseconds as
// the bus hands it on, and the name of the fault if it is of another day.
func (c clock) at(now time.Time) (at time.Time, odd string) {
	how := c.habit
	if how == jumping {
		how = habit(c.random.IntN(int(jumping)))
	}
	within := func(from, to time.Duration) time.Duration {
		return from + time.Duration(c.random.Int64N(int64(to-from)))
	}
	switch how {
	case old:
		now, odd = now.Add(-within(8*day, 120*day)), "data.old"
	case ahead:
		now, odd = now.Add(within(day, 20*day)), "data.ahead"
	case live, jumping:
	}
	return time.UnixMilli(now.UnixMilli()), odd
}

// sweepEvery is how often the broker looks for records that are past their time.
const sweepEvery = 250 * time.Millisecond

// keepAsKafka makes the broker delete by time only where a topic's policy says so, as
// Kafka does: this one would delete from compacted topics as well.
func (w *world) keepAsKafka() {
	cluster, never := w.kafka.Broker.Cluster(), "-1"
	cluster.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if req, ok := r.(*kmsg.CreateTopicsRequest); ok {
			for i := range req.Topics {
				t := &req.Topics[i]
				for _, c := range t.Configs {
					if c.Name == "cleanup.policy" && c.Value != nil && *c.Value == "compact" {
						t.Configs = append(t.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: "retention.ms", Value: &never})
						break
					}
				}
			}
		}
		return nil, nil, false
	})
	if w.mutant.dating {
		cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			if req, ok := r.(*kmsg.ProduceRequest); ok {
				for i := range req.Topics {
					for j := range req.Topics[i].Partitions {
						w.dateBySource(req.Topics[i].Partitions[j].Records)
					}
				}
			}
			return nil, nil, false
		})
	}
}

// keepSweeping deletes what is past its time, until ctx ends.
func (w *world) keepSweeping(ctx context.Context) {
	every := sweepEvery
	if w.mutant.dating {
		every = 2 * time.Millisecond // the broker's moment is the worst one
	}
	for wait(ctx, every); ctx.Err() == nil; wait(ctx, every) {
		w.kafka.Broker.Cluster().ApplyRetention()
	}
}

// dateBySource gives a batch the times that its sources gave its records, as a topic
// with message.timestamp.type=CreateTime has them: the mutant of that name.
func (w *world) dateBySource(batch []byte) {
	var b kmsg.RecordBatch
	if err := b.ReadFrom(batch); err != nil {
		return // the broker refuses it
	}
	plain, err := kgo.DefaultDecompressor().Decompress(b.Records, kgo.CompressionCodecType(b.Attributes&7))
	if err != nil {
		w.t.Error(err)
		return
	}
	first, last := int64(0), int64(0)
	for range b.NumRecords {
		var r kmsg.Record
		if err := r.ReadFrom(plain); err != nil {
			w.t.Error(err)
			return
		}
		_, head := binary.Varint(plain)
		plain = plain[head+int(r.Length):]
		for _, h := range r.Headers {
			if at, ok := contract.ParseAt(h.Value); ok && h.Key == contract.At {
				if first == 0 {
					first = at.UnixMilli()
				}
				last = max(last, at.UnixMilli())
			}
		}
	}
	if first == 0 {
		return
	}
	// Where the fields of a batch of magic 2 lie.
	const sum, attributes, firstAt, lastAt = 17, 21, 27, 35
	binary.BigEndian.PutUint64(batch[firstAt:], uint64(first))
	binary.BigEndian.PutUint64(batch[lastAt:], uint64(last))
	binary.BigEndian.PutUint32(batch[sum:], crc32.Checksum(batch[attributes:], castagnoli))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

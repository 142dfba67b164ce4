package embedded

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// dateByBroker makes this broker's clock decide the time of every record, as all our
// topics say (message.timestamp.type=LogAppendTime): kfake keeps that option and does
// not look at it. What this process produces is of now anyway; a batch of another
// client that says something else is moved to now as a whole.
func dateByBroker(cluster *kfake.Cluster) {
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if req, ok := r.(*kmsg.ProduceRequest); ok {
			for i := range req.Topics {
				for j := range req.Topics[i].Partitions {
					redate(req.Topics[i].Partitions[j].Records, time.Now())
				}
			}
		}
		return nil, nil, false
	})
}

// redate moves a batch in time so that its last record is of now, if it is a batch and
// whole: a damaged one stays so.
func redate(batch []byte, now time.Time) {
	// Where the fields of a batch of magic 2 lie.
	const magic, sum, attributes, first, last, header = 16, 17, 21, 27, 35, 61
	if len(batch) < header || batch[magic] != 2 {
		return
	}
	off := now.UnixMilli() - int64(binary.BigEndian.Uint64(batch[last:]))
	if tolerated := time.Minute.Milliseconds(); -tolerated < off && off < tolerated {
		return
	}
	if binary.BigEndian.Uint32(batch[sum:]) != crc32.Checksum(batch[attributes:], castagnoli) {
		return
	}
	binary.BigEndian.PutUint64(batch[first:], binary.BigEndian.Uint64(batch[first:])+uint64(off))
	binary.BigEndian.PutUint64(batch[last:], uint64(now.UnixMilli()))
	binary.BigEndian.PutUint32(batch[sum:], crc32.Checksum(batch[attributes:], castagnoli))
}

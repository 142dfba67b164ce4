package embedded

import (
	"math"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// listAll makes the first answer of a fetch session name every partition asked for.
// kfake leaves out those behind the one for which there was no more room, which Kafka
// does not: Java clients take such an answer for broken ("invalid full fetch response
// with omittedPartitions") and ask again, for ever. So the room is shared out among the
// partitions before, and together they are not told to stop: each gets its share, or
// nothing where its next batch is larger, but the first with something gets a batch at
// least. Later answers of a session may leave partitions out: docs/upstream has the
// report.
func listAll(cluster *kfake.Cluster) {
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if req, ok := r.(*kmsg.FetchRequest); ok && req.SessionEpoch <= 0 { // 0 begins a session, -1 does without
			share(req)
		}
		return nil, nil, false
	})
}

// share divides what a whole fetch may bring among its partitions.
func share(req *kmsg.FetchRequest) {
	n := 0
	for i := range req.Topics {
		n += len(req.Topics[i].Partitions)
	}
	if n < 2 {
		return
	}
	each := max(1, req.MaxBytes/int32(n))
	for i := range req.Topics {
		for j := range req.Topics[i].Partitions {
			p := &req.Topics[i].Partitions[j]
			p.PartitionMaxBytes = min(p.PartitionMaxBytes, each)
		}
	}
	req.MaxBytes = math.MaxInt32
}

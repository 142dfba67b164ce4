package embedded

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// snapshotFile is what the broker remembers of a partition beside its log.
const snapshotFile = "snapshot.json"

// markFile is in a folder as long as a broker uses it.
const markFile = "in-use"

// afterCrash mends the folder if the broker that used it last did not close it,
// and marks it as in use.
func afterCrash(ctx context.Context, opts []kfake.Opt, o Options, mark string) error {
	if _, err := os.Stat(mark); err == nil {
		if err := mend(ctx, opts, o); err != nil {
			return fmt.Errorf("mend broker folder %q after a crash: %w", o.Dir, err)
		}
	}
	f, err := os.Create(mark)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err != nil {
		return fmt.Errorf("mark broker folder as in use: %w", err)
	}
	return nil
}

// mend decides the transactions that a crash left in doubt, as the transaction
// coordinator of a real cluster does from its log. This broker has none, and so
// a crash can do two things to it:
//
//   - A commit writes its marker into one partition after the other. Dying in
//     between leaves the transaction committed in some partitions only.
//   - A transaction that got no marker at all counts as aborted when the folder is
//     opened again, but nothing is written down. The producer goes on under the
//     same id, and after the next crash the marker of its next commit seems to
//     commit the forgotten records too.
//
// So every transaction in doubt gets its markers before anybody else writes:
// commit if any partition has been told so (the decision was made, and its
// client may know), abort if none has. The broker reads its folder without
// snapshots afterwards, because they may hold what it thought before.
func mend(ctx context.Context, opts []kfake.Opt, o Options) error {
	if o.ListenFn == nil {
		opts = loopback(ctx, opts)
	} else {
		opts = append(opts[:len(opts):len(opts)], kfake.ListenFn(o.ListenFn))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	markers, err := inDoubt(ctx, cluster.ListenAddrs())
	if err == nil {
		err = decide(ctx, cluster.ListenAddrs(), markers)
	}
	cluster.Close()
	if err != nil {
		return err
	}
	snapshots, err := filepath.Glob(filepath.Join(o.Dir, "partitions", "*", snapshotFile))
	if err != nil {
		return fmt.Errorf("find snapshots: %w", err)
	}
	for _, file := range snapshots {
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("remove snapshot: %w", err)
		}
	}
	if o.Logger != nil && len(markers) > 0 {
		o.Logger.Info("embedded broker decided transactions that a crash left open", "transactions", len(markers))
	}
	return nil
}

// loopback lets a broker listen where nobody looks for it.
func loopback(ctx context.Context, opts []kfake.Opt) []kfake.Opt {
	return append(opts[:len(opts):len(opts)], kfake.ListenFn(func(network, _ string) (net.Listener, error) {
		var lc net.ListenConfig
		return lc.Listen(ctx, network, "127.0.0.1:0")
	}))
}

// transaction is one transaction of one producer: its epoch grows with each.
type transaction struct {
	producer int64
	epoch    int16
}

// place is one partition.
type place struct {
	topic     string
	partition int32
}

// inDoubt reads the whole log and returns the markers that are missing.
func inDoubt(ctx context.Context, addresses []string) ([]kadm.TxnMarkers, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addresses...), kgo.FetchIsolationLevel(kgo.ReadUncommitted()), kgo.KeepControlRecords())
	if err != nil {
		return nil, fmt.Errorf("open client: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list start offsets: %w", err)
	}
	ends, err := admin.ListEndOffsets(ctx)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	from, left := map[string]map[int32]kgo.Offset{}, map[place]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if start, ok := starts.Lookup(end.Topic, end.Partition); ok && start.Offset < end.Offset {
			left[place{end.Topic, end.Partition}] = end.Offset
			if from[end.Topic] == nil {
				from[end.Topic] = map[int32]kgo.Offset{}
			}
			from[end.Topic][end.Partition] = kgo.NewOffset().At(start.Offset)
		}
	})
	client.AddConsumePartitions(from)
	open, committed := map[place]map[int64]int16{}, map[transaction]bool{}
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := errors.Join(ctx.Err(), fetches.Err()); err != nil {
			return nil, fmt.Errorf("read the log: %w", err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			at := place{r.Topic, r.Partition}
			switch {
			case r.Attrs.IsControl():
				delete(open[at], r.ProducerID)
				// Version and type, of which 1 is a commit.
				if len(r.Key) >= 4 && binary.BigEndian.Uint16(r.Key[2:]) == 1 {
					committed[transaction{r.ProducerID, r.ProducerEpoch}] = true
				}
			case r.Attrs.IsTransactional():
				if open[at] == nil {
					open[at] = map[int64]int16{}
				}
				open[at][r.ProducerID] = r.ProducerEpoch
			}
			if r.Offset+1 >= left[at] {
				delete(left, at)
			}
		})
	}
	missing := map[transaction]kadm.TopicsSet{}
	for at, producers := range open {
		for producer, epoch := range producers {
			tx := transaction{producer, epoch}
			topics := missing[tx]
			topics.Add(at.topic, at.partition)
			missing[tx] = topics
		}
	}
	markers := make([]kadm.TxnMarkers, 0, len(missing))
	for tx, topics := range missing {
		markers = append(markers, kadm.TxnMarkers{ProducerID: tx.producer, ProducerEpoch: tx.epoch, Commit: committed[tx], Topics: topics})
	}
	return markers, nil
}

// decide writes the markers.
func decide(ctx context.Context, addresses []string, markers []kadm.TxnMarkers) error {
	if len(markers) == 0 {
		return nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addresses...))
	if err != nil {
		return fmt.Errorf("open client: %w", err)
	}
	defer client.Close()
	answers, err := kadm.NewClient(client).WriteTxnMarkers(ctx, markers...)
	if err != nil {
		return fmt.Errorf("write markers: %w", err)
	}
	answers.EachPartition(func(p kadm.TxnMarkersPartitionResponse) {
		if p.Err != nil {
			err = fmt.Errorf("write marker into %s/%d: %w", p.Topic, p.Partition, p.Err)
		}
	})
	return err
}

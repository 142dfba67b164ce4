package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"
)

// disk makes answers wait until what was written before them is on the disk. kfake
// can do so itself, by syncing each batch in the one goroutine that serves all: on a
// disk that takes 20 ms a sync the whole city then got some tens of batches a second.
// Here whoever waits shares a sync with all others that wait.
//
// A line to the broker says which folders a request writes to before it is handed
// over, and waits before the answer passes: in between its folders are part of every
// sync. So when an answer about something is out, whatever the broker had written by
// then, for whomever, is on the disk: a step's commit never outlives what it has read.
//
// How transactions ended stands beside the partitions, and must not be on the disk
// before their markers are: the offsets of a step would be kept and its output lost.
// So before it is synced no request that ends a transaction is let in, the broker is
// done with those that were, and their partitions are synced.
type disk struct {
	root   string
	log    *slog.Logger
	sync1  func(path string) error // of one file or folder
	ready  chan struct{}           // closed when the broker is there
	broker *kfake.Cluster
	names  sync.Map // topic id -> name

	mu         sync.Mutex
	cond       *sync.Cond
	written    map[string]bool            // folders of partitions to be synced, relative to root
	passing    map[string]int             // those that requests under way write to
	touched    map[string]map[string]bool // by transactional id: those of its open transaction, which its end writes markers to
	ending     int                        // requests that end transactions, which the broker has not answered yet
	gate       bool                       // none is let in
	partitions rounds
	states     rounds
	took       time.Duration // by all rounds over partitions
	failed     error         // of a write or a sync: what was written is in doubt, nothing is answered any more
	lost       chan struct{} // closed when failed is set

	files sync.Mutex
	known map[string]stamp // files as they were last synced
}

// rounds counts syncs, each of which serves all who came before it began.
type rounds struct{ begun, done uint64 }

// stamp tells whether a file has been written to.
type stamp struct {
	size int64
	at   time.Time
}

func newDisk(root string, log *slog.Logger) *disk {
	d := &disk{root: root, log: log, sync1: onDisk, ready: make(chan struct{}), lost: make(chan struct{}), written: map[string]bool{}, passing: map[string]int{}, touched: map[string]map[string]bool{}, known: map[string]stamp{}}
	d.cond = sync.NewCond(&d.mu)
	return d
}

// serve tells the disk of whom it is. A client may be there sooner.
func (d *disk) serve(cluster *kfake.Cluster) {
	d.broker = cluster
	close(d.ready)
}

// state is the folder of what the broker remembers beside its partitions.
const state = "."

func folder(topic string, partition int32) string {
	return filepath.Join("partitions", url.PathEscape(topic)+"-"+strconv.Itoa(int(partition)))
}

// passage is a request under way.
type passage struct {
	folders []string // of partitions that it writes to
	ends    bool     // transactions
	wait    promise  // of its answer
}

// promise is what of its request an answer says to be kept.
type promise uint8

const (
	all     promise = iota // what it wrote to the broker's state, and the partitions
	records                // what it and whoever else wrote to partitions
	nothing                // its transaction's end promises it, or its group begins anew
)

// begin says that a request is about to be handed over.
func (d *disk) begin(r kmsg.Request) passage {
	var to []string
	if p, ok := r.(*kmsg.ProduceRequest); ok {
		to = d.produced(p)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p := passage{ends: ends(r), wait: promised(r)}
	for p.ends && d.gate {
		d.cond.Wait()
	}
	p.folders = d.folders(r, to)
	if p.ends {
		d.ending++
	}
	for _, f := range p.folders {
		d.passing[f]++
	}
	return p
}

// ends reports whether a request may end a transaction.
func ends(r kmsg.Request) bool {
	switch r.(type) {
	case *kmsg.EndTxnRequest, *kmsg.InitProducerIDRequest, *kmsg.WriteTxnMarkersRequest:
		return true
	}
	return false
}

// promised returns what the answer to a request says to be kept.
func promised(r kmsg.Request) promise {
	switch r := r.(type) {
	case *kmsg.ProduceRequest:
		if r.TransactionID != nil {
			return nothing
		}
		return records
	case *kmsg.AddPartitionsToTxnRequest, *kmsg.AddOffsetsToTxnRequest, *kmsg.TxnOffsetCommitRequest, *kmsg.JoinGroupRequest, *kmsg.SyncGroupRequest, *kmsg.LeaveGroupRequest,
		*kmsg.HeartbeatRequest, *kmsg.ApiVersionsRequest, *kmsg.FindCoordinatorRequest, *kmsg.MetadataRequest:
		return nothing
	case *kmsg.FetchRequest, *kmsg.ListOffsetsRequest, *kmsg.OffsetFetchRequest, *kmsg.DescribeConfigsRequest, *kmsg.DescribeClusterRequest,
		*kmsg.OffsetForLeaderEpochRequest, *kmsg.DescribeGroupsRequest, *kmsg.ListGroupsRequest:
		return records
	}
	return all // the end of a transaction, offsets, topics, configuration
}

// folders are those of the partitions that a request writes to; produced are those of
// a produce. mu is held.
func (d *disk) folders(r kmsg.Request, produced []string) []string {
	switch r := r.(type) {
	case *kmsg.ProduceRequest:
		if r.TransactionID != nil {
			if d.touched[*r.TransactionID] == nil {
				d.touched[*r.TransactionID] = map[string]bool{}
			}
			for _, f := range produced {
				d.touched[*r.TransactionID][f] = true
			}
		}
		return produced
	case *kmsg.EndTxnRequest:
		return d.ended(r.TransactionalID)
	case *kmsg.InitProducerIDRequest: // aborts what an elder of the id left open
		if r.TransactionalID != nil {
			return d.ended(*r.TransactionalID)
		}
	case *kmsg.WriteTxnMarkersRequest:
		var out []string
		for _, m := range r.Markers {
			for _, t := range m.Topics {
				for _, p := range t.Partitions {
					out = append(out, folder(t.Topic, p))
				}
			}
		}
		return out
	}
	return nil
}

// name returns the name of a topic, "" if there is none of that id.
func (d *disk) name(id [16]byte) string {
	if name, ok := d.names.Load(id); ok {
		return name.(string) //nolint:forcetypeassert // nothing else is stored
	}
	<-d.ready
	info := d.broker.TopicIDInfo(id)
	if info == nil {
		return ""
	}
	d.names.Store(id, info.Topic)
	return info.Topic
}

// produced are the folders that a produce writes records to.
func (d *disk) produced(r *kmsg.ProduceRequest) []string {
	var out []string
	for _, t := range r.Topics {
		topic := t.Topic
		if r.Version >= 13 {
			if topic = d.name(t.TopicID); topic == "" {
				continue // refused
			}
		}
		for _, p := range t.Partitions {
			out = append(out, folder(topic, p.Partition))
		}
	}
	return out
}

func (d *disk) ended(id string) []string {
	out := slices.Collect(maps.Keys(d.touched[id]))
	delete(d.touched, id)
	return out
}

// ticket is what an answer waits for; 0 = for nothing.
type ticket struct{ partitions, states uint64 }

// finish says that the broker has done a request, and returns what its answer waits for:
// what it has written, and all in the partitions before it.
func (d *disk) finish(p passage) (t ticket) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leave(p)
	switch {
	case p.wait == all:
		t.states = d.states.begun + 1
	case p.wait == records && (len(d.written) > 0 || len(d.passing) > 0 || d.partitions.begun > d.partitions.done):
		t.partitions = d.partitions.begun + 1
	}
	return t
}

// abandoned is how long the broker may still be busy with a request whose client has gone.
const abandoned = 5 * time.Second

// abandon says that nobody waits for a request's answer any more, nor hears when the
// broker has done it.
func (d *disk) abandon(p passage) {
	if p.ends {
		d.finish(passage{ends: true, wait: nothing})
	}
	if p.ends = false; len(p.folders) > 0 {
		time.AfterFunc(abandoned, func() { d.finish(p) })
	}
}

// settle waits.
func (d *disk) settle(t ticket) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.join(&d.partitions, t.partitions, d.syncPartitions)
	d.join(&d.states, t.states, d.syncState)
	return d.failed
}

// join waits until a round is done, and does it if nobody else does. mu is held, but
// not while it waits.
func (d *disk) join(r *rounds, round uint64, do func()) {
	for r.done < round && d.failed == nil {
		if r.begun > r.done {
			d.cond.Wait()
			continue
		}
		r.begun++
		do()
		r.done = r.begun
		d.cond.Broadcast()
	}
}

// syncPartitions is a round over what has been written to partitions. mu is held, but
// not while it syncs.
func (d *disk) syncPartitions() {
	folders := d.written
	d.written = map[string]bool{}
	for f := range d.passing {
		folders[f] = true
	}
	began := time.Now()
	d.sync(folders)
	d.took += time.Since(began)
}

// mean is how long a round over partitions takes, 0 before the first.
func (d *disk) mean() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.took / time.Duration(max(1, d.partitions.done))
}

// syncState is a round over all the rest. mu is held, but not while it waits.
func (d *disk) syncState() {
	d.gate = true
	for d.ending > 0 {
		d.cond.Wait()
	}
	d.join(&d.partitions, d.partitions.begun+1, d.syncPartitions)
	d.sync(map[string]bool{state: true})
	d.gate = false
}

// leave says that the broker is done with a request. mu is held.
func (d *disk) leave(p passage) {
	if p.ends {
		if d.ending--; d.ending == 0 {
			d.cond.Broadcast()
		}
	}
	for _, f := range p.folders {
		d.written[f] = true
		if d.passing[f]--; d.passing[f] == 0 {
			delete(d.passing, f)
		}
	}
}

// atOnce is how many files are synced at a time: a journalling file system brings
// them to the disk together.
const atOnce = 64

// sync brings the folders' new bytes to the disk. mu is held, but not while it waits.
func (d *disk) sync(folders map[string]bool) {
	d.mu.Unlock()
	err := d.flush(folders)
	d.mu.Lock()
	if err != nil {
		d.fail(fmt.Errorf("sync broker folder: %w", err))
	}
}

// ErrDisk says that the broker's data did not get onto the disk. It answers no more: its
// memory is ahead of its folder, and the next start begins with what the folder holds.
var ErrDisk = errors.New("the disk did not take what was written")

// errUnwritten says that the broker could not write to its folder.
var errUnwritten = errors.New("not written")

// broken says that something was not written. The broker goes on as if it had been, and
// its memory is ahead of its folder from then on: nothing is answered any more, and the
// next start begins with what the folder holds.
func (d *disk) broken(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail(err)
	d.cond.Broadcast()
}

// whole returns why what was written is not on the disk.
func (d *disk) whole() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// fail ends all answers. mu is held.
func (d *disk) fail(err error) {
	if d.failed == nil {
		d.failed = fmt.Errorf("%w: %w", ErrDisk, err)
		close(d.lost)
		d.log.Error("内置消息代理的数据未能落盘，不再应答；检查磁盘后重启 / the embedded broker's data cannot be written to the disk: it answers no more, check the disk and start again", "error", d.failed)
	}
}

func (d *disk) flush(folders map[string]bool) error {
	var group errgroup.Group
	group.SetLimit(atOnce)
	var err error
	for f := range folders {
		fresh, failed := d.changed(f, func(path string) { group.Go(func() error { return d.sync1(path) }) })
		if err = errors.Join(err, failed); fresh {
			group.Go(func() error { return d.sync1(filepath.Join(d.root, f)) })
		}
	}
	return errors.Join(err, group.Wait())
}

// changed hands over the files of a folder that have changed since they were last
// synced, and reports whether one of them is new.
func (d *disk) changed(name string, take func(path string)) (fresh bool, err error) {
	dir := filepath.Join(d.root, name)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // nothing was written, or the topic is gone
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		info, gone := e.Info()
		if gone != nil {
			continue // renamed or removed meanwhile
		}
		path, now := filepath.Join(dir, e.Name()), stamp{info.Size(), info.ModTime()}
		d.files.Lock()
		before, ok := d.known[path]
		d.known[path] = now
		d.files.Unlock()
		if fresh = fresh || !ok; before != now {
			take(path)
		}
	}
	return fresh, err
}

// onDisk syncs a file or folder.
func onDisk(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// all syncs everything there is, of a broker that is closed.
func (d *disk) all() error {
	dirs, err := filepath.Glob(filepath.Join(d.root, "partitions", "*"))
	folders := map[string]bool{}
	for _, dir := range dirs {
		folders[filepath.Join("partitions", filepath.Base(dir))] = true
	}
	return errors.Join(err, d.flush(folders), d.flush(map[string]bool{state: true}))
}

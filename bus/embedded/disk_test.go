package embedded_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// disk is one whose syncs take a while of the bubble's clock, and that knows how much
// of each file it holds.
type disk struct {
	takes time.Duration
	fail  error
	gate  chan struct{} // nil = open

	mu    sync.Mutex
	holds map[string]int64
	syncs int
}

func (d *disk) sync(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if d.gate != nil {
		<-d.gate
	}
	time.Sleep(d.takes)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	d.holds[path] = info.Size()
	return d.fail
}

// lacks returns the segments that are longer than what the disk holds of them.
func (d *disk) lacks(t *testing.T, dir string) (out []string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".dat" {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > d.holds[path] {
			out = append(out, path)
		}
		return err
	}))
	return out
}

// On a disk that takes 20 ms a sync, whoever waits shares a sync with all others: a
// thousand answers a second, beside steps whose transactions write everywhere. When
// each batch was synced by itself it was eight.
func TestSlowDiskIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, d := t.TempDir(), &disk{takes: 20 * time.Millisecond, holds: map[string]int64{}}
		k := bustest.OnDisk(t, dir, d.sync)
		b := k.Open(t, nil)
		must(t, b.Ensure(t.Context(), contract.Spec{Topic: contract.Audit}, contract.Spec{Topic: contract.Sources, Compact: true}, contract.Spec{Topic: contract.Raw("T"), Partitions: 30}))
		p, err := b.Publisher(t.Context(), "s")
		must(t, err)
		defer p.Close()
		busy, stop := context.WithCancel(t.Context())
		transactions, ended := 0, make(chan struct{})
		go func() { // a source that never rests
			defer close(ended)
			for i := 0; busy.Err() == nil; i++ {
				var records []bus.Record
				for q := range int32(30) {
					records = append(records, bus.Record{Topic: contract.Raw("T"), Partition: q, Key: []byte{byte(q)}, Value: strconv.AppendInt(nil, int64(i), 10)})
				}
				if p.Publish(busy, records, contract.SourceStatus{Position: strconv.Itoa(i)}) == nil {
					transactions++
				}
			}
		}()
		const askers, each = 64, 20
		began := time.Now()
		var group errgroup.Group
		for range askers {
			group.Go(func() error {
				for range each {
					if err := b.Append(t.Context(), bus.Record{Topic: contract.Audit, Partition: bus.ByKey, Value: []byte("entry")}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		must(t, group.Wait())
		took := time.Since(began)
		stop()
		<-ended
		if lacks := d.lacks(t, dir); len(lacks) > 0 {
			t.Errorf("not on the disk though answered: %v", lacks)
		}
		t.Logf("%d entries in %v of the bubble's clock, %d transactions of 30 partitions, %d syncs", askers*each, took, transactions, d.syncs)
		if rate := float64(askers*each) / took.Seconds(); rate < 1000 {
			t.Errorf("%.0f entries a second, want 1,000", rate)
		}
		if transactions == 0 {
			t.Error("no transaction was committed meanwhile")
		}
	})
}

// Who asks for the offsets of all partitions, as a start and each look at as_of do, waits
// for what was written before, and for no more: a round of syncs or two, however many
// write. When each batch was synced by itself, in the order in which they came, it was as
// many as there were writers, six to ten seconds on a disk that others used too.
func TestOffsetsWaitForARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const topics, partitions, writers, rounds = 47, 8, 24, 8
		d := &disk{takes: 20 * time.Millisecond, holds: map[string]int64{}}
		k := bustest.OnDisk(t, t.TempDir(), d.sync)
		b := k.Open(t, nil)
		specs, all := make([]contract.Spec, topics), make([]contract.Topic, topics)
		for i := range specs {
			all[i] = contract.Topic("t" + strconv.Itoa(i))
			specs[i] = contract.Spec{Topic: all[i], Partitions: partitions}
		}
		must(t, b.Ensure(t.Context(), specs...))
		busy, stop := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		defer wait.Wait()
		defer stop()
		written := make(chan struct{}, writers)
		for w := range writers { // processes that never rest
			own := k.Open(t, nil)
			wait.Go(func() {
				for i := 0; busy.Err() == nil; i++ {
					err := own.Append(busy, bus.Record{Topic: all[(w+i)%topics], Partition: int32(i % partitions), Value: []byte("v")})
					if i == 0 {
						if err != nil {
							t.Error(err)
						}
						written <- struct{}{}
					}
				}
			})
		}
		for range writers {
			<-written
		}
		for range 5 {
			began := time.Now()
			ends, err := b.EndOffsets(t.Context(), all...)
			must(t, err)
			if took := time.Since(began); took > rounds*d.takes {
				t.Errorf("the offsets took %v, %d syncs one after the other", took, took/d.takes)
			}
			if len(ends) != topics || len(ends[all[0]]) != partitions {
				t.Errorf("offsets of %d topics", len(ends))
			}
		}
	})
}

// Nothing is answered about what is not on the disk, to whom wrote it or to readers.
func TestDiskComesBeforeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, d := t.TempDir(), &disk{holds: map[string]int64{}}
		k := bustest.OnDisk(t, dir, d.sync)
		b := k.Open(t, nil)
		must(t, b.Ensure(t.Context(), contract.Spec{Topic: contract.Audit, Partitions: 1}))
		must(t, b.Append(t.Context(), bus.Record{Topic: contract.Audit, Value: []byte("first")}))
		read := make(chan string, 2)
		reading, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			_ = b.Follow(reading, bus.FollowConfig{Topics: []contract.Topic{contract.Audit}}, func(_ context.Context, records []bus.Record) error { // ended by stop
				for _, r := range records {
					read <- string(r.Value)
				}
				return nil
			})
		}()
		if got := <-read; got != "first" {
			t.Fatalf("read %q", got)
		}
		d.gate = make(chan struct{})
		answered := make(chan error, 1)
		go func() { answered <- b.Append(t.Context(), bus.Record{Topic: contract.Audit, Value: []byte("second")}) }()
		time.Sleep(time.Second)
		select {
		case err := <-answered:
			t.Errorf("answered %v before the disk", err)
		case got := <-read:
			t.Errorf("read %q before it was on the disk", got)
		default:
		}
		close(d.gate)
		must(t, <-answered)
		if got := <-read; got != "second" {
			t.Errorf("read %q", got)
		}
	})
}

// A disk that cannot be written answers nothing any more.
func TestBrokenDiskAnswersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{holds: map[string]int64{}}
		k := bustest.OnDisk(t, t.TempDir(), d.sync)
		b := k.Open(t, nil)
		must(t, b.Ensure(t.Context(), contract.Spec{Topic: contract.Audit, Partitions: 1}))
		d.fail = errors.New("input/output error")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := b.Append(ctx, bus.Record{Topic: contract.Audit, Value: []byte("lost")}); err == nil {
			t.Error("a record that is not on the disk was acknowledged")
		}
	})
}

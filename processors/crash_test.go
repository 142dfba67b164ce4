package processors_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/state"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// world is a cluster with one step's topics and its input.
type world struct {
	kafka bustest.Kafka
	bus   *bus.Bus // outside of the processes under test
	keys  int
	round int
	parts int32
}

func newWorld(t *testing.T, k bustest.Kafka, keys int) *world {
	t.Helper()
	w := &world{kafka: k, bus: k.Open(t, nil), keys: keys, parts: partitions}
	specs := append(processors.Specs(stepOf(nil)), contract.Spec{Topic: "in"}, contract.Spec{Topic: "out"})
	if err := w.bus.Ensure(t.Context(), specs...); err != nil {
		t.Fatal(err)
	}
	return w
}

// feed writes one record of each key, rounds times.
func (w *world) feed(t *testing.T, rounds int) {
	t.Helper()
	for range rounds {
		var records []bus.Record
		for k := range w.keys {
			records = append(records, bus.Record{Topic: "in", Partition: bus.ByKey, Key: fmt.Appendf(nil, "key-%d", k), Value: []byte("x")})
		}
		if err := w.bus.Append(t.Context(), records...); err != nil {
			t.Fatal(err)
		}
		w.round++
	}
}

// process is one process that runs the step, and how it can die.
type process struct {
	line *bustest.Line
	fs   *vfs.MemFS
	stop context.CancelFunc
	done chan error
}

func (w *world) start(t *testing.T, fs *vfs.MemFS, instance string, stage func() (processors.Stage, error), judge func(int16) bustest.Fault, clock func() time.Time) *process {
	t.Helper()
	p := &process{line: w.kafka.Line(judge), fs: fs, done: make(chan error, 1)}
	s, err := state.Open(state.Options{Dir: "state", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	b := w.kafka.Open(t, func(c *bus.Config) { c.Dialer = p.line.Dial })
	ctx, stop := context.WithCancel(t.Context())
	p.stop = stop
	go func() {
		err := processors.Run(ctx, b, stepOf(stage), processors.Config{
			Store: s, Instance: instance, MaxRecords: 40, CommitInterval: 5 * time.Millisecond, Clock: clock, Metrics: processors.NewMetrics(prometheus.NewRegistry()),
		}, bustest.Logger(t))
		p.done <- errors.Join(err, s.Close())
	}()
	return p
}

// kill cuts the process off at once and takes the power from its disk: what was
// not synced is there or not, block by block. It returns what the disk holds.
func (p *process) kill(random *rand.Rand) *vfs.MemFS {
	p.line.Cut()
	disk := p.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
	p.stop()
	<-p.done
	return disk
}

// finish waits for the output to be complete and correct and ends the process.
func (w *world) finish(t *testing.T, p *process) {
	t.Helper()
	expect(t, w.bus, w.keys, w.round)
	p.stop()
	if err := <-p.done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want the context's error", err)
	}
	w.compare(t, p.fs)
}

// compare holds the local state of all partitions against the fold of their
// changelog up to the position that the state says it has reached.
func (w *world) compare(t *testing.T, fs *vfs.MemFS) {
	t.Helper()
	s, err := state.Open(state.Options{Dir: "state", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want, got := map[string]string{}, map[string]string{}
	err = w.bus.Replay(t.Context(), contract.State("count"), func(r bus.Record) error {
		if reached, _, _, err := s.Partition("count", r.Partition).Position(); err != nil || r.Offset >= reached {
			return err
		}
		key := fmt.Sprintf("%d/%s", r.Partition, r.Key)
		if want[key] = string(r.Value); r.Value == nil {
			delete(want, key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b := s.Batch()
	defer b.Close()
	for p := range w.parts {
		err := b.Scan(s.Partition("count", p), nil, nil, func(key, value []byte) (bool, error) {
			got[fmt.Sprintf("%d/%s", p, key)] = string(value)
			return true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("local state is not the fold of its changelog (-want +got):\n%s", d)
	}
}

func counter() (processors.Stage, error) { return &counting{}, nil }

// TestRunKilledAnywhere kills the step at any moment, in the middle of commits
// too, with a disk that loses what was not synced; the next process has the same
// name, or another, for which the first must be missed first.
func TestRunKilledAnywhere(t *testing.T) {
	for seed := range bustest.Seeds(12) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t, bustest.InMemory(t), 20)
			fs := vfs.NewCrashableMem()
			var other *vfs.MemFS
			for i := range 6 {
				w.feed(t, 3)
				if seed%3 == 1 && i == 3 { // a process that has never been here
					fs, other = vfs.NewCrashableMem(), fs
				}
				if seed%3 == 1 && i == 5 { // the first comes back with its old state
					fs = other
				}
				instance := "a"
				if seed%3 == 2 {
					instance = fmt.Sprint("a", i)
				}
				left, fault := random.IntN(12), bustest.Fault(1+random.IntN(2))
				p := w.start(t, fs, instance, counter, func(int16) bustest.Fault {
					if left--; left < 0 && seed%2 == 0 {
						return fault
					}
					return bustest.None
				}, nil)
				time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
				fs = p.kill(random)
			}
			w.finish(t, w.start(t, fs, "a", counter, nil, nil))
		})
	}
}

// TestRunWhenTheCommitIsInDoubt loses commits on the way there and back, and
// lies about them.
func TestRunWhenTheCommitIsInDoubt(t *testing.T) {
	faults := 0
	for seed := range bustest.Seeds(12) {
		synctest.Test(t, func(t *testing.T) {
			random, lies := rand.New(rand.NewPCG(seed, 2)), rand.New(rand.NewPCG(seed, 5))
			w := newWorld(t, bustest.InMemory(t), 20)
			p := w.start(t, vfs.NewCrashableMem(), "a", counter, func(int16) bustest.Fault {
				if lies.IntN(4) > 0 {
					return bustest.None
				}
				faults++
				return bustest.Fault(1 + lies.IntN(3))
			}, nil)
			for range 12 {
				w.feed(t, 1)
				time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
			}
			w.finish(t, p)
		})
	}
	if faults < 12 {
		t.Errorf("only %d commits went wrong", faults)
	}
}

// TestRunWithAZombie stops one of two processes for longer than it is waited
// for, in the middle of its work, lets the other take everything over, and lets
// the first go on: what it had open has no effect, and it takes its share again.
func TestRunWithAZombie(t *testing.T) {
	for seed := range bustest.Seeds(6) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 3))
			w := newWorld(t, bustest.InMemory(t), 20)
			a := w.start(t, vfs.NewCrashableMem(), "a", counter, nil, nil)
			b := w.start(t, vfs.NewCrashableMem(), "b", counter, nil, nil)
			time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
			for range 4 {
				w.feed(t, 2)
				time.Sleep(time.Duration(random.IntN(10)) * time.Millisecond)
				a.line.Hold()
				w.feed(t, 2)
				time.Sleep(time.Duration(random.IntN(120)) * time.Second)
				w.feed(t, 1)
				a.line.Release()
				time.Sleep(time.Duration(random.IntN(5000)) * time.Millisecond)
			}
			expect(t, w.bus, w.keys, w.round)
			a.stop()
			<-a.done
			w.compare(t, a.fs)
			w.finish(t, b)
		})
	}
}

// ringing counts, for each key, the timers that came, and sets the next.
type ringing struct {
	every time.Duration
	stop  func() // called before a timer is taken
}

func (r *ringing) Process(tx processors.Tx, batch []bus.Record) error {
	for _, x := range batch {
		tx.WakeAt(x.Key, tx.Now().Add(r.every))
	}
	return nil
}

func (r *ringing) Wake(tx processors.Tx, key []byte) error {
	if r.stop != nil {
		r.stop()
	}
	before, err := tx.Get(key)
	if err != nil {
		return err
	}
	n := uint64(1)
	if before != nil {
		n = binary.BigEndian.Uint64(before) + 1
	}
	value := binary.BigEndian.AppendUint64(nil, n)
	tx.Put(key, value)
	tx.Emit(bus.Record{Topic: "out", Partition: bus.ByKey, Key: key, Value: value})
	if n < 6 {
		tx.WakeAt(key, tx.Now().Add(r.every))
	}
	return nil
}

// TestTimersWithAZombie stops a process in the middle of delivering a timer,
// until another has taken over its timers and delivered them, and lets it go on:
// it delivers none of them. It has read no record, so that no offset keeps it
// from committing.
func TestTimersWithAZombie(t *testing.T) {
	all := 0
	for seed := range bustest.Seeds(6) {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			random := rand.New(rand.NewPCG(seed, 4))
			w := newWorld(t, bustest.InMemory(t), 12)
			w.feed(t, 1)
			var a *process
			started := make(chan struct{})
			stops := 0
			stage := func() (processors.Stage, error) {
				return &ringing{20 * time.Second, func() {
					<-started
					mu.Lock()
					stop := time.Duration(0)
					if stops < 3 && random.IntN(3) == 0 {
						stops++
						stop = time.Duration(25+random.IntN(100)) * time.Second
					}
					mu.Unlock()
					if stop > 0 {
						a.line.Hold()
						time.Sleep(stop)
						a.line.Release()
					}
				}}, nil
			}
			a = w.start(t, vfs.NewCrashableMem(), "a", stage, nil, nil)
			close(started)
			b := w.start(t, vfs.NewCrashableMem(), "b", func() (processors.Stage, error) { return &ringing{20 * time.Second, nil}, nil }, nil, nil)
			w.round = 6
			expect(t, w.bus, w.keys, w.round)
			a.stop()
			<-a.done
			w.finish(t, b)
			all += stops
		})
	}
	if all < 6 {
		t.Errorf("stopped only %d times", all)
	}
}

// TestRunForgetsStateThatIsTooOld deletes keys while a process is away for
// longer than tombstones are kept, and compacts them away: the process builds
// its state anew and the keys stay deleted.
func TestRunForgetsStateThatIsTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, bustest.InMemory(t), 10)
		w.feed(t, 3)
		old := vfs.NewCrashableMem()
		a := w.start(t, old, "a", counter, nil, nil)
		w.finish(t, a)
		// Meanwhile another process deletes them all.
		erase := func() (processors.Stage, error) { return erasing{}, nil }
		w.feed(t, 1)
		b := w.start(t, vfs.NewCrashableMem(), "b", erase, nil, nil)
		time.Sleep(time.Minute)
		b.stop()
		<-b.done
		time.Sleep(48 * time.Hour)
		w.kafka.Broker.Cluster().Compact()
		a = w.start(t, old, "a", counter, nil, nil)
		time.Sleep(time.Minute)
		a.stop()
		<-a.done
		w.compare(t, old)
	})
}

type erasing struct{}

func (erasing) Process(tx processors.Tx, batch []bus.Record) error {
	for _, r := range batch {
		tx.Delete(r.Key)
	}
	return nil
}

func (erasing) Wake(processors.Tx, []byte) error { return nil }

func TestRunRefusesUnequalPartitions(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := k.Open(t, nil)
		step := stepOf(counter)
		step.From = append(step.From, "more")
		if err := b.Ensure(t.Context(), append(processors.Specs(step), contract.Spec{Topic: "in"}, contract.Spec{Topic: "more", Partitions: 3})...); err != nil {
			t.Fatal(err)
		}
		err := processors.Run(t.Context(), b, step, processors.Config{Store: store(t), Instance: "a", Metrics: processors.NewMetrics(prometheus.NewRegistry())}, bustest.Logger(t))
		if !errors.Is(err, bus.ErrConfig) {
			t.Errorf("Run = %v, want ErrConfig", err)
		}
	})
}

// TestRunStopsAtWhatCannotBeWritten wants a record that is too large for any topic to
// stop the step: leaving it out would lose it, trying again would never end.
func TestRunStopsAtWhatCannotBeWritten(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		w := newWorld(t, k, 5)
		w.feed(t, 1)
		err := processors.Run(t.Context(), w.bus, stepOf(func() (processors.Stage, error) { return shouting{}, nil }),
			processors.Config{Store: store(t), Instance: "a", Metrics: processors.NewMetrics(prometheus.NewRegistry())}, bustest.Logger(t))
		if !errors.Is(err, bus.ErrTooLarge) || !strings.Contains(err.Error(), `"out"`) {
			t.Errorf("Run = %v, want ErrTooLarge of the topic", err)
		}
		if err := w.bus.Replay(t.Context(), "out", func(bus.Record) error { return io.EOF }); err != nil {
			t.Errorf("something of the transaction is there: %v", err)
		}
	})
}

type shouting struct{}

func (shouting) Process(tx processors.Tx, batch []bus.Record) error {
	for i, r := range batch {
		value := []byte("x")
		if i == len(batch)-1 {
			value = bytes.Repeat(value, 3<<20)
		}
		tx.Emit(bus.Record{Topic: "out", Partition: bus.ByKey, Key: r.Key, Value: value})
	}
	return nil
}

func (shouting) Wake(processors.Tx, []byte) error { return nil }

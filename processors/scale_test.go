package processors_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/state"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// member is a process of a fleet that shares one step, with metrics of its own.
type member struct {
	line *bustest.Line
	reg  *prometheus.Registry
	fs   *vfs.MemFS
	stop context.CancelFunc
	done chan error
}

// join starts a process on the disk fs.
func (w *world) join(t *testing.T, fs *vfs.MemFS, instance string, standby int, clock func() time.Time) *member {
	t.Helper()
	m := &member{line: w.kafka.Line(nil), reg: prometheus.NewRegistry(), fs: fs, done: make(chan error, 1)}
	s, err := state.Open(state.Options{Dir: "state", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	c := w.kafka.Config()
	c.Dialer = m.line.Dial
	b, err := bus.Open(t.Context(), c, bustest.Logger(t), m.reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ctx, stop := context.WithCancel(t.Context())
	m.stop = stop
	go func() {
		err := processors.Run(ctx, b, stepOf(counter), processors.Config{
			Store: s, Instance: instance, MaxRecords: 40, CommitInterval: 5 * time.Millisecond, Standby: standby, Clock: clock, Metrics: processors.NewMetrics(m.reg),
		}, bustest.Logger(t))
		m.done <- errors.Join(err, s.Close())
	}()
	return m
}

// leave ends the process, by its own will or by kill -9.
func (m *member) leave(kill bool) {
	if kill {
		m.line.Cut()
	}
	m.stop()
	<-m.done
}

// metric is the sum of a counter over all its labels.
func (m *member) metric(t *testing.T, name string) float64 {
	t.Helper()
	families, err := m.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, one := range f.GetMetric() {
				sum += one.GetCounter().GetValue() + one.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// TestScaleOut shares eight partitions among one, two and four processes, of
// which some leave, are killed and come back while records flow: the numbers are
// those of one process.
func TestScaleOut(t *testing.T) {
	for _, processes := range []int{1, 2, 4} {
		for seed := range bustest.Seeds(2) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, uint64(processes)))
				w := newWide(t, 40, 8)
				disks := make([]*vfs.MemFS, processes)
				members := make([]*member, processes)
				for i := range members {
					disks[i] = vfs.NewCrashableMem()
					members[i] = w.join(t, disks[i], fmt.Sprint("m", i), int(seed)%2, nil)
					w.feed(t, 2)
					time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
				}
				for range 4 {
					w.feed(t, 3)
					i := random.IntN(processes)
					members[i].leave(random.IntN(2) == 0)
					time.Sleep(time.Duration(random.IntN(25)) * time.Second)
					w.feed(t, 2)
					if random.IntN(2) == 0 {
						disks[i] = vfs.NewCrashableMem()
					}
					members[i] = w.join(t, disks[i], fmt.Sprint("m", i), int(seed)%2, nil)
				}
				time.Sleep(30 * time.Second)
				w.feed(t, 1)
				expect(t, w.bus, w.keys, w.round)
				working := 0
				for _, m := range members {
					if m.metric(t, "yiyuan_bus_commits_total") > 0 {
						working++
					}
					m.leave(false)
				}
				if working < min(processes, 2) {
					t.Errorf("only %d of %d processes had work", working, processes)
				}
			})
		}
	}
}

// newWide is a world of so many partitions.
func newWide(t *testing.T, keys, partitions int) *world {
	t.Helper()
	k := bustest.InMemory(t)
	w := &world{kafka: k, bus: k.Open(t, func(c *bus.Config) { c.Partitions = partitions }), keys: keys, parts: int32(partitions)}
	specs := append(processors.Specs(stepOf(nil)), contract.Spec{Topic: "in"}, contract.Spec{Topic: "out"})
	if err := w.bus.Ensure(t.Context(), specs...); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestStandby kills the process that holds everything. The other one, which has
// kept its state warm, is at work as soon as the group has missed the first, and
// restores the tail only; one that keeps nothing warm restores it all.
func TestStandby(t *testing.T) {
	const keys, rounds = 60, 30
	restored := map[int]float64{}
	for _, standby := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			w := newWide(t, keys, 8)
			first := w.join(t, vfs.NewCrashableMem(), "a", 0, nil)
			w.feed(t, rounds)
			expect(t, w.bus, keys, w.round)
			second := w.join(t, vfs.NewCrashableMem(), "b", standby, nil)
			time.Sleep(30 * time.Second) // the second has its half, and has caught up with the rest
			w.feed(t, 1)
			expect(t, w.bus, keys, w.round)
			before, kept := second.metric(t, "yiyuan_bus_restored_records_total"), second.metric(t, "yiyuan_bus_standby_records_total")
			if (kept > 0) != (standby > 0) {
				t.Errorf("standby %d: %v records kept warm", standby, kept)
			}
			began := time.Now()
			first.leave(true)
			w.feed(t, 1)
			expect(t, w.bus, keys, w.round)
			if took := time.Since(began); took > 20*time.Second { // the session times out after 15 s
				t.Errorf("standby %d: at work again after %v", standby, took)
			}
			restored[standby] = second.metric(t, "yiyuan_bus_restored_records_total") - before
			if left := second.metric(t, "yiyuan_bus_restore_remaining_records"); left != 0 {
				t.Errorf("standby %d: %v records remain after the restore", standby, left)
			}
			second.leave(false)
			w.compare(t, second.fs)
		})
	}
	// A process without standby reads all that was ever written about the keys
	// that were the first's, many times over; one with standby at the most the
	// last round.
	if restored[0] < 2*keys || restored[1] > keys {
		t.Errorf("restored %v records without standby, %v with", restored[0], restored[1])
	}
}

// TestStateIsForgotten leaves a process without some of its partitions: their
// state is kept for their return, and dropped from its disk when it is too old to
// be used.
func TestStateIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		w := newWide(t, 40, 8)
		disk := vfs.NewCrashableMem()
		first := w.join(t, disk, "a", 0, clock)
		w.feed(t, 3)
		expect(t, w.bus, w.keys, w.round)
		second := w.join(t, vfs.NewCrashableMem(), "b", 0, clock)
		time.Sleep(time.Minute)
		w.feed(t, 1)
		expect(t, w.bus, w.keys, w.round)
		first.leave(false)
		if n := positions(t, disk, 8); n != 8 {
			t.Fatalf("state of %d partitions after a rebalance, want all 8 to be kept", n)
		}
		first = w.join(t, disk, "a", 0, clock)
		time.Sleep(time.Minute)
		ahead.Store(int64(21 * time.Hour))
		w.feed(t, 1)
		expect(t, w.bus, w.keys, w.round)
		time.Sleep(2 * time.Minute)
		first.leave(false)
		second.leave(false)
		if n := positions(t, disk, 8); n != 4 {
			t.Errorf("state of %d partitions after a day, want the 4 it holds", n)
		}
	})
}

// positions counts the partitions of which there is state on a disk.
func positions(t *testing.T, disk *vfs.MemFS, partitions int32) (n int) {
	t.Helper()
	s, err := state.Open(state.Options{Dir: "state", FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for p := range partitions {
		if _, _, found, err := s.Partition("count", p).Position(); err != nil {
			t.Fatal(err)
		} else if found {
			n++
		}
	}
	return n
}

// TestRebalanceStorm lets a second process join or leave every two seconds for a
// minute, by its own will or by kill -9, while records flow at a steady rate: a
// fifth of them at least comes through meanwhile, and in the end all do, once.
func TestRebalanceStorm(t *testing.T) {
	const rate, storm, turn = 500 * time.Millisecond, time.Minute, 2 * time.Second
	for _, kill := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWide(t, 40, 8)
			stays := w.join(t, vfs.NewCrashableMem(), "stays", 0, nil)
			w.feed(t, 1)
			expect(t, w.bus, w.keys, w.round)
			disk := vfs.NewCrashableMem()
			var other *member
			before, turned := w.round, time.Now()
			for began := time.Now(); time.Since(began) < storm; time.Sleep(rate) {
				w.feed(t, 1)
				if time.Since(turned) < turn {
					continue
				}
				turned = time.Now()
				if other == nil {
					other = w.join(t, disk, "comes and goes", 0, nil)
				} else {
					other.leave(kill)
					other = nil
				}
			}
			through := 0
			if err := w.bus.Replay(t.Context(), "out", func(bus.Record) error { through++; return nil }); err != nil {
				t.Fatal(err)
			}
			fed := (w.round - before) * w.keys
			through -= before * w.keys
			t.Logf("kill=%v: %d of %d records came through in the storm", kill, through, fed)
			if through*5 < fed {
				t.Errorf("kill=%v: %d of %d records came through in the storm, want a fifth", kill, through, fed)
			}
			if other != nil {
				other.leave(kill)
			}
			expect(t, w.bus, w.keys, w.round)
			stays.leave(false)
		})
	}
}

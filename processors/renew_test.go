package processors_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// dated is counting under a catalogue: it emits each key's number with the
// generation under which it was last computed, once.
type dated struct {
	counting
	generation *atomic.Uint64
	sweeping   func() // nil, or called at each key renewed
}

func (d *dated) Generation(time.Time) []byte {
	return strconv.AppendUint(nil, d.generation.Load(), 10)
}

func (*dated) Renewable() []byte { return []byte("key-") }

func (d *dated) Renew(tx processors.Tx, key []byte) error {
	if d.sweeping != nil {
		d.sweeping()
	}
	number, err := tx.Get(key)
	if err != nil {
		return err
	}
	if number == nil {
		return errors.New("a key to be renewed is not there")
	}
	tx.Emit(bus.Record{
		Topic: "renewed", Partition: bus.ByKey, Key: append([]byte(nil), key...),
		Value: append(binary.BigEndian.AppendUint64(nil, d.generation.Load()), number...),
	})
	return nil
}

// TestRenewExactlyOnce changes the generation over many keys while records
// flow, and kills the process again and again in the middle of renewing: every
// key is renewed once under each generation, and no number is lost or doubled.
func TestRenewExactlyOnce(t *testing.T) {
	killed := 0
	for seed := range bustest.Seeds(2) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 11))
			w := newWorld(t, bustest.InMemory(t), 1000)
			if err := w.bus.Ensure(t.Context(), contract.BusSpec, contract.Spec{Topic: "renewed"}); err != nil {
				t.Fatal(err)
			}
			w.feed(t, 1)
			var generation atomic.Uint64
			generation.Store(1)
			var left atomic.Int64
			started := make(chan struct{}, 10_000)
			stage := func() (processors.Stage, error) {
				return &dated{generation: &generation, sweeping: func() {
					if left.Add(-1) == 0 {
						started <- struct{}{}
					}
				}}, nil
			}
			fs := vfs.NewCrashableMem()
			p := w.start(t, fs, "a", stage, nil, nil)
			expect(t, w.bus, w.keys, w.round)
			p.stop()
			<-p.done
			for g := uint64(2); g < 3; g++ {
				generation.Store(g)
				for range 3 {
					left.Store(int64(1 + random.IntN(300)))
					p = w.start(t, fs, "a", stage, nil, nil)
					w.feed(t, 1)
					select {
					case <-started:
						time.Sleep(time.Duration(random.IntN(15)) * time.Millisecond)
						killed++
					case <-time.After(5 * time.Second): // all of it is renewed
					}
					fs = p.kill(random)
				}
				p = w.start(t, fs, "a", stage, nil, nil)
				time.Sleep(10 * time.Second)
				p.stop()
				<-p.done
				renewed(t, w, g)
			}
			w.finish(t, w.start(t, fs, "a", stage, nil, nil))
		})
	}
	if killed < 3 {
		t.Errorf("killed only %d times in the middle", killed)
	}
}

// toldWhole wants every partition to be told of as wholly of the last generation.
func toldWhole(t *testing.T, w *world, last uint64) {
	t.Helper()
	told := map[int32]string{}
	err := w.bus.Replay(t.Context(), contract.Bus, func(r bus.Record) error {
		said, ok, err := contract.ParseRenewed(r.Key, r.Value)
		if err != nil || !ok || said.Step == "" {
			t.Errorf("told by %q: %q: %v", r.Key, r.Value, err)
		}
		told[said.Partition] = said.Catalogue
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	partitions, err := w.bus.Partitions(t.Context(), "in")
	if err != nil {
		t.Fatal(err)
	}
	for p := range partitions {
		if want := strconv.FormatUint(last, 10); told[int32(p)] != want {
			t.Errorf("partition %d is told to be whole under %q, want %q", p, told[int32(p)], want)
		}
	}
}

// renewed wants every key under every generation from 2 to last exactly once.
func renewed(t *testing.T, w *world, last uint64) {
	t.Helper()
	seen := map[string]int{}
	err := w.bus.Replay(t.Context(), "renewed", func(r bus.Record) error {
		seen[fmt.Sprintf("%s under %d", r.Key, binary.BigEndian.Uint64(r.Value))]++
		return nil
	})
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	toldWhole(t, w, last)
	for g := uint64(2); g <= last; g++ {
		for k := range w.keys {
			name := fmt.Sprintf("key-%d under %d", k, g)
			if seen[name] != 1 {
				t.Fatalf("%s was renewed %d times", name, seen[name])
			}
		}
	}
}

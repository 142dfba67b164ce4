package processors

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// TestHandedOver has one worker commit a transaction and stand still before it
// stores its state. Meanwhile another one of the process takes the partition
// over: what the first then stores, and what a standby brings, has no effect.
func TestHandedOver(t *testing.T) {
	s, err := state.Open(state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cfg := Config{Store: s, Clock: time.Now, Metrics: NewMetrics(prometheus.NewRegistry())}
	held := newHoldings(time.Now())
	step := Step{Name: "step", Stage: func() (Stage, error) { return idle{}, nil }}
	first, err := newWorker(step, cfg, held)
	if err != nil {
		t.Fatal(err)
	}
	second, err := newWorker(step, cfg, held)
	if err != nil {
		t.Fatal(err)
	}
	warm := newStandby("step", cfg, held, 1)
	record := func(value string) []bus.Record { return []bus.Record{{Key: []byte("key"), Value: []byte(value)}} }
	want := func(value string, at int64) {
		t.Helper()
		got, _, err := s.Partition("step", 0).Get(nil, []byte("key"))
		offset, _, _, err2 := s.Partition("step", 0).Position()
		if err := errors.Join(err, err2); err != nil || string(got) != value || offset != at {
			t.Errorf("state is %q at %d, %v, want %q at %d", got, offset, err, value, at)
		}
	}

	if _, err := warm.Position(0); err != nil {
		t.Fatal(err)
	}
	if err := warm.Apply(0, record("kept warm"), 5, false); err != nil {
		t.Fatal(err)
	}
	want("kept warm", 5)
	if at, err := first.Position(0); at != 5 || err != nil {
		t.Fatalf("Position = %d, %v", at, err)
	}
	if err := warm.Apply(0, record("too late"), 6, false); !errors.Is(err, engine.ErrHandedOver) {
		t.Errorf("Apply to a worker's partition = %v, want ErrHandedOver", err)
	}
	if _, _, err := first.open().Set(first.partition(0).state, []byte("key"), []byte("committed, not stored")); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Position(0); err != nil {
		t.Fatal(err)
	}
	if err := second.Apply(0, record("committed after that"), 9, false); err != nil {
		t.Fatal(err)
	}
	if err := first.Commit(map[int32]int64{0: 7}); !errors.Is(err, engine.ErrHandedOver) {
		t.Errorf("Commit of a partition handed over = %v, want ErrHandedOver", err)
	}
	if err := errors.Join(first.Apply(0, record("x"), 8, false), first.Reset(0)); !errors.Is(err, engine.ErrHandedOver) {
		t.Errorf("Apply and Reset = %v, want ErrHandedOver", err)
	}
	want("committed after that", 9)
	first.Release() // of what is not its own any more
	if err := second.Apply(0, record("still its own"), 10, false); err != nil {
		t.Errorf("Apply = %v", err)
	}
	second.Release()
	if err := warm.Apply(0, record("warm again"), 11, false); err != nil {
		t.Errorf("Apply to a free partition = %v", err)
	}
	want("warm again", 11)
}

type idle struct{}

func (idle) Process(Tx, []bus.Record) error { return nil }

func (idle) Wake(Tx, []byte) error { return nil }

// TestResetForgetsWhatWaits: records that a restore has taken in and not stored yet are of
// the state that is forgotten, and do not come back into the one that is built then.
func TestResetForgetsWhatWaits(t *testing.T) {
	s, err := state.Open(state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := newRestorer("step", Config{Store: s, Clock: time.Now}, newHoldings(time.Now()), nil)
	if _, err := r.Position(0); err != nil {
		t.Fatal(err)
	}
	many := []bus.Record{{Key: []byte("old"), Value: make([]byte, manyBytes)}}
	if err := errors.Join(r.Apply(0, many, 1, true), r.Reset(0), r.Apply(0, []bus.Record{{Key: []byte("new"), Value: []byte("1")}}, 1, false)); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"old": "", "new": "1"} {
		if got, _, err := s.Partition("step", 0).Get(nil, []byte(key)); string(got) != want || err != nil {
			t.Errorf("%s is %d bytes, %v, want %q", key, len(got), err, want)
		}
	}
}

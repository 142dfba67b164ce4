package fold_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/fold"
	"github.com/yiyuan-bus/yiyuan/gateway/refusal"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// tape is a bus on which each reading of a topic gives what is on it, one record at a
// time, and then fails if it is one of the first that do.
type tape struct {
	records map[contract.Topic][]bus.Record
	fails   map[contract.Topic]int

	mu   sync.Mutex
	read map[contract.Topic]int
}

var errAway = errors.New("bus is away")

func (b *tape) Follow(ctx context.Context, cfg bus.FollowConfig, fn func(context.Context, []bus.Record) error) error {
	topic := cfg.Topics[0]
	b.mu.Lock()
	b.read[topic]++
	times := b.read[topic]
	b.mu.Unlock()
	for i := range b.records[topic] {
		if err := fn(ctx, b.records[topic][i:i+1]); err != nil {
			return err
		}
	}
	if times <= b.fails[topic] {
		return errAway
	}
	<-ctx.Done()
	return ctx.Err()
}

// follow reads for a minute, and returns what was counted and said.
func follow(t *testing.T, b *tape, folds ...fold.Fold) (reg *prometheus.Registry, said string) {
	t.Helper()
	var text bytes.Buffer
	reg, b.read = prometheus.NewRegistry(), map[contract.Topic]int{}
	log := slog.New(slog.NewTextHandler(&text, nil))
	synctest.Test(t, func(t *testing.T) {
		r := &fold.Reader{Bus: b, Codec: codec.New(codec.NewMemory()), Guard: fold.NewGuard(log, reg), Logger: log}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Follow(ctx, folds) }()
		<-time.After(time.Minute)
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("following ended: %v", err)
		}
	})
	return reg, text.String()
}

// counted compares how many records were left aside, by view and reason.
func counted(t *testing.T, reg *prometheus.Registry, want ...string) {
	t.Helper()
	const name = "yiyuan_gateway_skipped_total"
	text := "# HELP " + name + " 未能装入的记录数：没有版本、过大、无法解读，或处理时程序 panic。 / Records that could not be taken: no version, too large, unreadable, or the program panicked on them.\n# TYPE " + name + " counter\n"
	for _, line := range want {
		text += name + line + "\n"
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(text), name); err != nil {
		t.Error(err)
	}
}

func record(topic contract.Topic, offset int64, key, value string) bus.Record {
	r := bus.Record{Topic: topic, Offset: offset, Key: []byte(key)}
	if value != "" {
		r.Value = []byte(value)
	}
	return r
}

// A record on which a projection panics is left aside, counted, and told of by its
// place: it ends nothing, those behind it are taken, and nothing of what it holds is
// shown.
func TestNoRecordEndsTheGateway(t *testing.T) {
	const secret = "539902198503120013"
	marks := refusal.NewMarks(refusal.NewBook(0), nil, time.Hour, time.Hour)
	refused := marks.Fold()
	begin := refused.Reset
	refused.Layout, refused.Reset = nil, func() { begin(); marks.Book = nil } // so that every mark panics
	b := &tape{records: map[contract.Topic][]bus.Record{
		contract.Findings: {record(contract.Findings, 6, "a", "1"), record(contract.Findings, 7, secret, "2"), record(contract.Findings, 8, "b", "3")},
		contract.Refused:  {record(contract.Refused, 1, strings.Repeat("ab", 16), "")},
	}}
	var taken []string
	reg, said := follow(t, b, refused, fold.Fold{Topic: contract.Findings, Put: func(r *bus.Record, _ schemas.Record) error {
		if string(r.Key) == secret {
			panic("no row of " + string(r.Key))
		}
		taken = append(taken, string(r.Key))
		return nil
	}})
	if fmt.Sprint(taken) != "[a b]" {
		t.Errorf("%v were taken of the two that can be", taken)
	}
	counted(t, reg, `{reason="panicked",view="findings"} 1`, `{reason="panicked",view="refused"} 1`)
	if strings.Contains(said, secret) || !strings.Contains(said, "offset=7") || !strings.Contains(said, "fold_test.go") {
		t.Errorf("the log says %s", said)
	}
}

// Projections of one topic share its reading: every one is given every record, in the
// order of the topic and of the list, whatever the others make of it.
func TestProjectionsOfOneTopic(t *testing.T) {
	b := &tape{records: map[contract.Topic][]bus.Record{"orders": {record("orders", 1, "a", "1"), record("orders", 2, "b", "2"), record("orders", 3, "a", "")}}}
	var did []string
	one := func(name string, put func(key string) error) fold.Fold {
		return fold.Fold{
			Topic: "orders",
			Put: func(r *bus.Record, _ schemas.Record) error {
				did = append(did, name+"+"+string(r.Key))
				return put(string(r.Key))
			},
			Delete: func(key string) { did = append(did, name+"-"+key) },
		}
	}
	reg, _ := follow(t, b,
		one("1", func(string) error { panic("of everything") }),
		one("2", func(key string) error {
			if key == "b" {
				return errors.New("cannot be read")
			}
			return nil
		}),
		one("3", func(string) error { return nil }),
	)
	if got, want := strings.Join(did, " "), "1+a 2+a 3+a 1+b 2+b 3+b 1-a 2-a 3-a"; got != want {
		t.Errorf("they were given %s, want %s", got, want)
	}
	if b.read["orders"] != 1 {
		t.Errorf("the topic was read %d times", b.read["orders"])
	}
	counted(t, reg, `{reason="panicked",view="orders"} 2`, `{reason="unreadable",view="orders"} 1`)
}

// place counts what it is told.
type place struct {
	came, took, tended int
	anew               bool // the first reading is ended
}

func (p *place) Came()            { p.came++ }
func (p *place) Took(*bus.Record) { p.took++ }
func (p *place) Tend(ctx context.Context) error {
	p.tended++
	if p.anew {
		p.anew = false
		return fold.ErrAnew
	}
	<-ctx.Done()
	return ctx.Err()
}

// When the bus fails, and when a projection asks for it, a topic is read again from
// its start: what is said to be reset is, all the rest stays in force meanwhile.
func TestReadAgain(t *testing.T) {
	b := &tape{
		records: map[contract.Topic][]bus.Record{"orders": {record("orders", 1, "a", "1")}, "bills": {record("bills", 1, "a", "1")}},
		fails:   map[contract.Topic]int{"orders": 2},
	}
	resets, kept, counts := 0, map[string]bool{}, 0
	p := &place{anew: true}
	_, said := follow(t, b,
		fold.Fold{Topic: "orders", Reset: func() { resets++; counts = 0 }, Put: func(*bus.Record, schemas.Record) error { counts++; return nil }},
		fold.Fold{Topic: "orders", Put: func(r *bus.Record, _ schemas.Record) error { kept[string(r.Key)] = true; return nil }},
		fold.Fold{Topic: "bills", Place: p, Put: func(*bus.Record, schemas.Record) error { return nil }},
	)
	if b.read["orders"] != 3 || resets != 3 || counts != 1 || !kept["a"] {
		t.Errorf("read %d times, reset %d times, %d counted, kept %v", b.read["orders"], resets, counts, kept)
	}
	if strings.Count(said, "cannot be followed") != 2 || strings.Contains(said, "bills") {
		t.Errorf("the log says %s", said)
	}
	if b.read["bills"] != 2 || p.tended != 2 || p.came != 2 || p.took != 2 {
		t.Errorf("read anew: %d readings, tended %d times, told %d and %d times", b.read["bills"], p.tended, p.came, p.took)
	}
}

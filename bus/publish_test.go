package bus_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

func ensure(t *testing.T, b *bus.Bus) {
	t.Helper()
	if err := b.Ensure(t.Context(), contract.Spec{Topic: contract.Raw("T")}, contract.Spec{Topic: contract.Sources, Compact: true}); err != nil {
		t.Fatal(err)
	}
}

// batch is what a source reads after a position: three rows.
func batch(position string) ([]bus.Record, string) {
	n, _ := strconv.Atoi(position) // "" is 0
	var records []bus.Record
	for i := n + 1; i <= n+3; i++ {
		records = append(records, bus.Record{Topic: contract.Raw("T"), Partition: bus.ByKey, Key: strconv.AppendInt(nil, int64(i), 10), Value: []byte("v")})
	}
	return records, strconv.Itoa(n + 3)
}

// publish publishes up to the position, opening a new publisher whenever one is
// lost, as connectors do.
func publish(ctx context.Context, b *bus.Bus, until string) (opened int, err error) {
	for {
		p, err := b.Publisher(ctx, "s")
		if err != nil {
			if ctx.Err() != nil {
				return opened, err
			}
			time.Sleep(100 * time.Millisecond) // of the bubble's clock
			continue
		}
		opened++
		for err == nil && p.Position() != until {
			records, after := batch(p.Position())
			err = p.Publish(ctx, records, contract.SourceStatus{Position: after, State: "running"})
		}
		p.Close()
		if err == nil {
			return opened, nil
		}
		if !errors.Is(err, bus.ErrPublisherLost) {
			return opened, err
		}
	}
}

func keys(t *testing.T, b *bus.Bus, topic contract.Topic) map[string]int {
	t.Helper()
	seen := map[string]int{}
	if err := b.Replay(t.Context(), topic, func(r bus.Record) error { seen[string(r.Key)]++; return nil }); err != nil {
		t.Fatal(err)
	}
	return seen
}

func once(t *testing.T, b *bus.Bus, n int) {
	t.Helper()
	seen := keys(t, b, contract.Raw("T"))
	for i := 1; i <= n; i++ {
		if got := seen[strconv.Itoa(i)]; got != 1 {
			t.Errorf("row %d is there %d times", i, got)
		}
	}
	if len(seen) != n {
		t.Errorf("%d rows, want %d", len(seen), n)
	}
}

// TestPublishWhenTheCommitIsInDoubt makes commits get lost on the way there and
// back, and lies about them: each row is there once all the same.
func TestPublishWhenTheCommitIsInDoubt(t *testing.T) {
	faults := 0
	for seed := range bustest.Seeds(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			k := bustest.InMemory(t)
			ensure(t, k.Open(t, nil))
			line := k.Line(func(int16) bustest.Fault {
				if random.IntN(3) > 0 {
					return bustest.None
				}
				faults++
				return bustest.Fault(1 + random.IntN(3))
			})
			b := k.Open(t, func(c *bus.Config) { c.Dialer = line.Dial })
			if _, err := publish(t.Context(), b, "60"); err != nil {
				t.Fatal(err)
			}
			once(t, k.Open(t, nil), 60)
		})
	}
	if faults < 20 {
		t.Errorf("only %d commits went wrong", faults)
	}
}

// TestPublishAfterACrash kills the publishing process at any moment; the next
// one goes on from the position.
func TestPublishAfterACrash(t *testing.T) {
	for seed := range bustest.Seeds(12) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 2))
			k := bustest.InMemory(t)
			ensure(t, k.Open(t, nil))
			for range 5 {
				ctx, stop := context.WithCancel(t.Context())
				line := k.Line(nil)
				if seed%2 == 0 { // in the middle of the nth commit, too
					left, fault := random.IntN(8), bustest.Fault(1+random.IntN(2))
					line.Judge = func(int16) bustest.Fault {
						if left--; left < 0 {
							go line.Cut()
							return fault
						}
						return bustest.None
					}
				}
				b := k.Open(t, func(c *bus.Config) { c.Dialer = line.Dial })
				done := make(chan struct{})
				go func() { defer close(done); _, _ = publish(ctx, b, "90") }()
				time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
				line.Cut()
				stop()
				<-done
			}
			b := k.Open(t, nil)
			if _, err := publish(t.Context(), b, "90"); err != nil {
				t.Fatal(err)
			}
			once(t, b, 90)
		})
	}
}

func TestPublisherFencesItsElder(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := k.Open(t, nil)
		ensure(t, b)
		elder, err := b.Publisher(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		defer elder.Close()
		records, after := batch("")
		if err := elder.Publish(t.Context(), records, contract.SourceStatus{Position: after, Rows: 3, Datasets: []string{"T"}}); err != nil {
			t.Fatal(err)
		}
		other, err := b.Publisher(t.Context(), "another")
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		younger, err := b.Publisher(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		defer younger.Close()
		if got := younger.Status(); got.Position != "3" || got.Rows != 3 || other.Position() != "" {
			t.Errorf("status = %+v, the other's position %q", got, other.Position())
		}
		records, after = batch(elder.Position())
		if err := elder.Publish(t.Context(), records, contract.SourceStatus{Position: after}); !errors.Is(err, bus.ErrPublisherLost) {
			t.Errorf("the elder's Publish = %v, want ErrPublisherLost", err)
		}
		// The elder's last words may reach the broker beside the younger's first
		// and cost it its transaction. It then is lost too, and says so: its owner
		// opens another, which knows what was published.
		for err := younger.Publish(t.Context(), records, contract.SourceStatus{Position: after}); err != nil; {
			if !errors.Is(err, bus.ErrPublisherLost) {
				t.Fatal(err)
			}
			again, failed := b.Publisher(t.Context(), "s")
			if failed != nil {
				t.Fatal(failed)
			}
			t.Cleanup(again.Close)
			if err = nil; again.Position() != after {
				err = again.Publish(t.Context(), records, contract.SourceStatus{Position: after})
			}
		}
		once(t, b, 6)
	})
}

func TestPublishTooLarge(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := k.Open(t, nil)
		ensure(t, b)
		p, err := b.Publisher(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		records, after := batch("")
		huge := append(records, bus.Record{Topic: contract.Raw("T"), Partition: bus.ByKey, Key: []byte("huge"), Value: bytes.Repeat([]byte("x"), 3<<20)})
		if err := p.Publish(t.Context(), huge, contract.SourceStatus{Position: after}); !errors.Is(err, bus.ErrTooLarge) || errors.Is(err, bus.ErrPublisherLost) {
			t.Fatalf("Publish = %v, want ErrTooLarge and a publisher that lives", err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Publish(gone, records, contract.SourceStatus{Position: after}); !errors.Is(err, context.Canceled) || errors.Is(err, bus.ErrPublisherLost) {
			t.Fatalf("Publish = %v, want the context's error and a publisher that lives", err)
		}
		if p.Position() != "" {
			t.Errorf("position %q after nothing was published", p.Position())
		}
		if err := p.Publish(t.Context(), records, contract.SourceStatus{Position: after}); err != nil {
			t.Fatal(err)
		}
		once(t, b, 3)
	})
}

// TestReplayIsWhole replays while a publisher publishes: no row comes twice.
func TestReplayIsWhole(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := k.Open(t, nil)
		ensure(t, b)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan error, 1)
		go func() { _, err := publish(ctx, b, "600"); done <- err }()
		for range 10 {
			seen := keys(t, b, contract.Raw("T"))
			for i := range 200 {
				first := seen[strconv.Itoa(3*i+1)]
				for j := 2; j <= 3; j++ {
					if n := seen[strconv.Itoa(3*i+j)]; n > 1 {
						t.Fatalf("row %d is there %d times", 3*i+j, n)
					}
				}
				if first > 1 {
					t.Fatalf("row %d is there %d times", 3*i+1, first)
				}
			}
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		once(t, b, 600)
	})
}

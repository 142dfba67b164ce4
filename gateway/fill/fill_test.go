package fill

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// shelf is a bus of two topics that end behind a marker, of whose records nothing is
// shown beyond stable.
type shelf struct {
	Bus
	mu     sync.Mutex
	stable int64
}

const shelfEnd = 3

func (s *shelf) EndOffsets(_ context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	return each(topics, func(contract.Topic) int64 { return shelfEnd }), nil
}

func (s *shelf) StableOffsets(_ context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return each(topics, func(t contract.Topic) int64 {
		if t == "held" {
			return s.stable
		}
		return shelfEnd
	}), nil
}

func (s *shelf) Follow(ctx context.Context, _ bus.FollowConfig, _ func(context.Context, []bus.Record) error) error {
	<-ctx.Done()
	return ctx.Err()
}

func each(topics []contract.Topic, at func(contract.Topic) int64) map[contract.Topic]map[int32]int64 {
	out := map[contract.Topic]map[int32]int64{}
	for _, t := range topics {
		out[t] = map[int32]int64{0: at(t)}
	}
	return out
}

// seals is a cache that remembers when a view was declared complete.
type seals struct {
	Cache
	mu   sync.Mutex
	when map[string]time.Time
}

func (s *seals) Current(context.Context) (store.Generation, error) { return "1", nil }

func (s *seals) Progress(_ context.Context, _ store.Generation, views []string) (map[string]store.Progress, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]store.Progress{}
	for _, id := range views {
		_, ready := s.when[id]
		out[id] = store.Progress{Ready: ready}
	}
	return out, nil
}

func (s *seals) Seal(_ context.Context, _ store.Generation, view string, _ map[int32]int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.when[view] = time.Now()
	return nil
}

func (s *seals) sealed() map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.when)
}

// A transaction that its owner has left open over a shared topic hides what is
// committed behind it, for as long as the owner asked the broker for: no time of ours
// makes the view complete before it is decided, and then the view is, at once.
func TestAnOpenTransactionHoldsUpItsViewAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		held, cache := &shelf{stable: 1}, &seals{when: map[string]time.Time{}}
		f, err := New(Parts{Logger: slog.New(slog.DiscardHandler), Bus: held, Cache: cache, Views: map[string]*view.View{
			"held": {View: &schemas.View{ID: "held"}, Topic: "held"}, "free": {View: &schemas.View{ID: "free"}, Topic: "free"},
		}}, prometheus.NewRegistry()).next(ctx, "1")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- f.run(ctx, true) }()
		<-time.After(time.Hour)
		if got := cache.sealed(); len(got) != 1 || got["free"].IsZero() {
			t.Errorf("an hour into a transaction over one topic %v are complete, want the other's view", got)
		}
		decided := time.Now()
		held.mu.Lock()
		held.stable = shelfEnd
		held.mu.Unlock()
		select {
		case <-f.whole:
		case <-time.After(time.Minute):
			t.Fatal("it is decided, and a minute later the view is not complete")
		}
		if after := cache.sealed()["held"].Sub(decided); after > 2*time.Second {
			t.Errorf("the view is complete %s after all was decided", after)
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

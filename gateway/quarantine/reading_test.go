package quarantine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/quarantine"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// ends are where the topic ends, and up to where all of it is decided.
type ends struct{ end, stable atomic.Int64 }

func (e *ends) EndOffsets(context.Context, ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	return map[contract.Topic]map[int32]int64{contract.Quarantine: {0: e.end.Load()}}, nil
}

func (e *ends) StableOffsets(context.Context, ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	return map[contract.Topic]map[int32]int64{contract.Quarantine: {0: e.stable.Load()}}, nil
}

// Nothing is listed before everything is read that was in the topic when the reading began:
// not while records come, nor while an open transaction may hide some; but the end of a
// transaction, which is no record, is not waited for.
func TestNotLoadedBeforeItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := &ends{}
		topic.end.Store(5)
		topic.stable.Store(3)
		b := quarantine.NewBook(0, time.Now)
		fold := quarantine.NewReading(b, topic, 50*time.Millisecond).Fold()
		loaded := func(when string, want bool) {
			t.Helper()
			if _, err := b.List(quarantine.Filter{Limit: 1}); errors.Is(err, quarantine.ErrNotLoaded) == want {
				t.Errorf("%s: %v", when, err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		fold.Reset()
		go func() { done <- fold.Place.Tend(ctx) }()
		pause := func(d time.Duration) {
			<-time.After(d)
			synctest.Wait()
		}
		fold.Place.Came()
		pause(time.Minute)
		loaded("records have come and are not put yet", false)
		b.Put(quarantine.Place{Taken: time.Now(), Offset: 2}, contract.Rejection{Dataset: "A01"})
		fold.Place.Took(&bus.Record{Offset: 2})
		pause(time.Minute)
		loaded("a transaction is open behind what was read", false)
		topic.stable.Store(5)
		pause(time.Second)
		loaded("what is left is the end of a transaction", true)
		topic.end.Store(9)
		topic.stable.Store(9)
		fold.Place.Took(&bus.Record{Offset: 3})
		pause(time.Second)
		loaded("more has come since", true)
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("tending ended: %v", err)
		}
	})
}

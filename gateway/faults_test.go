package gateway_test

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// appender is the bus, whose Append can be made to fail or wait.
type appender struct {
	*bus.Bus
	fail  atomic.Bool
	tries atomic.Int64 // appends that were tried
	hold  atomic.Pointer[chan struct{}]

	refused atomic.Int64                       // times that the topic of refused rows was begun to be read
	cut     atomic.Pointer[context.CancelFunc] // ends that reading, as a broker that goes away does
	away    atomic.Pointer[chan struct{}]      // until when it cannot be read

	last atomic.Pointer[chan struct{}] // told when the one view that is not complete is looked at
}

var errAppend = errors.New("broker is away")

func (a *appender) Append(ctx context.Context, records ...bus.Record) error {
	a.tries.Add(1)
	if hold := a.hold.Load(); hold != nil {
		<-*hold
	}
	if a.fail.Load() {
		return errAppend
	}
	return a.Bus.Append(ctx, records...)
}

func (a *appender) Follow(ctx context.Context, cfg bus.FollowConfig, fn func(ctx context.Context, records []bus.Record) error) error {
	if cfg.Topics[0] != contract.Refused {
		return a.Bus.Follow(ctx, cfg, fn)
	}
	away := a.away.Load()
	a.refused.Add(1)
	if away != nil {
		select {
		case <-*away:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	reading, cut := context.WithCancel(ctx)
	defer cut()
	a.cut.Store(&cut)
	if err := a.Bus.Follow(reading, cfg, fn); ctx.Err() != nil {
		return err
	}
	return errAppend
}

func (a *appender) StableOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	out, err := a.Bus.StableOffsets(ctx, topics...)
	if last := a.last.Load(); last != nil && len(topics) == 1 {
		select {
		case *last <- struct{}{}:
		default:
		}
	}
	return out, err
}

// judge says that Kafka answers until it is told otherwise.
type judge struct{ away atomic.Bool }

func (j *judge) Away() (since time.Time, away bool) {
	return time.Now().Add(-time.Minute), j.away.Load()
}
func (j *judge) Reached(context.Context) bool { return !j.away.Load() }

// arriving are catalogues that come into force while the gateway runs, nil for one that it
// cannot read.
type arriving chan *schemas.Catalogue

// Follow implements gateway.Successors.
func (a arriving) Follow(ctx context.Context, took func(version string, next *schemas.Catalogue)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case next := <-a:
			version := "unreadable"
			if next != nil {
				version = next.Version
			}
			took(version, next)
		}
	}
}

// pausing is a cache one of whose reads can be held up between what it has read
// and its return.
type pausing struct {
	store.Cache
	next atomic.Pointer[pause]
}

// pause is one read that waits: has read, may go on.
type pause struct{ read, goOn chan struct{} }

// Get implements store.Store.
func (c *pausing) Get(ctx context.Context, view string, keys []store.Digest, into []store.Stored, reserve *quota.Reservation) error {
	var held *pause
	if len(keys) > 0 && keys[0] != (store.Digest{}) { // not the gateway's own look whether the cache answers
		held = c.next.Swap(nil)
	}
	err := c.Cache.Get(ctx, view, keys, into, reserve)
	if held != nil {
		close(held.read)
		<-held.goOn
	}
	return err
}

package simulation

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// What two applications may use up, over all gateways: the counter asks for records, the
// prober verifies what is never so.
const counted = 24 // records a minute

// budgets are how many verifications may be answered with no: of the application and
// about one subject. Which of a minute, an hour and a day is the tightest the seed says.
func (w *world) budgets() (app, target quota.Limits) {
	target = []quota.Limits{{Minute: 3, Hour: 5, Day: 7}, {Minute: 5, Hour: 3, Day: 7}, {Minute: 5, Hour: 7, Day: 3}}[w.seed%3]
	return quota.Limits{Minute: 3 * target.Minute / 2, Hour: 3 * target.Hour / 2, Day: 3 * target.Day / 2}, target
}

// press lets the counter and the prober ask for more than they have, all at once, now and
// then, while two gateways answer; in one run of four, and in those of mutants that want
// it.
func (w *world) press(ctx context.Context) {
	r := w.stream(9)
	if pressing := w.mutant.pressing || w.mutant.name == "" && r.IntN(4) == 0; !pressing {
		return
	}
	if w.processes["follower"] == nil {
		w.start("follower", "gw", w.runGateway)
	}
	w.asking.Go(func() { w.keepPressing(ctx, r) })
}

func (w *world) keepPressing(ctx context.Context, r *rand.Rand) {
	for range 2 + r.IntN(2) {
		wait(ctx, time.Duration(500+r.IntN(2500))*time.Millisecond)
		if ctx.Err() != nil {
			return
		}
		w.history.fire("gw.pressed")
		w.burst(ctx, r)
	}
}

// burst is one time of pressing.
func (w *world) burst(ctx context.Context, r *rand.Rand) {
	ctx = context.WithoutCancel(ctx)
	subjects := people[:2]
	for range 10 + r.IntN(20) {
		key := people[r.IntN(len(people))]
		w.asking.Go(func() { w.ask(ctx, question{app: "counter", view: "person.partial", key: key}) })
	}
	for range 6 + r.IntN(10) {
		key := subjects[r.IntN(len(subjects))]
		w.asking.Go(func() {
			w.ask(ctx, question{app: "prober", view: "person.verify", key: key, verify: map[string]string{"XM": "无此人", "LXDH": "19800000000"}})
		})
	}
}

// apart is a cache in which each process has budgets and quotas of its own.
type apart struct {
	store.Cache
	mark byte
}

func (c apart) own(k quota.Key) quota.Key {
	k[0] ^= c.mark
	return k
}

func (c apart) ownTry(t *quota.Try) *quota.Try {
	if t == nil {
		return nil
	}
	own := *t
	own.App, own.Target = c.own(t.App), c.own(t.Target)
	return &own
}

// Get implements store.Store.
func (c apart) Get(ctx context.Context, view string, keys []store.Digest, into []store.Stored, reserve *quota.Reservation) error {
	if reserve == nil {
		return c.Cache.Get(ctx, view, keys, into, nil)
	}
	own := *reserve
	own.Try, own.Takes = c.ownTry(reserve.Try), slices.Clone(reserve.Takes)
	for i := range own.Takes {
		own.Takes[i].Key = c.own(own.Takes[i].Key)
	}
	err := c.Cache.Get(ctx, view, keys, into, &own)
	own.Try, own.Takes = reserve.Try, reserve.Takes
	*reserve = own
	return err
}

// Settle implements quota.Store.
func (c apart) Settle(ctx context.Context, t *quota.Try, o quota.Outcome) error {
	return c.Cache.Settle(ctx, c.ownTry(t), o)
}

// GiveBack implements quota.Store.
func (c apart) GiveBack(ctx context.Context, unused []quota.Took) error {
	own := slices.Clone(unused)
	for i := range own {
		own[i].Key = c.own(own[i].Key)
	}
	return c.Cache.GiveBack(ctx, own)
}

// misses are verifications that were answered with no, as the mutant counts them that
// looks first and counts later.
type misses struct {
	mu sync.Mutex
	of map[quota.Key]int
}

// looking is a cache that reserves nothing: it looks whether there is room.
type looking struct {
	store.Cache
	misses *misses
}

// Get implements store.Store.
func (c looking) Get(ctx context.Context, view string, keys []store.Digest, into []store.Stored, reserve *quota.Reservation) error {
	if reserve == nil || reserve.Try == nil {
		return c.Cache.Get(ctx, view, keys, into, reserve)
	}
	t := reserve.Try
	c.misses.mu.Lock()
	reserve.Made, reserve.Tried = true, quota.Allowed
	if full := t.PerTarget; c.misses.of[t.Target] >= min(full.Minute, full.Hour, full.Day) {
		reserve.Tried, reserve.TryWait = quota.Stopped, time.Second
	}
	c.misses.mu.Unlock()
	return c.Cache.Get(ctx, view, keys, into, nil)
}

// Settle implements quota.Store.
func (c looking) Settle(_ context.Context, t *quota.Try, o quota.Outcome) error {
	c.misses.mu.Lock()
	defer c.misses.mu.Unlock()
	if o == quota.Missed {
		c.misses.of[t.Target]++
	}
	return nil
}

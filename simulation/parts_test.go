package simulation

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/redis"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// stateDir is where a process keeps its state on its disk.
const stateDir = "state"

// runConnectors is a process with the sources of all departments.
func (w *world) runConnectors(ctx context.Context, l *life) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, d := range w.departments {
		cfg := connectors.Config{
			Name: d.name, Kind: "simulated", Datasets: d.datasets, Logger: w.log, Keys: w.city.keys[l.ring], Metrics: l.metrics, Catalogue: w.city.catalogues[l.version],
		}
		hook := func(point string) {
			if w.armed.reach(l, point) {
				go l.kill()
			}
		}
		open := d.open(1+int(w.seed%7), hook, w.mutant)
		cfg.Tell = func(told connectors.Told) { w.operator.hear(d.name, told) }
		group.Go(func() error { return l.keepReading(ctx, cfg, open) })
	}
	return group.Wait()
}

// againAfter is how soon a source that has lost its position is run again: it must
// stay where it is however often.
const againAfter = 300 * time.Millisecond

// keepReading runs a source, and again if it has lost its position, while the other
// sources of the process go on.
func (l *life) keepReading(ctx context.Context, cfg connectors.Config, open connectors.Open) error {
	for {
		err := connectors.Run(ctx, l.bus, l.w.city.codec, cfg, open)
		if !errors.Is(err, connectors.ErrPositionLost) {
			return err
		}
		if l.w.mutant.careless {
			if err := l.forget(ctx, cfg.Name); err != nil {
				return err
			}
		}
		if wait(ctx, againAfter); ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to end
		}
	}
}

// runProcessors is a process with all steps.
func (w *world) runProcessors(ctx context.Context, l *life) error {
	used := &used{city: w.city, version: l.version, ring: l.ring}
	defer used.giveBack()
	steps := w.city.steps(l.version, l.ring)
	for i := range steps {
		compiled := steps[i]
		steps[i].Stage = func() (processors.Stage, error) {
			inner, err := used.take(compiled)
			if err != nil {
				return nil, err
			}
			return &watched{Stage: inner, life: l, step: compiled.Name, mutant: w.mutant.stage(w, compiled.Name)}, nil
		}
	}
	return processors.Serve(ctx, l.bus, state.Options{Dir: stateDir, FS: l.filesystem(), Cache: 1 << 20}, steps, processors.Config{
		Workers: w.workers, MaxRecords: w.batch, CommitInterval: 5 * time.Millisecond, Instance: l.name, Clock: w.clock, Metrics: processors.NewMetrics(l.metrics),
	}, w.log)
}

// used are the stages of one life, given back when nobody runs them any more.
type used struct {
	city    *city
	version int
	ring    int
	stages  []borrowed
}

type borrowed struct {
	step  string
	stage processors.Stage
}

func (u *used) take(t processors.Step) (processors.Stage, error) {
	s, err := u.city.take(t, u.version, u.ring)
	if err != nil {
		return nil, err
	}
	u.city.mu.Lock()
	u.stages = append(u.stages, borrowed{t.Name, s})
	u.city.mu.Unlock()
	return s, nil
}

func (u *used) giveBack() {
	for _, b := range u.stages {
		u.city.give(b.step, u.version, u.ring, b.stage)
	}
}

// watched is a stage that meets points, and mutants.
type watched struct {
	processors.Stage
	life   *life
	step   string
	mutant stageMutant // nil = none
}

// Process implements processors.Stage.
func (s *watched) Process(tx processors.Tx, batch []bus.Record) error {
	if s.life.w.armed.reach(s.life, "proc.stage") {
		go s.life.kill()
	}
	if s.mutant != nil {
		return s.mutant.process(s.Stage, tx, batch)
	}
	return s.Stage.Process(tx, batch)
}

// Wake implements processors.Stage.
func (s *watched) Wake(tx processors.Tx, key []byte) error {
	if s.life.w.armed.reach(s.life, "proc.wake") {
		go s.life.kill()
	}
	if s.mutant != nil {
		return s.mutant.wake(s.Stage, tx, key)
	}
	return s.Stage.Wake(tx, key)
}

// Generation implements processors.Renewer, as every step does.
func (s *watched) Generation(now time.Time) []byte {
	return s.Stage.(processors.Renewer).Generation(now)
}

// Renewable implements processors.Renewer.
func (s *watched) Renewable() []byte { return s.Stage.(processors.Renewer).Renewable() }

// Renew implements processors.Renewer.
func (s *watched) Renew(tx processors.Tx, key []byte) error {
	if s.life.w.armed.reach(s.life, "proc.renew") {
		go s.life.kill()
	}
	inner := s.Stage.(processors.Renewer)
	if s.mutant != nil {
		return s.mutant.renew(inner, tx, key)
	}
	return inner.Renew(tx, key)
}

// runGateway is a process that fills the cache and answers.
func (w *world) runGateway(ctx context.Context, l *life) error {
	opened, err := redis.Open(ctx, redis.Config{
		Address: "127.0.0.1:6379", Poll: 200 * time.Millisecond, Readers: 2,
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) { return w.cache.dial(ctx, l) },
	}, w.log, l.metrics)
	if err != nil {
		return err
	}
	var inner store.Cache = opened
	if w.mutant.cache != nil {
		inner = w.mutant.cache(l, inner)
	}
	cache := &repeating{Cache: inner, world: w, life: l}
	var log gateway.Log = &audited{Bus: l.bus, life: l}
	if w.mutant.log != nil {
		log = w.mutant.log(log)
	}
	perApp, perTarget := w.budgets()
	g, err := gateway.New(ctx, gateway.Config{
		Listener: newDeaf(), Linger: time.Second, AuditTimeout: 2 * time.Second, Clock: w.clock, Negatives: perApp, TargetNegatives: perTarget,
	}, gateway.Parts{
		Catalogue: w.city.catalogues[l.version], Bus: log, Codec: w.city.codec, Keys: w.city.keys[l.ring], Cache: cache, Access: w.access, Logger: w.log, Metrics: l.metrics,
	})
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	handler := g.Handler()
	if w.mutant.handler != nil {
		handler = w.mutant.handler(handler)
	}
	w.door.open(l, handler)
	err = g.Run(ctx)
	w.door.shut(l)
	w.leak(l)
	return errors.Join(err, opened.Close())
}

// audited is the bus as the gateway has it, with points before and after an
// entry is written, and a broker that is away for a while.
type audited struct {
	*bus.Bus
	life *life
}

var errAway = errors.New("broker is away")

// Append implements gateway.Log.
func (a *audited) Append(ctx context.Context, records ...bus.Record) error {
	w := a.life.w
	if w.armed.reach(a.life, "gw.audit.before") {
		go a.life.kill()
	}
	if w.armed.reach(a.life, "gw.audit.away") {
		return errAway
	}
	err := a.Bus.Append(ctx, records...)
	if err == nil && w.armed.reach(a.life, "gw.audit.after") {
		go a.life.kill()
	}
	return err
}

// repeating is a cache whose writer repeats itself, as one whose reply was lost
// does: what was written once is written again, much later.
type repeating struct {
	store.Cache
	world *world
	life  *life
	past  []store.Batch
}

// Apply implements store.Sink.
func (c *repeating) Apply(ctx context.Context, g store.Generation, b store.Batch) error {
	if c.world.armed.reach(c.life, "sink.slow") {
		for _, one := range b.Writes { // as a batch too large for one script
			part := b
			part.Writes, part.Next = []store.Write{one}, b.From
			if err := c.Cache.Apply(ctx, g, part); err != nil {
				return err
			}
			wait(ctx, 60*time.Millisecond)
		}
	}
	if err := c.Cache.Apply(ctx, g, b); err != nil {
		return err
	}
	w := c.world
	w.mu.Lock()
	c.past = append(c.past, b)
	again := c.past[len(c.past)/2]
	w.mu.Unlock()
	if w.armed.reach(c.life, "sink.again") {
		again.From = -1 // as whoever begins anew
		return c.Cache.Apply(ctx, g, again)
	}
	return nil
}

// door is the way to the gateways that live; they take turns.
type door struct {
	world *world
	doors []opened
	turn  int
}

type opened struct {
	life    *life
	handler http.Handler
}

func (d *door) open(l *life, h http.Handler) {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	d.doors = append(d.doors, opened{l, h})
}

func (d *door) shut(l *life) {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	d.doors = slices.DeleteFunc(d.doors, func(o opened) bool { return o.life == l })
}

func (d *door) now() (*life, http.Handler) {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	if len(d.doors) == 0 {
		return nil, nil
	}
	d.turn++
	o := d.doors[d.turn%len(d.doors)]
	return o.life, o.handler
}

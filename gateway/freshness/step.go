package freshness

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Step moves every moment as far as it has come. The caller repeats it.
func (t *Tracker) Step(ctx context.Context) error {
	defer t.settleViews()
	if err := t.start(ctx); err != nil {
		return err
	}
	if err := t.pass(ctx, atRoute, func(*wave) string { return contract.Route }, t.leaveRoute); err != nil {
		return err
	}
	if err := t.pass(ctx, atResolve, func(w *wave) string { return contract.Resolve(w.entity) }, t.leaveResolve); err != nil {
		return err
	}
	if err := t.renew(ctx); err != nil {
		return err
	}
	return t.arrive(ctx)
}

// start sends a new moment off for every dataset that has none before route.
func (t *Tracker) start(ctx context.Context) error {
	var fresh []*wave
	var topics []contract.Topic
	for _, d := range t.catalogue.Datasets {
		if t.under(d.ID, "", atRoute) {
			continue
		}
		at, ok := t.heard(d.ID)
		if !ok || at.IsZero() {
			continue
		}
		fresh = append(fresh, &wave{dataset: d.ID, at: at})
		topics = append(topics, contract.Raw(d.ID))
	}
	if len(fresh) == 0 {
		return nil
	}
	ends, err := t.offsets.EndOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("follow raw topics: %w", err)
	}
	for _, w := range fresh {
		topic := contract.Raw(w.dataset)
		w.target = map[contract.Topic]map[int32]int64{topic: ends[topic]}
	}
	t.waves = append(t.waves, fresh...)
	return nil
}

func (t *Tracker) under(dataset, entity string, at stage) bool {
	return slices.ContainsFunc(t.waves, func(w *wave) bool {
		return w.dataset == dataset && w.entity == entity && (at != atRoute) == (w.stage != atRoute)
	})
}

// pass lets the waves of a stage leave it whose targets the stage's group has committed.
func (t *Tracker) pass(ctx context.Context, at stage, group func(*wave) string, leave func(context.Context, []*wave) error) error {
	committed := map[string]map[contract.Topic]map[int32]int64{}
	var passed []*wave
	for _, w := range t.waves {
		if w.stage != at {
			continue
		}
		g := group(w)
		if _, asked := committed[g]; !asked {
			at, err := t.offsets.Committed(ctx, g)
			if err != nil {
				return fmt.Errorf("follow group %q: %w", g, err)
			}
			committed[g] = at
		}
		if reached(w.target, committed[g]) {
			passed = append(passed, w)
		}
	}
	if len(passed) == 0 {
		return nil
	}
	return leave(ctx, passed)
}

// leaveRoute sends each moment on: towards the dataset's own views, and
// towards every entity its rows speak about.
func (t *Tracker) leaveRoute(ctx context.Context, passed []*wave) error {
	var topics []contract.Topic
	var next []*wave
	for _, w := range passed {
		d, err := t.catalogue.Dataset(w.dataset)
		if err != nil {
			return err
		}
		if !t.under(d.ID, "", atCache) {
			own := &wave{dataset: d.ID, at: w.at, stage: atCache, target: map[contract.Topic]map[int32]int64{contract.Refused: nil}}
			for _, v := range d.Views {
				own.target[contract.Shared(v.ID)] = nil
			}
			next = append(next, own)
		}
		for _, e := range entities(d) {
			if !t.under(d.ID, e, atResolve) {
				next = append(next, &wave{dataset: d.ID, entity: e, at: w.at, stage: atResolve, target: map[contract.Topic]map[int32]int64{contract.Claims(e): nil}})
			}
		}
	}
	for _, w := range next {
		for topic := range w.target {
			if !slices.Contains(topics, topic) {
				topics = append(topics, topic)
			}
		}
	}
	if err := t.aim(ctx, next, topics); err != nil {
		return err
	}
	t.waves = slices.DeleteFunc(t.waves, func(w *wave) bool { return slices.Contains(passed, w) })
	t.waves = append(t.waves, next...)
	return nil
}

func entities(d *schemas.Dataset) []string {
	var out []string
	for _, l := range d.Links {
		if !slices.Contains(out, l.Entity) {
			out = append(out, l.Entity)
		}
	}
	return out
}

// leaveResolve sends each moment on towards the entity's views.
func (t *Tracker) leaveResolve(ctx context.Context, passed []*wave) error {
	topics := []contract.Topic{contract.Refused}
	var ahead []*wave
	for _, w := range passed {
		e, err := t.catalogue.Entity(w.entity)
		if err != nil {
			return err
		}
		next := &wave{dataset: w.dataset, entity: w.entity, at: w.at, stage: atCache, target: map[contract.Topic]map[int32]int64{contract.Refused: nil}}
		for _, v := range e.Views {
			topic := contract.Shared(v.ID)
			next.target[topic] = nil
			if !slices.Contains(topics, topic) {
				topics = append(topics, topic)
			}
		}
		ahead = append(ahead, next)
	}
	if err := t.aim(ctx, ahead, topics); err != nil {
		return err
	}
	for i, w := range passed {
		*w = *ahead[i]
	}
	return nil
}

// arrive ends the journey of the moments whose records are in the cache.
func (t *Tracker) arrive(ctx context.Context) error {
	at, err := t.cache.Applied(ctx)
	if err != nil {
		return fmt.Errorf("follow the cache: %w", err)
	}
	topics := map[contract.Topic]bool{}
	for _, w := range t.waves {
		if w.stage == atCache && !reached(w.target, at) {
			for topic := range w.target {
				topics[topic] = true
			}
		}
	}
	stable, err := t.offsets.StableOffsets(ctx, slices.Collect(maps.Keys(topics))...)
	if err != nil {
		return fmt.Errorf("follow shared topics: %w", err)
	}
	reader, polled := t.cache.Polled()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.waves {
		if w.stage != atCache {
			continue
		}
		if !w.inCache(at, stable, reader, polled) {
			continue
		}
		w.stage = arrived
		switch {
		case w.view != "":
			delete(t.renewing, w.view)
		case w.entity != "":
			t.golden[w.entity][w.dataset] = w.at
		default:
			t.rows[w.dataset] = w.at
		}
	}
	t.waves = slices.DeleteFunc(t.waves, func(w *wave) bool { return w.stage == arrived })
	return nil
}

package freshness

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A view that a catalogue adds, brings back or changes is published again in the
// background, row by row. Until every step that makes it has said of every partition that
// it is done, and what it said stands in the cache, a record that is not there may only
// not have come yet.

// Renewing reports whether a view was not whole at the last Step: then nobody can say
// that somebody is not there. It is to be asked before the record is looked for.
func (t *Tracker) Renewing(v *schemas.View) bool {
	views := t.views.Load()
	return views != nil && (*views)[v.ID].renewing
}

// Renewed takes that a step has published all that it keeps in a partition under a catalogue.
func (t *Tracker) Renewed(step string, partition int32, catalogue string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.renewed[step] == nil {
		t.renewed[step] = map[int32]string{}
	}
	t.renewed[step][partition] = catalogue
}

// Unpublished returns the views that the steps have not said to have published whole.
func (t *Tracker) Unpublished(ctx context.Context) ([]*schemas.View, error) {
	views, inputs, err := t.awaited(ctx)
	return slices.DeleteFunc(views, func(v *schemas.View) bool { return t.whole(v, inputs) }), err
}

// renew sends off the views that the steps have published whole.
func (t *Tracker) renew(ctx context.Context) error {
	views, inputs, err := t.awaited(ctx)
	if err != nil || len(views) == 0 {
		return err
	}
	var whole []*wave
	var shared []contract.Topic
	for _, v := range views {
		if !t.whole(v, inputs) {
			continue
		}
		topic := contract.Shared(v.ID)
		whole = append(whole, &wave{view: v.ID, stage: atCache, target: map[contract.Topic]map[int32]int64{topic: nil}})
		shared = append(shared, topic)
	}
	if err := t.aim(ctx, whole, shared); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range whole {
		t.renewing[w.view] = true
	}
	t.waves = append(t.waves, whole...)
	return nil
}

// awaited are the views that were not sent off yet, and how far their inputs reach.
func (t *Tracker) awaited(ctx context.Context) (views []*schemas.View, inputs map[contract.Topic]map[int32]int64, err error) {
	topics := map[contract.Topic]bool{}
	for _, v := range t.catalogue.Views() {
		if sent, awaited := t.renewing[v.ID]; awaited && !sent {
			views = append(views, v)
			for topic := range t.inputs(v) {
				topics[topic] = true
			}
		}
	}
	if len(views) > 0 {
		if inputs, err = t.offsets.EndOffsets(ctx, slices.Sorted(maps.Keys(topics))...); err != nil {
			return nil, nil, fmt.Errorf("follow what is published again: %w", err)
		}
	}
	return views, inputs, nil
}

// inputs are the topics of which a view is made, and the steps that read them.
func (t *Tracker) inputs(v *schemas.View) map[contract.Topic]string {
	if v.Dataset != nil {
		return map[contract.Topic]string{contract.Raw(v.Dataset.ID): contract.Route}
	}
	out := map[contract.Topic]string{contract.Claims(v.Entity.ID): contract.Resolve(v.Entity.ID)}
	for _, id := range t.related[v.ID] {
		out[contract.Raw(id)] = contract.Route
	}
	return out
}

// whole reports whether the steps of a view have said of every partition of their inputs
// that all of it is published under a catalogue that shows the view as it is now.
func (t *Tracker) whole(v *schemas.View, inputs map[contract.Topic]map[int32]int64) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for topic, step := range t.inputs(v) {
		if len(inputs[topic]) == 0 {
			return false
		}
		for p := range inputs[topic] {
			if version, said := t.renewed[step][p]; !said || !t.catalogue.Lineage.Believes(v.ID, version) {
				return false
			}
		}
	}
	return true
}

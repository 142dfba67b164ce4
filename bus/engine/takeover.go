package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus/internal/replay"
)

// holding is what a worker holds of its step's partitions, and the take-over that runs.
type holding struct {
	engine *Engine
	cfg    Transaction
	worker Worker
	bell   *bell // rung when there is something new

	mu         sync.Mutex
	ready      map[int32]bool // partitions held whose state is current
	rebalanced bool           // the group changed since the last transaction
	joined     bool           // partitions have been assigned before
	failed     error          // of a take-over, for the loop to find
	stopTaking func()         // ends the take-over that runs and waits for it
}

func newHolding(e *Engine, cfg Transaction, w Worker, b *bell) *holding {
	return &holding{engine: e, cfg: cfg, worker: w, bell: b, ready: map[int32]bool{}, stopTaking: func() {}}
}

// assigned begins to take over the partitions: none of their records is fetched
// before their state is current. It does not wait for that, so that the group
// can change again meanwhile, and heartbeats go on.
//
// The range protocol is eager: every rebalance takes all partitions away and
// names all that are ours from then on. (kgo leaves out the call of revoked for
// a second rebalance without a transaction between: so nothing is counted.)
func (h *holding) assigned(ctx context.Context, cl *kgo.Client, named map[string][]int32) {
	h.halt()
	partitions, err := h.whole(named)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rebalanced, h.joined = h.joined, true
	clear(h.ready)
	if err != nil {
		h.failed = err
		h.bell.ring()
		return
	}
	if len(partitions) == 0 {
		return
	}
	cl.PauseFetchPartitions(named)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	h.stopTaking = func() { cancel(); <-done }
	go func() {
		defer close(done)
		defer cancel()
		err := h.takeOver(ctx, cl, partitions)
		if err != nil && ctx.Err() == nil {
			h.mu.Lock()
			h.failed = fmt.Errorf("take over partitions of %q: %w", h.cfg.Group, err)
			h.mu.Unlock()
			h.bell.ring()
		}
	}()
}

// whole returns the partitions of an assignment, or errMixed if it does not name each
// of them of just the step's inputs.
func (h *holding) whole(named map[string][]int32) ([]int32, error) {
	inputs, topics := h.engine.link.Names(h.cfg.From), map[int32]int{}
	for topic, partitions := range named {
		if len(partitions) > 0 && !slices.Contains(inputs, topic) {
			return nil, fmt.Errorf("step %q was given %s, which it does not read: %w", h.cfg.Group, topic, errMixed)
		}
		for _, p := range partitions {
			topics[p]++
		}
	}
	for p, n := range topics {
		if n != len(inputs) {
			return nil, fmt.Errorf("step %q was given partition %d of %d of its %d inputs: %w", h.cfg.Group, p, n, len(inputs), errMixed)
		}
	}
	return slices.Sorted(maps.Keys(topics)), nil
}

func (h *holding) revoked(context.Context, *kgo.Client, map[string][]int32) {
	h.halt()
	h.mu.Lock()
	h.rebalanced = h.joined
	clear(h.ready)
	h.mu.Unlock()
	h.worker.Release()
}

// halt ends the take-over that runs, if one does, and waits for it.
func (h *holding) halt() {
	h.mu.Lock()
	stop := h.stopTaking
	h.stopTaking = func() {}
	h.mu.Unlock()
	stop()
}

// look returns the partitions that may be worked on and what happened since.
func (h *holding) look() (held []int32, rebalanced bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for p := range h.ready {
		held = append(held, p)
	}
	slices.Sort(held)
	rebalanced, h.rebalanced = h.rebalanced, false
	return held, rebalanced, h.failed
}

// isReady reports whether records of a partition may be worked on.
func (h *holding) isReady(partition int32) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ready[partition]
}

// takeOver rolls the partitions' state forward to where it is current.
//
// Why a fence is enough: the last owner wrote its changes to the changelog
// before it sent its offsets, and the group took those offsets only from its
// member. We are the member now, so whatever it can still commit stands in the
// changelog already; a fence appended now comes after it, and once a
// read_committed reader meets the fence, all of it is decided. The offsets we
// are given are waited for in the same way by the client: it asks for stable
// ones.
func (h *holding) takeOver(ctx context.Context, cl *kgo.Client, partitions []int32) error {
	starts := map[int32]int64{}
	for _, p := range partitions {
		at, err := h.worker.Position(p)
		if err != nil {
			return &StepError{err}
		}
		if at < 0 {
			if err := h.worker.Reset(p); err != nil {
				return &StepError{err}
			}
			at = 0
		}
		starts[p] = at
	}
	resume := func(p int32) {
		h.mu.Lock()
		h.ready[p] = true
		h.mu.Unlock()
		again := map[string][]int32{}
		for _, t := range h.cfg.From {
			again[h.engine.link.Name(t)] = []int32{p}
		}
		cl.ResumeFetchPartitions(again)
		h.bell.ring()
	}
	var mu sync.Mutex
	for len(starts) > 0 {
		err := h.engine.roll(ctx, h.cfg.Group, h.cfg.Changelog, h.worker, maps.Clone(starts), func(p int32) {
			mu.Lock()
			delete(starts, p)
			mu.Unlock()
			resume(p)
		})
		var gone *replay.RangeError
		if !errors.As(err, &gone) {
			return err
		}
		h.engine.link.Log.Warn("local state is not of this changelog any more, building it anew", "group", h.cfg.Group, "partition", gone.Partition, "error", err)
		if err := h.worker.Reset(gone.Partition); err != nil {
			return &StepError{err}
		}
		starts[gone.Partition] = 0
	}
	return nil
}

package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// assigned begins to take over the partitions: none of their records is fetched
// before their state is current. It does not wait for that, so that the group
// can change again meanwhile, and heartbeats go on.
//
// The range protocol is eager: every rebalance takes all partitions away and
// names all that are ours from then on. (kgo leaves out the call of revoked for
// a second rebalance without a transaction between: so nothing is counted.)
func (s *session) assigned(ctx context.Context, cl *kgo.Client, named map[string][]int32) {
	s.halt()
	topics := map[int32]int{}
	for _, partitions := range named {
		for _, p := range partitions {
			topics[p]++
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rebalanced, s.joined = s.joined, true
	clear(s.ready)
	for p, n := range topics {
		if n != len(s.cfg.From) {
			s.failed = &StepError{fmt.Errorf("步骤 %q 的分区 %d 只分到 %d 个输入主题中的 %d 个,同组进程的版本不一致 / partition %d: members of the group read different topics: %w",
				s.cfg.Group, p, len(s.cfg.From), n, p, ErrConfig)}
			return
		}
	}
	if len(topics) == 0 {
		return
	}
	cl.PauseFetchPartitions(named)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	s.stopTaking = func() { cancel(); <-done }
	go func() {
		defer close(done)
		defer cancel()
		err := s.takeOver(ctx, cl, slices.Sorted(maps.Keys(topics)))
		if err != nil && ctx.Err() == nil {
			s.mu.Lock()
			s.failed = fmt.Errorf("take over partitions of %q: %w", s.cfg.Group, err)
			s.mu.Unlock()
			s.nudge()
		}
	}()
}

func (s *session) revoked(context.Context, *kgo.Client, map[string][]int32) {
	s.halt()
	s.mu.Lock()
	s.rebalanced = s.joined
	clear(s.ready)
	s.mu.Unlock()
	s.worker.Release()
}

// halt ends the take-over that runs, if one does, and waits for it.
func (s *session) halt() {
	s.mu.Lock()
	stop := s.stopTaking
	s.stopTaking = func() {}
	s.mu.Unlock()
	stop()
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
func (s *session) takeOver(ctx context.Context, cl *kgo.Client, partitions []int32) error {
	starts := map[int32]int64{}
	for _, p := range partitions {
		at, err := s.worker.Position(p)
		if err != nil {
			return &StepError{err}
		}
		if at < 0 {
			if err := s.worker.Reset(p); err != nil {
				return &StepError{err}
			}
			at = 0
		}
		starts[p] = at
	}
	resume := func(p int32) {
		s.mu.Lock()
		s.ready[p] = true
		s.mu.Unlock()
		again := map[string][]int32{}
		for _, t := range s.cfg.From {
			again[s.bus.name(t)] = []int32{p}
		}
		cl.ResumeFetchPartitions(again)
		s.nudge()
	}
	var mu sync.Mutex
	for len(starts) > 0 {
		err := s.roll(ctx, maps.Clone(starts), func(p int32) {
			mu.Lock()
			delete(starts, p)
			mu.Unlock()
			resume(p)
		})
		var gone *rangeError
		if !errors.As(err, &gone) {
			return err
		}
		s.bus.log.Warn("local state is not of this changelog any more, building it anew", "group", s.cfg.Group, "partition", gone.partition, "error", err)
		if err := s.worker.Reset(gone.partition); err != nil {
			return &StepError{err}
		}
		starts[gone.partition] = 0
	}
	return nil
}

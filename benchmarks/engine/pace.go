package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// warmUp is the share of the input that is not timed: connections, the first
// transactions, a virtual machine's compilation, caches. The same for all.
const warmUp = 0.2

// pace is how fast a group went through the timed part of a topic.
type pace struct {
	records int64 // timed
	seconds float64
	used    process.Usage // CPU over the timed part; peak of the whole run
}

func (p pace) rate() float64 { return float64(p.records) / p.seconds }

// pace watches the offsets that a group commits until it has committed all.
func (s *engineSite) pace(ctx context.Context, p *process.Process, group string, from contract.Topic, want int64, limit time.Duration) (pace, error) {
	var began, ended time.Time
	var first int64
	var before process.Usage
	err := process.Await(ctx, limit, 10*time.Millisecond, group+" has taken everything", func() (bool, error) {
		n, err := s.taken(ctx, group, from)
		if err == nil && n < want {
			err = p.Alive()
		}
		if err != nil {
			return false, err
		}
		if now := time.Now(); began.IsZero() && float64(n) >= warmUp*float64(want) {
			began, first, before = now, n, p.Usage()
		} else {
			ended = now
		}
		return n >= want, nil
	})
	if err != nil {
		return pace{}, p.Blame(err)
	}
	if first >= want || !ended.After(began) {
		return pace{}, fmt.Errorf("%s took everything at once: the input is too small to time", group)
	}
	used := p.Usage()
	used.CPU -= before.CPU
	return pace{want - first, ended.Sub(began).Seconds(), used}, nil
}

// taken is how many records a group has committed.
func (s *engineSite) taken(ctx context.Context, group string, from contract.Topic) (int64, error) {
	offsets, err := s.Bus.Committed(ctx, group)
	if err != nil {
		return 0, fmt.Errorf("ask how far %s is: %w", group, err)
	}
	var n int64
	for _, at := range offsets[from] {
		n += at
	}
	return n, nil
}

// engineRun is one round: everybody over the same input.
type engineRun struct {
	ours, limit pace
	out         *verdict
	peers       map[string]*peerRun // by group; those that were run
}

// peerRun is a peer's part of a round.
type peerRun struct {
	pace
	out *verdict
}

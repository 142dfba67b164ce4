package pulse

import (
	"context"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Polled implements freshness.Cache.
func (p *Pulse) Polled() (int64, time.Duration) {
	session, filled, ok := p.Filler.Polled()
	if !ok {
		return 0, 0
	}
	reader, waited := p.Marks.Polled()
	// Both numbers only rise, so their sum is another one when either reader is.
	return session + reader, min(filled, waited)
}

// Applied implements freshness.Cache, and keeps what the cache says.
func (p *Pulse) Applied(ctx context.Context) (map[contract.Topic]map[int32]int64, error) {
	generation, err := p.Cache.Current(ctx)
	if err != nil {
		return nil, err
	}
	progress, err := p.Cache.Progress(ctx, generation, p.Views)
	if err != nil {
		return nil, err
	}
	p.progress.Store(&progress)
	out := make(map[contract.Topic]map[int32]int64, len(progress)+1)
	for id, stands := range progress {
		out[contract.Shared(id)] = stands.Next
	}
	out[contract.Refused] = p.Marks.Offsets()
	return out, nil
}

// How often the cache is looked at, for how long an answer is waited for, and for
// how long what it said counts.
const (
	attendEvery = time.Second
	attendWait  = 2 * time.Second
	attendFor   = 2 * (attendEvery + attendWait)
)

// Attend looks all the time whether the cache answers, whatever the bus does.
func (p *Pulse) Attend(ctx context.Context) error {
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for {
		look, cancel := context.WithTimeout(ctx, attendWait)
		_, err := p.Applied(look)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if p.cache.saw(time.Now(), err) {
			p.Logger.Warn("cache does not answer, not ready", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Answers reports whether the cache answered when it was last looked at, lately.
func (p *Pulse) Answers() bool {
	last := p.cache.Load()
	return last != nil && last.err == nil && time.Since(last.at) < attendFor
}

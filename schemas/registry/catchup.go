package registry

import (
	"context"
	"fmt"
	"sync/atomic"
)

// catchUp is a replay that several callers share.
type catchUp struct {
	log     Log
	turn    chan struct{} // one replay at a time: holds one while none runs
	started atomic.Uint64 // replays begun, counted
	ended   uint64        // the number of the last that came through
	state   *state        // and what it found
}

func newCatchUp(log Log) *catchUp {
	c := &catchUp{log: log, turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

// replay replays the log from a moment not before the call. Callers that come
// while one replay runs share the next.
func (c *catchUp) replay(ctx context.Context) (*state, error) {
	enough := c.started.Load() + 1 // a replay that begins from now on
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, fmt.Errorf("replay schema log: %w: %w", ErrUnavailable, ctx.Err())
	}
	if c.ended >= enough {
		return c.state, nil
	}
	number := c.started.Add(1)
	fresh := newState()
	err := c.log.Replay(ctx, func(key, value []byte) error {
		fresh.apply(key, value)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("replay schema log: %w: %w", ErrUnavailable, err)
	}
	c.ended, c.state = number, fresh
	return fresh, nil
}

package push

import (
	"context"
	"time"
)

// WaitQueued waits until so many requests have reached the open source of a
// dataset, taken or not.
func (s *Server) WaitQueued(ctx context.Context, dataset string, n int) {
	for ctx.Err() == nil {
		if src, _ := s.find(dataset); src != nil {
			src.mu.Lock()
			seen := src.at.ordinal + uint64(len(src.queue))
			src.mu.Unlock()
			if seen >= uint64(n) {
				return
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Millisecond):
		}
	}
}

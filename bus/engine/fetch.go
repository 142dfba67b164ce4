package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
)

// bell ends the poll that runs, or the next one if none does.
type bell struct {
	mu    sync.Mutex
	wake  context.CancelFunc // ends the poll that runs
	woken bool               // rung when no poll ran
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wake != nil {
		b.wake()
		return
	}
	b.woken = true
}

// hang says what ends the poll that begins.
func (b *bell) hang(wake context.CancelFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wake = wake
	if b.woken {
		b.woken = false
		wake()
	}
}

// still says that the poll has ended.
func (b *bell) still() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wake = nil
}

// poll polls, for at most wait, ending early when the bell is rung.
func (s *session) poll(ctx context.Context, wait time.Duration) kgo.Fetches {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	s.bell.hang(cancel)
	defer s.bell.still()
	return s.client.PollRecords(ctx, s.pacer.chunk)
}

// broken returns the first error of a fetch that ends the session.
func broken(fetches kgo.Fetches) error {
	return errors.Join(kafka.Fatal(fetches), rewound(fetches))
}

// rewound reports that the log has lost what was read already: the client has
// gone back by itself, and what it would read again has been processed. A new
// session begins at what is committed.
func rewound(fetches kgo.Fetches) error {
	var out error
	fetches.EachError(func(_ string, _ int32, err error) {
		if loss := (*kgo.ErrDataLoss)(nil); out == nil && errors.As(err, &loss) {
			out = err
		}
	})
	return out
}

// anything reports whether there is a record that is data.
func anything(fetches kgo.Fetches) bool {
	for it := fetches.RecordIter(); !it.Done(); {
		if !kafka.Hidden(it.Next()) {
			return true
		}
	}
	return false
}

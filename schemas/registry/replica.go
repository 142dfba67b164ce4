package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"
)

// waiter waits for a record to come back from the log.
type waiter struct {
	key, value []byte
	seen       chan struct{}
}

// seed makes fingerprints comparable within this process, which is all that is asked of them.
var seed = maphash.MakeSeed()

func fingerprint(key, value []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	_, _ = h.Write(key) // a hash takes everything
	_ = h.WriteByte(0)
	_, _ = h.Write(value)
	return h.Sum64()
}

// replica is this process's copy of what the log says, and follows it. It is safe for
// concurrent use: whoever reads state holds mu.
type replica struct {
	log    Log
	logger *slog.Logger
	done   chan struct{} // closed when follow has ended

	mu      sync.RWMutex
	state   *state
	history []uint64 // fingerprints of the records that made state, in order
	waiting map[*waiter]bool
}

func newReplica(log Log, logger *slog.Logger) *replica {
	return &replica{log: log, logger: logger, done: make(chan struct{}), state: newState(), waiting: map[*waiter]bool{}}
}

// load folds the log as it stands. Call before follow.
func (r *replica) load(ctx context.Context) error {
	err := r.log.Replay(ctx, func(key, value []byte) error {
		r.state.apply(key, value)
		r.history = append(r.history, fingerprint(key, value))
		return nil
	})
	if err != nil {
		return fmt.Errorf("replay schema log: %w", err)
	}
	return nil
}

// follow folds the log for as long as the registry is open.
func (r *replica) follow(ctx context.Context) {
	defer close(r.done)
	for wait := 50 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
		began := time.Now()
		err := r.followOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > time.Minute {
			wait = 50 * time.Millisecond
		}
		r.logger.Warn("schema log broke off, following again", "error", err, "wait", wait)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// followOnce folds the log from its first record into a state of its own, and
// puts that in place of the one in use as soon as it knows all that one knows.
//
// How it tells: the records it is shown again come in the order they had, less
// those that compaction took out meanwhile, and then come new ones. So it walks
// along the fingerprints of the old records; at the last of them, or at the
// first record that is none of them, it has caught up.
func (r *replica) followOnce(ctx context.Context) error {
	next := newState()
	r.mu.RLock()
	old := r.history
	r.mu.RUnlock()
	var history []uint64
	live := false
	turnLive := func() {
		r.mu.Lock()
		r.state, r.history = next, history
		r.mu.Unlock()
		live = true
	}
	if len(old) == 0 {
		turnLive()
	}
	// A record that was overruled matters if it is the last of its key.
	broken := map[string]bool{}
	return r.log.Follow(ctx, func(key, value []byte) error {
		mark := fingerprint(key, value)
		if !live {
			known := false
			for i := range old {
				if old[i] == mark {
					old, known = old[i+1:], true
					break
				}
			}
			if !known {
				turnLive()
			}
		}
		e, ok := next.read(key, value) // of the state in use nobody but us changes anything
		r.mu.Lock()
		what := ignored
		if ok {
			what = next.fold(e)
		}
		history = append(history, mark)
		if live {
			r.history = history
		}
		switch what {
		case overruled:
			broken[string(key)] = true
		case applied:
			delete(broken, string(key))
		case ignored, conflict: // what stands under the key stands
		}
		if live {
			for w := range r.waiting {
				if bytes.Equal(w.key, key) && bytes.Equal(w.value, value) {
					close(w.seen)
					delete(r.waiting, w)
				}
			}
		}
		r.mu.Unlock()
		if !live && len(old) == 0 {
			turnLive()
		}
		if live {
			for k := range broken {
				r.mend(ctx, []byte(k))
			}
			clear(broken)
		}
		return nil
	})
}

// mend appends what stands in the state under a key whose last record in the
// log was overruled. Several processes may do so; the record says the same.
func (r *replica) mend(ctx context.Context, key []byte) {
	var k recordKey
	if json.Unmarshal(key, &k) != nil || k.Subject == nil {
		return
	}
	r.mu.RLock()
	var value []byte
	if sub := r.state.subjects[*k.Subject]; sub != nil {
		if i, found := sub.find(k.Version); found {
			_, value = r.state.encodeSchema(sub.versions[i])
		}
	}
	r.mu.RUnlock()
	if value == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if err := r.log.Append(ctx, key, value); err != nil {
		// The next process to read the log will find the same and try again.
		r.logger.Warn("could not mend the schema log after two writers met", "subject", *k.Subject, "version", k.Version, "error", err)
	}
}

// commit appends a record and waits until it has been folded.
func (r *replica) commit(ctx context.Context, key, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	w := &waiter{key: key, value: value, seen: make(chan struct{})}
	r.mu.Lock()
	r.waiting[w] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.waiting, w)
		r.mu.Unlock()
	}()
	if err := r.log.Append(ctx, key, value); err != nil {
		return fmt.Errorf("append to schema log: %w: %w", ErrUnavailable, err)
	}
	select {
	case <-w.seen:
		return nil
	case <-r.done:
		return fmt.Errorf("wait for schema log: registry closed: %w", ErrUnavailable)
	case <-ctx.Done():
		return fmt.Errorf("wait for schema log: %w: %w", ErrUnavailable, ctx.Err())
	}
}

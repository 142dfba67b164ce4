// Package registry is a schema registry inside the bus: the Confluent REST API
// over one compacted log, the topic _schemas in Confluent's and Karapace's own
// form, so that any Confluent-aware client of any language reads the city's
// topics, and so that the log outlives this program.
//
// The log is the truth. A write is appended first and takes effect when it is
// read back, in every process at the same place; nothing is answered before.
// Several registries may write to one log without a leader: of two records that
// claim the same id or the same version, the first in the log wins, in every
// process, and whoever lost tries again with the next. So an id never means two
// schemas, and the same schema has one id under all subjects.
//
// Compaction keeps the last record of a key, and the record that lost may be
// the last: whoever reads such a record appends the winner once more, so that
// the log, compacted, still ends in what all have agreed on. A version that is
// deleted for good leaves a note of the highest id ever given, so that no id is
// given again.
//
// A subject whose topic is raw.* starts at BACKWARD_TRANSITIVE, resolved.* and
// shared.* at FULL_TRANSITIVE, whatever prefix stands before; others at the
// global level, BACKWARD at first. Schemas of the bus's own topics must be within
// the codec's profile; those of others' subjects may be any Avro (schemas/avro).
// References, JSON Schema and Protobuf are refused by name.
package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Log is an ordered log of keys and values, kept for ever but for records whose
// key has a later one. A nil value deletes its key. Append returns once the
// record is durable. Replay shows all records from the first to the last as of
// the call, and returns; Follow shows all from the first, then every new one as
// it comes, until ctx ends or show fails. Both show records in log order.
type Log interface {
	Append(ctx context.Context, key, value []byte) error
	Replay(ctx context.Context, show func(key, value []byte) error) error
	Follow(ctx context.Context, show func(key, value []byte) error) error
}

// What callers may be told besides the codec's errors.
var (
	// ErrUnavailable says that the log did not take a write, or did not show it
	// again in time. The write may still take effect.
	ErrUnavailable = errors.New("模式注册日志不可用，请稍后重试 / schema log unavailable, try again")
	// ErrSubject says that a subject's name cannot be used.
	ErrSubject = errors.New("主题名不可用 / unusable subject name")
)

// commitTimeout is how long a write may take to come back from the log.
const commitTimeout = 15 * time.Second

// Registry keeps schemas by id and by subject. It implements codec.Registry and
// is safe for concurrent use.
type Registry struct {
	log    Log
	logger *slog.Logger
	stop   context.CancelFunc
	done   chan struct{} // closed when the follower has ended

	write sync.Mutex // one write at a time; the log orders those of other processes

	mu      sync.RWMutex
	state   *state
	history []uint64 // fingerprints of the records that made state, in order
	waiting map[*waiter]bool

	ahead catchUp
	told  listener.Sparse // failures that any request can cause
}

// Open replays the log and follows it until ctx ends or Close is called.
func Open(ctx context.Context, log Log, logger *slog.Logger) (*Registry, error) {
	r := newRegistry(log, logger)
	err := log.Replay(ctx, func(key, value []byte) error {
		r.state.apply(key, value)
		r.history = append(r.history, fingerprint(key, value))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("replay schema log: %w", err)
	}
	ctx, r.stop = context.WithCancel(ctx)
	go r.follow(ctx)
	return r, nil
}

func newRegistry(log Log, logger *slog.Logger) *Registry {
	r := &Registry{log: log, logger: logger.With("component", "registry"), done: make(chan struct{}), state: newState(), waiting: map[*waiter]bool{}}
	r.ahead.turn = make(chan struct{}, 1)
	r.ahead.turn <- struct{}{}
	return r
}

// Close stops following the log and waits until that has ended. Reads still
// answer from what is known; writes fail.
func (r *Registry) Close() {
	r.stop()
	<-r.done
}

// Register implements codec.Registry: it returns the id of the schema under the
// subject, registering it if it is new and compatible. Errors are
// codec.ErrProfile, codec.ErrIncompatible, ErrSubject or ErrUnavailable.
func (r *Registry) Register(ctx context.Context, subject, schema string) (int, error) {
	v, err := r.register(ctx, subject, schema)
	if err != nil {
		return 0, fmt.Errorf("register schema of %q: %w", subject, err)
	}
	return v.id, nil
}

// Schema implements codec.Registry. An id that is not known is looked for in
// the log once more before it is called unknown: the process that registered it
// may be a moment ahead of us. One that was deleted for good is still told as
// long as the log holds it: records written under it may lie in topics and states.
func (r *Registry) Schema(ctx context.Context, id int) (string, error) {
	s, err := r.schema(ctx, id)
	if err == nil {
		return s.text, nil
	}
	if !errors.Is(err, codec.ErrUnknownSchema) {
		return "", err
	}
	r.mu.RLock()
	s = r.state.buried[id]
	r.mu.RUnlock()
	if s == nil {
		return "", err
	}
	return s.text, nil
}

func (r *Registry) schema(ctx context.Context, id int) (*schema, error) {
	r.mu.RLock()
	s := r.state.ids[id]
	r.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	if id > 0 {
		fresh, err := r.catchUp(ctx)
		if err != nil {
			return nil, err
		}
		if s := fresh.ids[id]; s != nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("schema %d: %w", id, codec.ErrUnknownSchema)
}

// catchUp is a replay that several callers share.
type catchUp struct {
	turn    chan struct{} // one replay at a time: holds one while none runs
	started atomic.Uint64 // replays begun, counted
	ended   uint64        // the number of the last that came through
	state   *state        // and what it found
}

// catchUp replays the log from a moment not before the call. Callers that come
// while one replay runs share the next.
func (r *Registry) catchUp(ctx context.Context) (*state, error) {
	enough := r.ahead.started.Load() + 1 // a replay that begins from now on
	select {
	case <-r.ahead.turn:
		defer func() { r.ahead.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, fmt.Errorf("replay schema log: %w: %w", ErrUnavailable, ctx.Err())
	}
	if r.ahead.ended >= enough {
		return r.ahead.state, nil
	}
	number := r.ahead.started.Add(1)
	fresh := newState()
	err := r.log.Replay(ctx, func(key, value []byte) error {
		fresh.apply(key, value)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("replay schema log: %w: %w", ErrUnavailable, err)
	}
	r.ahead.ended, r.ahead.state = number, fresh
	return fresh, nil
}

// checkSubject refuses names that could not be a topic's, and those that
// Confluent gives a meaning to.
func checkSubject(subject string) error {
	bad := subject == "" || len(subject) > 255 || !utf8.ValidString(subject) ||
		strings.ContainsFunc(subject, unicode.IsControl) || subject == "__GLOBAL" || subject == "__EMPTY"
	if bad {
		return ErrSubject
	}
	return nil
}

// inUse reports whether records under the subject's schemas lie in the bus's own
// topics, or were taken from there into the state of a step.
func inUse(subject string) bool {
	for part := range strings.FieldsFuncSeq(subject, func(c rune) bool { return c == '.' || c == '-' || c == '_' }) {
		switch part {
		case contract.FamilyRaw, contract.FamilyClaims, contract.FamilyResolved, contract.FamilyShared, string(contract.Findings), string(contract.Quarantine):
			return true
		}
	}
	return false
}

// defaultLevel returns the level that the subject's kind of topic starts at, ""
// if it has none of its own. The topic may stand behind a configured prefix.
func defaultLevel(subject string) string {
	for part := range strings.FieldsFuncSeq(subject, func(c rune) bool { return c == '.' || c == '-' || c == '_' }) {
		switch part {
		case contract.FamilyRaw:
			return "BACKWARD_TRANSITIVE"
		case contract.FamilyResolved, contract.FamilyShared:
			return "FULL_TRANSITIVE"
		}
	}
	return ""
}

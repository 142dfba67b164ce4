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
// The bus's own topics are known by their whole names (contract.Topic.Known), with or
// without the prefix that is configured. Their schemas must be within the codec's
// profile, and are held to BACKWARD_TRANSITIVE (raw.*), FULL_TRANSITIVE (resolved.*,
// shared.*) or BACKWARD, whatever is set; the bus's own processes alone register them, and
// nobody deletes them. Those of others' subjects may be any Avro (schemas/avro), with
// references; they start at the global level, BACKWARD at first. JSON Schema and Protobuf
// are refused by name.
package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Registry keeps schemas by id and by subject. It implements codec.Registry and
// is safe for concurrent use.
type Registry struct {
	*replica
	own    own
	logger *slog.Logger
	stop   context.CancelFunc

	write sync.Mutex // one write at a time; the log orders those of other processes

	examining func(subject string) // told before a schema is examined, nil = nobody; for tests

	ahead *catchUp
	told  listener.Sparse // failures that any request can cause
}

// Open replays the log and follows it until ctx ends or Close is called. Prefix is
// what the names of the bus's topics begin with in Kafka, "" = nothing.
func Open(ctx context.Context, log Log, prefix string, logger *slog.Logger) (*Registry, error) {
	r := newRegistry(log, prefix, logger)
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	ctx, r.stop = context.WithCancel(ctx)
	go r.follow(ctx)
	return r, nil
}

func newRegistry(log Log, prefix string, logger *slog.Logger) *Registry {
	logger = logger.With("component", "registry")
	return &Registry{own: own{prefix}, replica: newReplica(log, logger), logger: logger, ahead: newCatchUp(log)}
}

// Close stops following the log and waits until that has ended. Reads still
// answer from what is known; writes fail.
func (r *Registry) Close() {
	r.stop()
	<-r.done
}

// Register implements codec.Registry: it returns the id of the schema under the
// subject, registering it if it is new and compatible. Errors are
// codec.ErrProfile (of a subject of the bus), codec.ErrIncompatible, ErrSubject or ErrUnavailable.
func (r *Registry) Register(ctx context.Context, subject, schema string) (int, error) {
	v, err := r.register(ctx, subject, schema, nil)
	if incompatible := (*codec.CompatibilityError)(nil); errors.As(err, &incompatible) && r.own.inUse(subject) {
		err = r.own.foreign(subject, incompatible)
	}
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
		fresh, err := r.ahead.replay(ctx)
		if err != nil {
			return nil, err
		}
		if s := fresh.ids[id]; s != nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("schema %d: %w", id, codec.ErrUnknownSchema)
}

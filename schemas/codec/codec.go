// Package codec writes and reads records as Avro, framed as every
// Confluent-aware client expects: a zero byte, the schema's id in four
// big-endian bytes, then the record. It is the only place that knows Avro.
//
// A Codec holds the registry. Writer registers the schema of a layout and
// appends records of that layout; Reader reads records written under any
// version of a schema into one layout, matching columns by name and alias:
//
//	w, err := c.Writer(ctx, "raw.GA01-value", dataset.Layout)
//	value, err := w.Append(nil, record)
//	record, err := c.Reader(dataset.Layout).Decode(ctx, value)
//
// What it promises about reading:
//
//   - A value is taken whole or refused. Truncation at any byte, trailing
//     bytes, lying counts and sizes, bad UTF-8 and numbers that do not fit are
//     ErrMalformed; more than MaxMessage bytes is ErrTooLarge. A refusal costs
//     no more memory than a small multiple of the value.
//   - A schema that is unknown, outside the profile (see parse) or cannot be
//     read into the layout is ErrUnknownSchema. Any other error is the
//     registry's and may be tried again.
//   - Columns that the layout does not have are withheld: skipped, and counted
//     by Withheld. Nullable columns that the writer does not have are null.
//   - Errors name columns and offsets and never show a value.
//
// Layouts carry two attributes with a meaning of their own: "aliases" (former
// names, separated by commas) and "default" (a JSON value) become the Avro
// properties of those names. All other attributes, title and level and mask
// among them, stand in the schema as they are and survive registration.
//
// hamba/avro, which is no longer maintained and has decoder advisories that
// will not be fixed, only checks the syntax of schemas here, after this package
// has bounded them; not one byte of a message goes through it.
package codec

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Registry keeps schemas by id. Register returns the id of the schema under the
// subject, the same each time; Schema returns what was registered, or an error
// that wraps ErrUnknownSchema if there is no such id.
type Registry interface {
	Register(ctx context.Context, subject, schema string) (int, error)
	Schema(ctx context.Context, id int) (string, error)
}

// Codec writes and reads records through a registry. It is safe for concurrent use.
type Codec struct {
	registry Registry

	mu         sync.Mutex
	registered map[registration]int // ids of what this codec has registered, at most maxCached
	writers    map[int]*record      // writer schemas by id, at most maxCached
	missing    map[int]time.Time    // ids that the registry did not know, and when
}

// registration is a schema under a subject.
type registration struct{ subject, schema string }

// retryMissing is how long an id that the registry did not know is not asked
// for again: a flood of bad values must not become a flood of requests.
const retryMissing = time.Second

// New returns a codec over a registry.
func New(r Registry) *Codec {
	return &Codec{registry: r, registered: map[registration]int{}, writers: map[int]*record{}, missing: map[int]time.Time{}}
}

func (c *Codec) register(ctx context.Context, r registration) (int, error) {
	c.mu.Lock()
	id, ok := c.registered[r]
	c.mu.Unlock()
	if ok {
		return id, nil
	}
	id, err := c.registry.Register(ctx, r.subject, r.schema)
	if err != nil {
		return 0, err
	}
	if id < 0 || id > 1<<31-1 {
		return 0, fmt.Errorf("schema id %d does not fit the frame: %w", id, ErrUnknownSchema)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	evict(c.registered)
	c.registered[r] = id
	return id, nil
}

// SchemaID returns the schema id that a framed value names.
func SchemaID(value []byte) (int, error) {
	if len(value) < headerSize {
		return 0, &DecodeError{Offset: len(value), fault: faultTruncated}
	}
	if value[0] != 0 {
		return 0, &DecodeError{fault: faultMagic}
	}
	id := binary.BigEndian.Uint32(value[1:])
	if id > 1<<31-1 {
		return 0, &DecodeError{Offset: 1, fault: faultID}
	}
	return int(id), nil
}

// writer returns the writer schema of an id. Schemas are immutable, so what is
// cached never goes stale; what the registry does not know is asked for again
// after retryMissing.
func (c *Codec) writer(ctx context.Context, id int) (*record, error) {
	c.mu.Lock()
	rec := c.writers[id]
	missed, missing := c.missing[id]
	c.mu.Unlock()
	if rec != nil {
		return rec, nil
	}
	if missing && time.Since(missed) < retryMissing {
		return nil, fmt.Errorf("find schema %d: %w", id, ErrUnknownSchema)
	}
	text, err := c.registry.Schema(ctx, id)
	if err != nil {
		if errors.Is(err, ErrUnknownSchema) {
			c.mu.Lock()
			evict(c.missing)
			c.missing[id] = time.Now()
			c.mu.Unlock()
		}
		return nil, fmt.Errorf("find schema %d: %w", id, err)
	}
	if rec, err = parse(text); err != nil {
		return nil, fmt.Errorf("read schema %d: %w: %w", id, ErrUnknownSchema, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	evict(c.writers)
	c.writers[id] = rec
	return rec, nil
}

// evict makes room in a bounded cache, by dropping any one entry.
func evict[K comparable, V any](m map[K]V) {
	if len(m) < maxCached {
		return
	}
	for id := range m {
		delete(m, id)
		return
	}
}

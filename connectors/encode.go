package connectors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// maxRecord is the largest key and value that are published: Kafka takes
// records up to about 1 MiB with their headers, and one that it refuses would
// stop the source for good.
const maxRecord = 900 << 10

// encoder turns batches into records. Its memory is used again for each batch,
// so the records of one are valid until the next.
type encoder struct {
	cfg        Config
	bus        *bus.Bus
	codec      *codec.Codec
	writers    map[*schemas.Dataset]*codec.Writer
	quarantine *codec.Writer
	cat, run   bus.Header
	epoch      uint64 // of the changes

	partitions map[contract.Topic]int // of the raw topics that have had a refusal

	now     time.Time // when the batch is published
	arena   []byte
	records []bus.Record
	bytes   int
}

func newEncoder(ctx context.Context, b *bus.Bus, c *codec.Codec, cfg Config, run string) (*encoder, error) {
	e := &encoder{cfg: cfg, bus: b, codec: c, writers: map[*schemas.Dataset]*codec.Writer{}, partitions: map[contract.Topic]int{}, run: bus.Header{Key: contract.Run, Value: []byte(run)}}
	if cfg.Catalogue != nil {
		e.cat = bus.Header{Key: contract.Catalogue, Value: []byte(cfg.Catalogue.Version)}
	}
	for _, d := range cfg.Datasets {
		w, err := c.Writer(ctx, contract.Raw(d.ID).Subject(), d.Layout)
		if err != nil {
			return nil, fmt.Errorf("prepare dataset %q: %w", d.ID, err)
		}
		e.writers[d] = w
	}
	var err error
	if e.quarantine, err = c.Writer(ctx, contract.Quarantine.Subject(), contract.QuarantineLayout); err != nil {
		return nil, fmt.Errorf("prepare quarantine: %w", err)
	}
	return e, nil
}

// encode returns the records of a batch and the rejections among them: those of
// the source, and rows that turned out not to fit a record.
func (e *encoder) encode(ctx context.Context, b Batch) ([]bus.Record, []contract.Rejection, error) {
	e.arena, e.records, e.bytes, e.now = e.arena[:0], e.records[:0], 0, time.Now()
	rejections, refused := b.Rejections, b.Refused
	for i := range b.Changes {
		c := &b.Changes[i]
		// In the source's own order: what comes late of one row of a key would be taken for
		// older than what another one says.
		for len(refused) > 0 && refused[0].Origin.Sequence.Compare(c.Origin.Sequence) < 0 {
			if err := e.refusal(ctx, &refused[0]); err != nil {
				return nil, nil, err
			}
			refused = refused[1:]
		}
		rejection, err := e.change(ctx, c)
		if err != nil {
			return nil, nil, err
		}
		if rejection == nil {
			continue
		}
		if e.cfg.Keys != nil {
			rejection.Name(e.cfg.Keys, c.Key, e.cfg.Name, c.Origin.Sequence)
		}
		rejections = append(rejections[:len(rejections):len(rejections)], *rejection)
		if err := e.refusal(ctx, &Refusal{Dataset: c.Dataset, Key: c.Key, Origin: c.Origin, About: about(c), Spelling: c.Spelling}); err != nil {
			return nil, nil, err
		}
	}
	for i := range refused {
		if err := e.refusal(ctx, &refused[i]); err != nil {
			return nil, nil, err
		}
	}
	for _, r := range rejections {
		r.At, r.Sequence.Epoch = e.at(r.At), e.epoch
		value, err := e.quarantine.Append(nil, r.Record())
		if err != nil {
			return nil, nil, fmt.Errorf("encode rejection %q: %w", r.Locator, err)
		}
		e.records = append(e.records, bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(r.Key()), Value: value, Time: r.At})
		e.bytes += len(value)
	}
	return e.records, rejections, nil
}

func (e *encoder) change(ctx context.Context, c *schemas.Change) (*contract.Rejection, error) {
	topic := contract.Raw(c.Dataset.ID)
	writer, ok := e.writers[c.Dataset]
	if !ok {
		return nil, fmt.Errorf("publish change of dataset %q: it is not a dataset of the source: %w", c.Dataset.ID, ErrConfig)
	}
	r := bus.Record{Topic: topic, Partition: bus.ByKey, Time: e.at(c.Origin.At), Headers: e.headers(c)}
	switch c.Op {
	case schemas.Truncate:
		// Every partition holds some of the rows, so each must learn of it.
		n, err := e.bus.Partitions(ctx, topic)
		if err != nil {
			return nil, fmt.Errorf("publish truncate of %q: %w", c.Dataset.ID, err)
		}
		r.Key = []byte{}
		for r.Partition = range int32(n) {
			e.records = append(e.records, r)
		}
		return nil, nil
	case schemas.Delete:
	default:
		var rejection *contract.Rejection
		if r.Value, rejection = e.value(writer, c); rejection != nil {
			return rejection, nil
		}
	}
	start := len(e.arena)
	e.arena = append(e.arena, c.Key...)
	r.Key = e.arena[start:len(e.arena):len(e.arena)]
	e.records = append(e.records, r)
	e.bytes += len(r.Key) + len(r.Value)
	return nil, nil
}

// value appends a row to the arena. When the arena grows, earlier records keep
// the memory they were cut from.
func (e *encoder) value(w *codec.Writer, c *schemas.Change) ([]byte, *contract.Rejection) {
	start := len(e.arena)
	arena, err := w.Append(e.arena, c.Record)
	e.arena = arena
	value := arena[start:len(arena):len(arena)]
	if err == nil && len(value)+len(c.Key) <= maxRecord {
		return value, nil
	}
	r := e.cfg.Rejection(c.Dataset, c.Dataset.ID+"@"+c.Origin.Sequence.String(), e.at(c.Origin.At), []byte(c.Key),
		FieldError{Reason: contract.ReasonInternal, Detail: "无法编码此行 / the row cannot be encoded"})
	if err == nil || errors.Is(err, codec.ErrTooLarge) {
		r.Reason = contract.ReasonTooLarge
		r.Detail = fmt.Sprintf("一行编码后超过 %d 字节 / the row takes more than %d bytes", maxRecord, maxRecord)
	}
	e.arena = arena[:start]
	return nil, &r
}

// at is a source's time as the bus takes it: not later than when it is published. A
// clock that is ahead, or a file dated 2099, would be the newest for good.
func (e *encoder) at(source time.Time) time.Time {
	if source.After(e.now) {
		return e.now
	}
	return source
}

var ops = map[schemas.Op][]byte{
	schemas.Create: []byte("c"), schemas.Update: []byte("u"), schemas.Delete: []byte("d"), schemas.Snapshot: []byte("r"), schemas.Truncate: []byte("t"),
	schemas.Refused: []byte("x"),
}

func (e *encoder) headers(c *schemas.Change) []bus.Header {
	sequence := c.Origin.Sequence
	sequence.Epoch = e.epoch
	headers := make([]bus.Header, 0, 9)
	headers = append(headers,
		bus.Header{Key: contract.Operation, Value: ops[c.Op]},
		bus.Header{Key: contract.Pos, Value: contract.AppendPos(nil, e.cfg.Name, sequence)},
		e.run)
	if !c.Origin.At.IsZero() {
		headers = append(headers, bus.Header{Key: contract.At, Value: contract.AppendAt(nil, e.at(c.Origin.At))})
	}
	if e.cat.Key != "" {
		headers = append(headers, e.cat)
	}
	if c.Origin.Tx != "" {
		headers = append(headers, bus.Header{Key: contract.TxID, Value: contract.AppendTx(nil, c.Origin.Tx, c.Origin.TxIndex)})
	}
	if c.Spelling.Known {
		headers = append(headers, bus.Header{Key: contract.Own, Value: contract.AppendOwn(nil, c.Spelling.Is)})
	}
	if c.Spelling.Moved {
		headers = append(headers, bus.Header{Key: contract.Was, Value: contract.AppendOwn(nil, c.Spelling.Was)})
	}
	if c.Outright {
		headers = append(headers, bus.Header{Key: contract.Outright, Value: []byte{'1'}})
	}
	na, keep := unavailable(c.Record)
	if na != "" {
		headers = append(headers, bus.Header{Key: contract.Unavailable, Value: []byte(na)})
	}
	if keep != "" {
		headers = append(headers, bus.Header{Key: contract.Kept, Value: []byte(keep)})
	}
	return headers
}

// unavailable lists the columns that the source did not send: those that have a
// value there, and those that may never have had one.
func unavailable(r schemas.Record) (na, keep string) {
	var missing, kept []string
	for i := range r.Len() {
		switch v := r.Value(i); {
		case v.Kind() != schemas.KindUnavailable:
		case v.Equal(schemas.Kept):
			kept = append(kept, r.Layout().Columns[i].Name)
		default:
			missing = append(missing, r.Layout().Columns[i].Name)
		}
	}
	return contract.JoinNames(missing), contract.JoinNames(kept)
}

// refusal adds the record of raw.* that says so, in the partition of the row itself.
func (e *encoder) refusal(ctx context.Context, r *Refusal) error {
	topic := contract.Raw(r.Dataset.ID)
	n, ok := e.partitions[topic]
	if !ok {
		var err error
		if n, err = e.bus.Partitions(ctx, topic); err != nil {
			return fmt.Errorf("publish refusal of a row of %q: %w", r.Dataset.ID, err)
		}
		e.partitions[topic] = n
	}
	headers := e.headers(&schemas.Change{Dataset: r.Dataset, Op: schemas.Refused, Origin: r.Origin, Spelling: r.Spelling})
	if len(r.About) > 0 {
		headers = append(headers, bus.Header{Key: contract.About, Value: contract.AppendAbout(nil, r.About)})
	}
	e.records = append(e.records, bus.Record{
		Topic: topic, Partition: bus.PartitionOf([]byte(r.Key), n), Key: contract.AppendRefusedKey(nil, r.Key), Time: r.Origin.At, Headers: headers,
	})
	return nil
}

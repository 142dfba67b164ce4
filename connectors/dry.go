package connectors

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors/standing"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// dryRows is of how many rows a trial holds the digests, 24 bytes each and their index.
const dryRows = 8_000_000

// Difference is what a resync would do to one dataset.
type Difference struct {
	Dataset string `json:"dataset"`
	Rows    int64  `json:"rows"` // the department has
	New     int64  `json:"new"`
	Changed int64  `json:"changed"`
	Deleted int64  `json:"deleted"`
	Refused int64  `json:"refused"` // rows that would go to quarantine
}

// NoTrialError says why there is no trial of a source, now or later.
type NoTrialError struct{ Why string }

// Error implements error.
func (e *NoTrialError) Error() string { return e.Why }

// NoTrial says that a source's kind has none, and what a person does instead.
func NoTrial(cfg Config) *NoTrialError {
	return &NoTrialError{fmt.Sprintf("%s 类数据源不能试读，直接重读：%s；删除前它自会停下询问 / a source of kind %s has no trial: run %s, which stops and asks by itself before it deletes",
		cfg.Kind, contract.ResyncCommand(cfg.Name), cfg.Kind, contract.ResyncCommand(cfg.Name))}
}

// DryResync reads the whole source once, beside the one that may be running, and
// tells what a resync would change. It publishes nothing. What the department
// changes meanwhile may be counted.
func DryResync(ctx context.Context, b *bus.Bus, c *codec.Codec, cfg Config) ([]Difference, error) {
	if cfg.Reread.Dry == nil {
		return nil, NoTrial(cfg)
	}
	cfg.Tell, cfg.Metrics, cfg.Again = nil, nil, true
	e, err := newEncoder(ctx, b, c, cfg, "dry")
	if err != nil {
		return nil, err
	}
	d := &dry{cfg: cfg, encoder: e, sets: map[string]*drySet{}}
	for _, s := range cfg.Datasets {
		d.sets[s.ID] = &drySet{rows: map[[16]byte][8]byte{}, kept: map[[16]byte]bool{}}
	}
	if err := d.read(ctx); err != nil {
		return nil, fmt.Errorf("read source %q for a trial: %w", cfg.Name, err)
	}
	out := make([]Difference, 0, len(cfg.Datasets))
	for _, s := range cfg.Datasets {
		diff, err := d.compare(ctx, b, s)
		if err != nil {
			return nil, fmt.Errorf("compare dataset %q: %w", s.ID, err)
		}
		out = append(out, diff)
	}
	return out, nil
}

type dry struct {
	cfg     Config
	encoder *encoder
	sets    map[string]*drySet
	total   int
}

// drySet is the rows of one dataset: keyed digests of key and value.
type drySet struct {
	rows    map[[16]byte][8]byte
	kept    map[[16]byte]bool // refused, and so there: what stands of them stays
	refused int64
}

func (d *dry) digests(key, value []byte) (k [16]byte, v [8]byte) {
	content := d.cfg.rowDigest(value)
	return d.cfg.rowDigest(key), [8]byte(content[:])
}

func (d *dry) read(ctx context.Context) error {
	src, err := d.cfg.Reread.Dry(ctx, d.cfg, "")
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // it was only read
	for {
		b, err := src.Read(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		records, rejections, err := d.encoder.encode(ctx, b)
		if err != nil {
			return err
		}
		for _, r := range rejections {
			if s := d.sets[r.Dataset]; s != nil {
				s.refused++
			}
		}
		for _, r := range records {
			d.take(r)
		}
		if d.total > dryRows {
			return &NoTrialError{fmt.Sprintf("超过 %d 行，不试读 / more than %d rows, too many for a trial", dryRows, dryRows)}
		}
	}
}

func (d *dry) take(r bus.Record) {
	for id, s := range d.sets {
		if contract.Raw(id) != r.Topic || len(r.Key) == 0 {
			continue
		}
		if row, refused := contract.RefusedRow(r.Key); refused {
			k, _ := d.digests(row, nil)
			s.kept[k] = true
			d.total++
			continue
		}
		k, v := d.digests(r.Key, r.Value)
		if delete(s.rows, k); r.Value != nil {
			s.rows[k] = v
			d.total++
		}
	}
}

// compare holds the rows against what the raw topic comes to.
func (d *dry) compare(ctx context.Context, b *bus.Bus, s *schemas.Dataset) (Difference, error) {
	set := d.sets[s.ID]
	have, stands := map[[16]byte][8]byte{}, standing.New()
	sources, err := statuses(ctx, b)
	if err != nil {
		return Difference{}, fmt.Errorf("look who else feeds it: %w", err)
	}
	sole := contract.SoleFeeder(sources, s.ID) == d.cfg.Name
	ear := standing.Listen(d.encoder.codec, d.cfg.Name, schemas.Sequence{}, s, Key)
	err = b.Replay(ctx, contract.Raw(s.ID), func(rec bus.Record) error {
		said, err := ear.Hear(ctx, rec)
		_, mark := contract.RefusedRow(rec.Key)
		switch {
		case err != nil:
			return err
		case !said.OK, mark, rec.Header(contract.ControlHeader) != nil:
			return nil
		case len(rec.Key) == 0: // a truncate, of this partition
			stands.Empty(rec, said, func(d [16]byte) { delete(have, d) })
			return nil
		}
		k, v := d.digests(rec.Key, rec.Value)
		stands.Take(k, rec, said, v)
		delete(have, k)
		if v, ours, ok := stands.Stands(k); ok && (ours || sole) {
			have[k] = v
		}
		return nil
	})
	out := Difference{Dataset: s.ID, Rows: int64(len(set.rows)), Refused: set.refused}
	for k, v := range set.rows {
		if had, ok := have[k]; !ok {
			out.New++
		} else if had != v {
			out.Changed++
		}
		delete(have, k)
	}
	for k := range set.kept {
		delete(have, k)
	}
	out.Deleted = int64(len(have))
	return out, err
}

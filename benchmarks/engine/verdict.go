package engine

import (
	"context"
	"fmt"
	"strconv"

	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// verdict is what an engine has written, as a committed reader sees it.
type verdict struct {
	records, bytes int64
	golden, shown  map[string]uint64 // by key, the digest of the last record
	open           map[site.Finding]bool
	rejected       int64
	by             map[contract.Topic]int64 // records
}

// outlets are the topics of one engine: the same three that everybody must
// write, and what it writes beside them.
type outlets struct {
	golden, shown, findings contract.Topic
	beside                  []contract.Topic
}

// judge reads all that an engine wrote, holds it against the truth, and writes
// the same records to the topic `to`, if it is not "", for the limit to copy.
func (s *engineSite) judge(ctx context.Context, o outlets, to string) (*verdict, error) {
	v := &verdict{golden: map[string]uint64{}, shown: map[string]uint64{}, open: map[site.Finding]bool{}, by: map[contract.Topic]int64{}}
	tee, err := s.Tee(to)
	if err != nil {
		return nil, err
	}
	defer tee.Close()
	w := &site.Written{Golden: map[string]int64{}, Open: v.open}
	findings, err := s.Reader(ctx, contract.Findings, w, nil)
	if err != nil {
		return nil, err
	}
	looks := map[contract.Topic]func(*bus.Record) error{
		o.golden: s.goldenReader(ctx, v), o.shown: s.shownReader(ctx, v), o.findings: findings,
		contract.Quarantine: func(*bus.Record) error { v.rejected++; return nil },
	}
	for _, t := range append([]contract.Topic{o.golden, o.shown, o.findings}, o.beside...) {
		look := looks[t]
		err := s.Bus.Replay(ctx, t, func(r bus.Record) error {
			v.records++
			v.by[t]++
			v.bytes += sizeOf(&r)
			tee.Write(ctx, &r)
			if look == nil {
				return nil
			}
			return look(&r)
		})
		if err != nil {
			return nil, fmt.Errorf("read what was written to %q: %w", t, err)
		}
	}
	if err := tee.Flush(ctx); err != nil {
		return nil, err
	}
	return v, v.check(s.truth, s.crowd)
}

func sizeOf(r *bus.Record) int64 {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return int64(n)
}

// goldenReader keeps the digest of each golden record's values and of where
// each cell comes from.
func (s *engineSite) goldenReader(ctx context.Context, v *verdict) func(*bus.Record) error {
	layout := s.Catalogue.Entities[0].ResolvedLayout()
	reader, width, cells := s.Codec.Reader(layout), len(s.Catalogue.Entities[0].Layout.Columns), layout.Index(schemas.CellsColumn)
	return func(r *bus.Record) error {
		rec, err := reader.Decode(ctx, r.Value)
		if err != nil {
			return fmt.Errorf("read a golden record: %w", err)
		}
		var story []string
		for _, c := range rec.Value(cells).Records() {
			story = append(story, c.Get("field").Str()+" "+c.Get("dataset").Str()+" "+strconv.Itoa(len(c.Get("losers").Records())))
		}
		v.golden[string(r.Key)] = digestOfRow(string(r.Key), valuesOf(rec, width), story)
		return nil
	}
}

func (s *engineSite) shownReader(ctx context.Context, v *verdict) func(*bus.Record) error {
	view, err := s.Catalogue.View(site.Asked)
	if err != nil {
		return func(*bus.Record) error { return err }
	}
	reader := s.Codec.Reader(view.Layout)
	return func(r *bus.Record) error {
		rec, err := reader.Decode(ctx, r.Value)
		if err != nil {
			return fmt.Errorf("read a masked record: %w", err)
		}
		v.shown[string(r.Key)] = digestOfRow(string(r.Key), valuesOf(rec, rec.Len()), nil)
		return nil
	}
}

// check holds everything against the truth.
func (v *verdict) check(t *truth, c crowd) error {
	if v.rejected > 0 {
		return fmt.Errorf("%d claims are in quarantine", v.rejected)
	}
	if len(v.golden) != c.persons || len(v.shown) != c.persons {
		return fmt.Errorf("%d golden and %d masked records of %d persons", len(v.golden), len(v.shown), c.persons)
	}
	if sum := sumOf(v.golden); sum != t.golden {
		return fmt.Errorf("golden records have digest %016x, the truth has %016x", sum, t.golden)
	}
	if sum := sumOf(v.shown); sum != t.shown {
		return fmt.Errorf("masked records have digest %016x, the truth has %016x", sum, t.shown)
	}
	w := &site.Written{Open: v.open}
	return w.Check(t.open, func(string, string) bool { return true })
}

func (v *verdict) digest() string { return fmt.Sprintf("%016x", sumOf(v.golden)^mix(sumOf(v.shown))) }

func sumOf(all map[string]uint64) uint64 {
	var sum uint64
	for _, d := range all {
		sum += d
	}
	return sum
}

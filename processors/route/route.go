// Package route is the first step: it takes departments' rows one by one.
//
//	raw.<dataset> -> route -> claims.<entity>, shared.<dataset>.<view>, quarantine, refused
//
// For each change it decodes the row, fills the cells that the source did not
// send from the last image, validates every field, and compares
// the row with that image. What is older or the same is absorbed; what differs
// becomes a claim for every entity the row speaks about, a retraction for every
// entity it no longer speaks about, and a masked record for every view whose
// fields changed. A row that fails goes to quarantine with dataset, field,
// reason and position; the last good image stays and the neighbours pass. That what
// stays is older than what its department says stands in refused, and so does what a
// source has refused itself (op x), until a newer row of that key is taken or it is
// deleted.
//
// What it promises:
//   - A position of a source takes effect once: a change whose sequence is not
//     above the last one of that source for the row is dropped.
//   - A deletion is remembered for a week, so that an older change that arrives
//     late does not bring the row back.
//   - The header ver of shared records grows with every change of their key.
//
// The stage is pure: time, state and output come with the transaction.
package route

import (
	"bytes"
	"context"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// Name is the name of the step.
const Name = contract.Route

// New returns the step. Its stages register the schemas of what they
// write when they are made.
func New(cat *schemas.Catalogue, c *codec.Codec, keys *keyring.Keyring) processors.Step {
	masks := &processors.MaskFailures{}
	t := processors.Step{Name: Name, To: []contract.Topic{contract.Quarantine, contract.Refused}, Masks: masks, Keys: keys}
	for _, d := range cat.Datasets {
		t.From = append(t.From, contract.Raw(d.ID))
		for _, v := range d.Views {
			t.To = append(t.To, contract.Shared(v.ID))
		}
	}
	for _, v := range cat.Lineage.Gone() {
		if v.Dataset != nil {
			t.To = append(t.To, contract.Shared(v.ID))
		}
	}
	for _, e := range cat.Entities {
		t.To = append(t.To, contract.Claims(e.ID))
	}
	t.Stage = func() (processors.Stage, error) {
		s, err := newStage(cat, c, keys)
		if err != nil {
			return nil, err
		}
		for _, d := range s.datasets {
			for i := range d.views {
				d.views[i].projection.OnFailure(func(field string) { masks.Failed(d.Views[i].ID, field) })
			}
		}
		return s, nil
	}
	return t
}

// walk is what a build adds to the generation so that it goes over all that is kept once
// more: builds before this one kept the rows of datasets that had left.
const walk = "~left"

// Keys make tokens and digests, and seal the keys of refused rows; *keyring.Keyring does.
type Keys interface {
	masking.Keys
	Seal(label, value string) string
}

// stage is one worker's route.
type stage struct {
	ctx        context.Context // of registry look-ups, see newStage
	period     []byte          // of the catalogue
	edition    []byte          // of what is published, see processors.Edition
	generation []byte          // of what is kept
	keys       Keys
	datasets   map[contract.Topic]*dataset
	lineage    *schemas.Lineage
	gone       map[string]*dataset // that the catalogue has no more, by id
	quarantine *codec.Writer
	refusals   *codec.Writer

	// Scratch memory of the change in hand.
	key    []byte
	last   []byte // copy of the stored image
	buffer []byte
	claim  []schemas.Value
	out    []bus.Record
	arena  processors.Arena
	slab   schemas.Slab // of the records of the change in hand
}

func newStage(cat *schemas.Catalogue, c *codec.Codec, keys Keys) (*stage, error) {
	s := &stage{
		// A stage has no context of its own: the look-ups of schemas are bounded
		// by the registry's client and answered from memory but for the first.
		ctx:    context.Background(),
		period: []byte(cat.Period()), edition: processors.Edition(cat.Period(), keys), keys: keys,
		datasets: make(map[contract.Topic]*dataset, len(cat.Datasets)), lineage: &cat.Lineage,
		claim: make([]schemas.Value, len(contract.ClaimLayout.Columns)),
	}
	s.generation = append(bytes.Clone(s.edition), walk...)
	var err error
	if s.quarantine, err = c.Writer(s.ctx, contract.Quarantine.Subject(), contract.QuarantineLayout); err != nil {
		return nil, fmt.Errorf("start %q: %w", Name, err)
	}
	if s.refusals, err = c.Writer(s.ctx, contract.Refused.Subject(), contract.RefusedLayout); err != nil {
		return nil, fmt.Errorf("start %q: %w", Name, err)
	}
	for _, d := range cat.Datasets {
		one, err := s.newDataset(cat, c, d)
		if err != nil {
			return nil, fmt.Errorf("start %q, dataset %q: %w", Name, d.ID, err)
		}
		s.datasets[contract.Raw(d.ID)] = one
	}
	if s.gone, err = s.goneDatasets(cat, c); err != nil {
		return nil, fmt.Errorf("start %q: %w", Name, err)
	}
	return s, nil
}

func (s *stage) newDataset(cat *schemas.Catalogue, c *codec.Codec, d *schemas.Dataset) (*dataset, error) {
	one := &dataset{Dataset: d, prefix: append([]byte(d.ID), 0), reader: c.Reader(d.Layout), since: cat.Lineage.Back[d.ID]}
	var err error
	if one.writer, err = c.Writer(s.ctx, contract.Raw(d.ID).Subject(), d.Layout); err != nil {
		return nil, err
	}
	if err := s.link(one, cat, c); err != nil {
		return nil, err
	}
	one.left = masking.WithdrawnOf(cat, d.ID, s.keys)
	for _, v := range d.Views {
		p, err := masking.Compile(v, d.Layout, cat.City, s.keys)
		if err != nil {
			return nil, err
		}
		topic := contract.Shared(v.ID)
		w, err := c.Writer(s.ctx, topic.Subject(), v.Layout)
		if err != nil {
			return nil, err
		}
		one.views = append(one.views, newView(v, topic, p, w))
	}
	return one, nil
}

func newView(v *schemas.View, topic contract.Topic, p *masking.Projection, w *codec.Writer) view {
	one := view{topic: topic, columns: make([]int, len(v.Fields)), projection: p, writer: w}
	for i, f := range v.Fields {
		one.columns[i] = f.Index
		one.compare = one.compare || f.Mask != "" && v.Only == ""
	}
	return one
}

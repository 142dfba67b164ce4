package resolve

import (
	"context"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// publisher says what follows from an entity: the golden record, its explanation, the
// views. It is part of a stage and, like it, of one worker.
type publisher struct {
	*scratch
	digester
	entity   *schemas.Entity
	period   []byte // of the catalogue
	keys     masking.Keys
	shows    map[claimed]masking.Show // what the explanation shows
	views    []view
	left     masking.Withdrawn  // views that the entity has no more
	explain  *codec.Writer      // nil without golden fields
	resolved *codec.Writer      // nil without golden fields
	tokens   map[rowName]string // of the rows that an explanation names
}

// claimed is a golden field and the element of a value that was claimed for it.
type claimed struct {
	field   *schemas.GoldenField
	element *schemas.Element
}

// view is one masked projection of the entity.
type view struct {
	topic      contract.Topic
	projection *masking.Projection
	writer     *codec.Writer
	columns    []int // of the golden record, that it shows
	embeds     []embed
	tokens     bool // it shows tokens, or stands under one
}

// embed is the projection of rows into a view.
type embed struct {
	dataset, role string
	max           int
	columns       []int // of the row, that it shows
	projection    *masking.Projection
}

// newPublisher compiles what the entity's views and explanation show, and registers their schemas.
// In the dossier are the rows of which inDossier says so.
func newPublisher(ctx context.Context, cat *schemas.Catalogue, c *codec.Codec, e *schemas.Entity, keys masking.Keys, tables []table, inDossier func(dataset, role string) bool, own *scratch) (*publisher, error) {
	p := &publisher{
		scratch: own, digester: digester{hash: xxhash.New()}, entity: e, period: []byte(cat.Period()), keys: keys,
		shows: make(map[claimed]masking.Show), tokens: make(map[rowName]string),
	}
	p.left = masking.WithdrawnOf(cat, e.ID, keys)
	if err := p.compileShows(cat, tables); err != nil {
		return nil, err
	}
	for _, v := range e.Views {
		w, err := c.Writer(ctx, contract.Shared(v.ID).Subject(), v.Layout)
		if err != nil {
			return nil, err
		}
		if v.Name == schemas.ExplainView {
			p.explain = w
			continue
		}
		one, err := p.compileView(cat, v, inDossier)
		if err != nil {
			return nil, err
		}
		one.writer = w
		p.views = append(p.views, one)
	}
	if len(e.Fields) > 0 {
		var err error
		if p.resolved, err = c.Writer(ctx, contract.Resolved(e.ID).Subject(), e.ResolvedLayout()); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// compileShows compiles what the explanation shows of values and of the claims
// that lost to them.
func (p *publisher) compileShows(cat *schemas.Catalogue, tables []table) error {
	place := masking.NewPlace("row:"+p.entity.ID+"."+schemas.ExplainView, cat.City, p.keys)
	show := func(f *schemas.GoldenField, e *schemas.Element) error {
		var err error
		p.shows[claimed{f, e}], err = place.Of(f.Level, e, f.Element)
		return err
	}
	for _, f := range p.entity.Fields {
		if err := show(f, f.Element); err != nil {
			return err
		}
	}
	for i := range tables {
		if err := tables[i].Claimed(show); err != nil {
			return err
		}
	}
	return nil
}

func (p *publisher) compileView(cat *schemas.Catalogue, v *schemas.View, inDossier func(dataset, role string) bool) (view, error) {
	one := view{topic: contract.Shared(v.ID), columns: columnsOf(v.Fields)}
	var err error
	if one.projection, err = masking.Compile(v, p.entity.Layout, cat.City, p.keys); err != nil {
		return one, err
	}
	one.tokens = one.projection.Tokens()
	for i, b := range v.Embed {
		if !inDossier(b.Dataset.ID, b.Role) {
			return one, fmt.Errorf("view %q embeds %s/%s, whose rows are not in the dossier: %w", v.ID, b.Dataset.ID, b.Role, masking.ErrRefused)
		}
		projection, err := masking.Embed(v, i, cat.City, p.keys)
		if err != nil {
			return one, err
		}
		one.tokens = one.tokens || projection.Tokens()
		one.embeds = append(one.embeds, embed{b.Dataset.ID, b.Role, b.Limit(), columnsOf(b.Fields), projection})
	}
	return one, nil
}

// embeds reports whether a view shows rows of a dataset in a role.
func (p *publisher) embeds(dataset, role string) bool {
	for i := range p.views {
		for j := range p.views[i].embeds {
			if e := &p.views[i].embeds[j]; e.dataset == dataset && e.role == role {
				return true
			}
		}
	}
	return false
}

func columnsOf(fields []schemas.ViewField) []int {
	columns := make([]int, len(fields))
	for i, f := range fields {
		columns[i] = f.Index
	}
	return columns
}

// countMasks counts the fields that views drop; those of embedded rows under
// the field of their own dataset.
func (p *publisher) countMasks(masks *processors.MaskFailures) {
	for i := range p.views {
		v := &p.views[i]
		_, id := v.topic.Family()
		v.projection.OnFailure(func(field string) { masks.Failed(id, field) })
		for j := range v.embeds {
			v.embeds[j].projection.OnFailure(func(field string) { masks.Failed(id, field) })
		}
	}
}

// headers are those of everything the step emits.
func (p *publisher) headers(version uint64, at time.Time) []bus.Header {
	return []bus.Header{
		{Key: contract.Version, Value: contract.AppendVersion(make([]byte, 0, 16), version)},
		{Key: contract.Catalogue, Value: p.period},
		{Key: contract.At, Value: contract.AppendAt(nil, at)},
	}
}

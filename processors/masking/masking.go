// Package masking turns a clear record into the record that a view may show.
//
// Compile makes a Projection of one view once; Apply runs it on each record.
// A projection only reads the columns that its view lists, so a field that the
// view does not know is withheld by construction. A mask that does not
// understand a value, or panics, yields null and is counted: a value is never
// passed on because its mask failed.
//
// Each rule stands in a file of its own and in the table of rule.go. The rules
// that people read (partial, district, band, year, surname, present) are
// idempotent: masking what is already masked changes nothing.
//
// The package is pure: it reads no clock (the caller says what time it is, for
// the rule age) and keeps no state. A Projection is safe for concurrent use.
package masking

import (
	"fmt"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// Projection is a compiled view. It is immutable.
type Projection struct {
	view    *schemas.View
	layout  *schemas.Layout
	columns []column
	embeds  int // Rows columns after the fields
	key     string
	keys    Keys
	tokens  bool               // the key or a column is a token
	failed  func(field string) // may be nil
}

// column is one column of the view: where it comes from and what is done to it.
type column struct {
	from int
	mask mask // nil: copied through
}

// Compile builds the projection of a view whose records have the given layout
// (Dataset.Layout or Entity.Layout, possibly with further columns behind). It
// checks every position by name, so that a layout that moved is an error here
// and not a leak later. The columns for embedded rows are left empty by Apply;
// see Embed.
func Compile(view *schemas.View, source *schemas.Layout, city schemas.City, keys Keys) (*Projection, error) {
	p := &Projection{view: view, layout: view.Layout, keys: keys, embeds: len(view.Embed), key: contract.KeyLabel(audience(view))}
	if len(view.Layout.Columns) != len(view.Fields)+len(view.Embed) {
		return nil, fmt.Errorf("compile view %q: layout has %d columns, view has %d fields and %d embeds: %w",
			view.ID, len(view.Layout.Columns), len(view.Fields), len(view.Embed), ErrRefused)
	}
	if err := refuse(view); err != nil {
		return nil, fmt.Errorf("compile view %q: %w", view.ID, err)
	}
	columns, err := compileFields(view, view.Fields, source, view.Layout, view.Column, city, keys)
	if err != nil {
		return nil, fmt.Errorf("compile view %q: %w", view.ID, err)
	}
	for i, e := range view.Embed {
		if c := view.Layout.Columns[len(view.Fields)+i]; c.Type != schemas.Rows || c.Rows != e.Layout {
			return nil, fmt.Errorf("compile view %q: column %q does not hold the embedded rows: %w", view.ID, c.Name, ErrRefused)
		}
	}
	p.columns, p.tokens = columns, view.KeyMask || tokens(view.Fields)
	return p, nil
}

// Embed compiles the i-th embed of a view: the projection of one embedded row.
func Embed(view *schemas.View, i int, city schemas.City, keys Keys) (*Projection, error) {
	e := view.Embed[i]
	p := &Projection{view: view, layout: e.Layout, keys: keys, key: contract.KeyLabel(audience(view))}
	columns, err := compileFields(view, e.Fields, e.Dataset.Layout, e.Layout, e.Dataset.Column, city, keys)
	if err != nil {
		return nil, fmt.Errorf("compile view %q, embedded %s: %w", view.ID, e.Dataset.ID, err)
	}
	p.columns, p.tokens = columns, tokens(e.Fields)
	return p, nil
}

func tokens(fields []schemas.ViewField) bool {
	return slices.ContainsFunc(fields, func(f schemas.ViewField) bool { return f.Mask == maskToken })
}

func compileFields(view *schemas.View, fields []schemas.ViewField, source, target *schemas.Layout,
	of func(column string) (*schemas.Element, string), city schemas.City, keys Keys,
) ([]column, error) {
	columns := make([]column, len(fields))
	for i, f := range fields {
		if f.Index < 0 || f.Index >= len(source.Columns) || source.Columns[f.Index].Name != f.Name {
			return nil, fmt.Errorf("field %q is not column %d of %s: %w", f.Name, f.Index, source.Name, ErrRefused)
		}
		if target.Columns[i].Name != f.Name {
			return nil, fmt.Errorf("field %q is not column %d of the view's layout: %w", f.Name, i, ErrRefused)
		}
		e, _ := of(f.Name)
		if e == nil {
			return nil, fmt.Errorf("field %q has no element: %w", f.Name, ErrRefused)
		}
		columns[i].from = f.Index
		if f.Mask == "" {
			if view.Only == "verify" {
				return nil, fmt.Errorf("field %q is clear in a view for verification only: %w", f.Name, ErrRefused)
			}
			if a, b := source.Columns[f.Index].Type, target.Columns[i].Type; a != b {
				return nil, fmt.Errorf("field %q is clear but changes from %s to %s: %w", f.Name, a, b, ErrRefused)
			}
			if f.Screened {
				columns[i].mask = screen(e)
			}
			continue
		}
		m, err := compile(f.Mask, spec{
			element: e, from: source.Columns[f.Index], to: target.Columns[i], field: f.Name, view: view, city: city, keys: keys,
		})
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", f.Name, err)
		}
		columns[i].mask = m
	}
	return columns, nil
}

// Apply returns what the view shows of rec and how many fields were dropped
// because their mask failed. now is only read by the rule age. Embedded rows
// are null until WithEmbeds fills them.
func (p *Projection) Apply(rec schemas.Record, now time.Time) (schemas.Record, int) {
	return p.ApplyInto(nil, rec, now)
}

// ApplyInto is Apply into values of a slab, which live until its Reset.
func (p *Projection) ApplyInto(slab *schemas.Slab, rec schemas.Record, now time.Time) (schemas.Record, int) {
	values := slab.Values(len(p.layout.Columns))
	dropped := 0
	for i := range p.columns {
		c := &p.columns[i]
		v := rec.Value(c.from)
		if v.Kind() == schemas.KindUnavailable {
			v = schemas.Null
		}
		if c.mask == nil {
			values[i] = v
			continue
		}
		out, ok := c.run(v, now)
		if !ok {
			dropped++
			if p.failed != nil {
				p.failed(p.layout.Columns[i].Name)
			}
			continue
		}
		values[i] = out
	}
	for i := len(p.columns); i < len(values); i++ {
		values[i] = schemas.Table(nil)
	}
	return schemas.NewRecord(p.layout, values), dropped
}

// OnFailure has failed called with the name of each field that is dropped
// because its mask failed. It is set before the first Apply.
func (p *Projection) OnFailure(failed func(field string)) { p.failed = failed }

// WithEmbeds returns rec with its i-th embedded column holding rows, which must
// have been made by the projection of that embed.
func (p *Projection) WithEmbeds(rec schemas.Record, i int, rows []schemas.Record) schemas.Record {
	return rec.With(len(p.columns)+i, schemas.Table(rows))
}

// Key returns the key of the shared record about the owner of that key: the key
// itself where the view shows it, a keyed token where it does not.
func (p *Projection) Key(owner string) string {
	if !p.view.KeyMask {
		return owner
	}
	return p.keys.Token(p.key, owner)
}

// Tokens reports whether what the projection makes is under another version of the
// key ring another.
func (p *Projection) Tokens() bool { return p.tokens }

// KeyUnder is Key as it was under an older version of the key ring; "" where that
// made no difference. The error is keyring.ErrKey if the ring does not hold it.
func (p *Projection) KeyUnder(version int, owner string) (string, error) {
	if !p.view.KeyMask || version == p.keys.Current() {
		return "", nil
	}
	key, err := p.keys.TokenVersion(version, p.key, owner)
	if err != nil {
		return "", fmt.Errorf("key of view %q: %w", p.view.ID, err)
	}
	return key, nil
}

// run applies the column's mask; a panic is a failed mask.
func (c *column) run(v schemas.Value, now time.Time) (out schemas.Value, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			_ = crash.Of(p) // it is counted by its place
			out, ok = schemas.Null, false
		}
	}()
	return c.mask(v, now)
}

// refuse finds what no view may do, whatever the catalogue says: show an
// identifier and hide it at once, or show beside a partly hidden identifier the
// value that the hidden part is made of.
func refuse(v *schemas.View) error {
	hidden := make(map[string]bool) // element ids shown in part
	masked := make(map[string]bool) // element ids that any mask hides
	for _, f := range v.Fields {
		e, _ := v.Column(f.Name)
		if e == nil || f.Mask == "" {
			continue
		}
		for _, id := range []string{e.ID, e.Contains} {
			hidden[id] = hidden[id] || f.Mask == schemas.MaskPartial
			masked[id] = true
		}
	}
	for _, f := range v.Fields {
		e, _ := v.Column(f.Name)
		if e != nil && f.Mask == "" && e.Contains != "" && masked[e.Contains] {
			return fmt.Errorf("field %q is clear and made of %q, which is masked: %w", f.Name, e.Contains, ErrRefused)
		}
		if e == nil || f.Mask != "" || e.PartOf == "" || !hidden[e.PartOf] {
			continue
		}
		return fmt.Errorf("field %q is clear and part of %q, which is shown in part: the identifier would be recoverable: %w", f.Name, e.PartOf, ErrRefused)
	}
	return nil
}

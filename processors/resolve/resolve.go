// Package resolve is the second step, one an entity: it keeps the
// dossier of each person or enterprise and says what follows from it.
//
//	claims.<entity> -> resolve.<entity> -> resolved.<entity>, findings, shared.<entity>.<view>, quarantine
//
// The dossier is stored claim by claim, so that a change costs one small write
// however much is known about the entity. For each entity of a batch the stage
// loads the dossier once, applies all changes, and then computes what depends on
// them: the golden record (package authority), the contradictions (verification)
// and the masked views (masking). Only what differs from what was last said is
// emitted. A row is decoded when somebody reads it; rows of datasets that are
// only counted or summed are never loaded, their aggregate is kept in the head.
//
// The head of an entity remembers, beside the aggregates and the state of its
// findings, digests of what was last emitted and the edition under which that was:
// under another catalogue or key, or when another authority table comes into force,
// everything is computed afresh, when the entity is next touched or when the
// engine's renewing comes to it, in one transaction with all that it emits. What
// stood under a token of the key before is deleted there, and the header moved of
// that deletion says where it stands now.
//
// The stage is pure: time, state and output come with the transaction.
package resolve

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/authority"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/processors/verification"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// Name returns the name of an entity's step.
func Name(entity string) string { return contract.Resolve(entity) }

// New returns the step of an entity. Its stages compile authority,
// rules and views and register the schemas of what they write when they are made.
func New(cat *schemas.Catalogue, c *codec.Codec, keys *keyring.Keyring, entity string) processors.Step {
	masks := &processors.MaskFailures{}
	t := processors.Step{
		Name: Name(entity), From: []contract.Topic{contract.Claims(entity)}, To: []contract.Topic{contract.Findings, contract.Quarantine}, Home: home, Common: isControl, Masks: masks,
		Keys: keys,
	}
	if e, err := cat.Entity(entity); err == nil {
		if len(e.Fields) > 0 {
			t.To = append(t.To, contract.Resolved(entity))
		}
		for _, v := range e.Views {
			t.To = append(t.To, contract.Shared(v.ID))
		}
	}
	t.Stage = func() (processors.Stage, error) {
		s, err := newStage(cat, c, keys, entity)
		if err != nil {
			return nil, err
		}
		s.countMasks(masks)
		return s, nil
	}
	return t
}

// countMasks counts the fields that views drop; those of embedded rows under
// the field of their own dataset.
func (s *stage) countMasks(masks *processors.MaskFailures) {
	for i := range s.views {
		v := &s.views[i]
		_, id := v.topic.Family()
		v.projection.OnFailure(func(field string) { masks.Failed(id, field) })
		for j := range v.embeds {
			v.embeds[j].projection.OnFailure(func(field string) { masks.Failed(id, field) })
		}
	}
}

// Check compiles everything that the steps of a catalogue would compile, and so
// finds what is wrong with rules, authority tables and masks before they run.
func Check(cat *schemas.Catalogue, keys masking.Keys) error {
	c := codec.New(codec.NewMemory())
	for _, e := range cat.Entities {
		if _, err := newStage(cat, c, keys, e.ID); err != nil {
			return err
		}
	}
	return nil
}

// stage is one worker's resolve of one entity.
type stage struct {
	ctx     context.Context // of registry look-ups, see newStage
	name    string
	entity  *schemas.Entity
	version []byte // of the catalogue
	edition []byte // of what is published, see processors.Edition
	keys    masking.Keys

	claims   *codec.Reader
	datasets map[string]*dataset
	tables   []table
	rules    *verification.Set
	run      *verification.Evaluator
	dirty    *verification.Dirty
	shows    map[claimed]masking.Show // what the explanation shows
	views    []view
	explain  *codec.Writer // nil without golden fields
	resolved *codec.Writer // nil without golden fields
	findings *codec.Writer
	rejects  *codec.Writer

	aggregates []aggregate
	aggregated uint64 // digest of their definitions

	awaitable []string              // datasets that some case waits for
	complete  map[string]partitions // what is known of completions, by dataset
	asked     bool                  // complete is what this call's transaction has
	failed    error                 // why it is not

	// Scratch memory of the entity in hand.
	subject subject
	before  head         // as it was before what follows from it was computed
	emits   []bus.Record // of it, held back
	sums    []int64      // of before a claim
	groups  []group
	byKey   map[string]int // position in groups
	next    []int          // by record of the batch: the next one of the same entity, 0 none
	rows    []claim.Row    // slab that loaded rows are taken from
	loaded  []byte         // copy of what was scanned
	names   map[string]string
	key     []byte
	buffer  []byte
	text    []byte
	hash    *xxhash.Digest
	word    [16]byte // scratch of hash
	arena   arena
	slab    schemas.Slab // of decoded rows and records to write
	golden  authority.Golden
	tokens  map[rowName]string // of the rows that an explanation names
}

// rowName names a row among all datasets.
type rowName struct{ dataset, row string }

// dataset is how claims of one dataset are read.
type dataset struct {
	*schemas.Dataset
	reader *codec.Reader
	decode func(row string, value []byte) (schemas.Record, error)
	groups map[string][]int // by role: aggregates over the rows, which are then not loaded
}

// table is one version of the authority table.
type table struct {
	effective time.Time
	*authority.Table
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

func newStage(cat *schemas.Catalogue, c *codec.Codec, keys masking.Keys, entity string) (*stage, error) {
	e, err := cat.Entity(entity)
	if err != nil {
		return nil, fmt.Errorf("start %q: %w", Name(entity), err)
	}
	s := &stage{
		// A stage has no context of its own: the look-ups of schemas are bounded
		// by the registry's client and answered from memory but for the first.
		ctx:  context.Background(),
		name: Name(entity), entity: e, version: []byte(cat.Version), edition: processors.Edition(cat.Version, keys), keys: keys,
		claims: c.Reader(contract.ClaimLayout), datasets: make(map[string]*dataset),
		shows: make(map[claimed]masking.Show), byKey: make(map[string]int), names: make(map[string]string), hash: xxhash.New(),
		tokens: make(map[rowName]string), complete: make(map[string]partitions),
	}
	for _, step := range []func(*schemas.Catalogue, *codec.Codec) error{s.readDatasets, s.compileTables, s.compileViews, s.registerTopics} {
		if err := step(cat, c); err != nil {
			return nil, fmt.Errorf("start %q: %w", s.name, err)
		}
	}
	if s.rules, err = verification.Compile(cat, e, keys); err != nil {
		return nil, fmt.Errorf("start %q: %w", s.name, err)
	}
	for _, a := range s.rules.Awaits() {
		for _, id := range a.Datasets {
			if !slices.Contains(s.awaitable, id) {
				s.awaitable = append(s.awaitable, id)
			}
		}
	}
	s.run, s.dirty = s.rules.Evaluator(), s.rules.Dirty()
	s.subject.dossier.Entity = e
	return s, nil
}

func (s *stage) readDatasets(cat *schemas.Catalogue, c *codec.Codec) error {
	for _, d := range cat.Datasets {
		for _, l := range d.Links {
			if l.Entity != s.entity.ID || s.datasets[d.ID] != nil {
				continue
			}
			reader := c.Reader(d.Layout)
			s.datasets[d.ID] = &dataset{
				Dataset: d, reader: reader, groups: make(map[string][]int),
				decode: func(row string, value []byte) (schemas.Record, error) {
					return claim.Read(s.ctx, d, reader, row, string(value), &s.slab)
				},
			}
		}
	}
	return s.compileAggregates(cat)
}

func (s *stage) compileTables(cat *schemas.Catalogue, _ *codec.Codec) error {
	where := func(d *schemas.Dataset, expression string) (authority.Condition, error) {
		return counted(cat, d, expression)
	}
	for i := range s.entity.Authority {
		t, err := authority.Compile(cat, s.entity, &s.entity.Authority[i], where)
		if err != nil {
			return err
		}
		for id, d := range s.datasets {
			for role := range d.groups {
				if t.Reads(id, role) {
					return fmt.Errorf("authority of %q reads %s/%s, whose rows are only aggregated: %w", s.entity.ID, id, role, authority.ErrTable)
				}
			}
		}
		s.tables = append(s.tables, table{s.entity.Authority[i].Effective, t})
	}
	return s.compileShows(cat)
}

// claimed is a golden field and the element of a value that was claimed for it.
type claimed struct {
	field   *schemas.GoldenField
	element *schemas.Element
}

// compileShows compiles what the explanation shows of values and of the claims
// that lost to them.
func (s *stage) compileShows(cat *schemas.Catalogue) error {
	place := masking.NewPlace("row:"+s.entity.ID+"."+schemas.ExplainView, cat.City, s.keys)
	show := func(f *schemas.GoldenField, e *schemas.Element) error {
		var err error
		s.shows[claimed{f, e}], err = place.Of(f.Level, e, f.Element)
		return err
	}
	for _, f := range s.entity.Fields {
		if err := show(f, f.Element); err != nil {
			return err
		}
	}
	for i := range s.tables {
		if err := s.tables[i].Claimed(show); err != nil {
			return err
		}
	}
	return nil
}

// current returns the position of the authority table in force, -1 if none is.
func (s *stage) current(now time.Time) int {
	for i := len(s.tables) - 1; i >= 0; i-- {
		if !s.tables[i].effective.After(now) {
			return i
		}
	}
	return -1
}

func (s *stage) compileViews(cat *schemas.Catalogue, c *codec.Codec) error {
	for _, v := range s.entity.Views {
		topic := contract.Shared(v.ID)
		w, err := c.Writer(s.ctx, topic.Subject(), v.Layout)
		if err != nil {
			return err
		}
		if v.Name == schemas.ExplainView {
			s.explain = w
			continue
		}
		one := view{topic: topic, writer: w, columns: columnsOf(v.Fields)}
		if one.projection, err = masking.Compile(v, s.entity.Layout, cat.City, s.keys); err != nil {
			return err
		}
		one.tokens = one.projection.Tokens()
		for i, b := range v.Embed {
			if d := s.datasets[b.Dataset.ID]; d == nil || d.groups[b.Role] != nil {
				return fmt.Errorf("view %q embeds %s/%s, whose rows are not in the dossier: %w", v.ID, b.Dataset.ID, b.Role, masking.ErrRefused)
			}
			p, err := masking.Embed(v, i, cat.City, s.keys)
			if err != nil {
				return err
			}
			limit := b.Max
			if limit == 0 {
				limit = 100
			}
			one.tokens = one.tokens || p.Tokens()
			one.embeds = append(one.embeds, embed{b.Dataset.ID, b.Role, limit, columnsOf(b.Fields), p})
		}
		s.views = append(s.views, one)
	}
	return nil
}

func columnsOf(fields []schemas.ViewField) []int {
	columns := make([]int, len(fields))
	for i, f := range fields {
		columns[i] = f.Index
	}
	return columns
}

func (s *stage) registerTopics(_ *schemas.Catalogue, c *codec.Codec) error {
	var err error
	if len(s.entity.Fields) > 0 {
		if s.resolved, err = c.Writer(s.ctx, contract.Resolved(s.entity.ID).Subject(), s.entity.ResolvedLayout()); err != nil {
			return err
		}
	}
	if s.findings, err = c.Writer(s.ctx, contract.Findings.Subject(), contract.FindingLayout); err != nil {
		return err
	}
	s.rejects, err = c.Writer(s.ctx, contract.Quarantine.Subject(), contract.QuarantineLayout)
	return err
}

// arena hands out memory for records, which must live until the transaction
// ends, in pieces of large blocks.
type arena struct{ free []byte }

// copy returns a copy of b.
func (a *arena) copy(b []byte) []byte {
	if len(b) > cap(a.free)-len(a.free) {
		a.free = make([]byte, 0, max(64<<10, len(b)))
	}
	n := len(a.free)
	a.free = append(a.free, b...)
	return a.free[n:len(a.free):len(a.free)]
}

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
		t.To = append(t.To, masking.WithdrawnOf(cat, entity, keys).Topics()...)
	}
	t.Stage = func() (processors.Stage, error) {
		s, err := newStage(cat, c, keys, entity)
		if err != nil {
			return nil, err
		}
		s.publisher.countMasks(masks)
		return s, nil
	}
	return t
}

// stage is one worker's resolve of one entity.
type stage struct {
	*scratch
	ctx     context.Context // of registry look-ups, see newStage
	name    string
	entity  *schemas.Entity
	edition []byte // of what is published, see processors.Edition
	lineage *schemas.Lineage
	keys    masking.Keys

	claims   *codec.Reader
	datasets map[string]*dataset
	linked   map[schemas.LinkName]bool // that rows speak about the entity by
	tables   []table
	rules    *verification.Set
	run      *verification.Evaluator
	dirty    *verification.Dirty
	findings *codec.Writer
	rejects  *codec.Writer

	publisher   *publisher
	completions *completions

	aggregates []aggregate
	aggregated uint64   // digest of their definitions
	awaitable  []string // datasets that some case waits for

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
	text    []byte
	golden  authority.Golden
}

func newStage(cat *schemas.Catalogue, c *codec.Codec, keys masking.Keys, entity string) (*stage, error) {
	e, err := cat.Entity(entity)
	if err != nil {
		return nil, fmt.Errorf("start %q: %w", Name(entity), err)
	}
	s := &stage{
		scratch: &scratch{},
		// A stage has no context of its own: the look-ups of schemas are bounded
		// by the registry's client and answered from memory but for the first.
		ctx:  context.Background(),
		name: Name(entity), entity: e, edition: processors.Edition(cat.Period(), keys), lineage: &cat.Lineage, keys: keys,
		claims: c.Reader(contract.ClaimLayout), datasets: make(map[string]*dataset), linked: make(map[schemas.LinkName]bool),
		byKey: make(map[string]int), names: make(map[string]string),
	}
	s.completions = newCompletions(s.names, cat)
	for _, step := range []func(*schemas.Catalogue, *codec.Codec) error{s.readDatasets, s.compileTables, s.registerTopics} {
		if err := step(cat, c); err != nil {
			return nil, fmt.Errorf("start %q: %w", s.name, err)
		}
	}
	if s.publisher, err = newPublisher(s.ctx, cat, c, e, keys, s.tables, s.inDossier, s.scratch); err != nil {
		return nil, fmt.Errorf("start %q: %w", s.name, err)
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
			if l.Entity != s.entity.ID {
				continue
			}
			s.linked[schemas.LinkName{Entity: l.Entity, Dataset: d.ID, Role: l.Role}] = true
			if s.datasets[d.ID] != nil {
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

// inDossier reports whether rows of a dataset in a role are loaded, and not only aggregated.
func (s *stage) inDossier(dataset, role string) bool {
	d := s.datasets[dataset]
	return d != nil && d.groups[role] == nil
}

func (s *stage) registerTopics(_ *schemas.Catalogue, c *codec.Codec) error {
	var err error
	if s.findings, err = c.Writer(s.ctx, contract.Findings.Subject(), contract.FindingLayout); err != nil {
		return err
	}
	s.rejects, err = c.Writer(s.ctx, contract.Quarantine.Subject(), contract.QuarantineLayout)
	return err
}

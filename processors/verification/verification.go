// Package verification holds departments' words against one another (互核互校).
//
// Compile turns an entity's rules into a Set once; Evaluate runs the cases whose
// inputs changed, or whose time has come, over a dossier, and says which
// findings open, change, close or open again. It is a pure function: what it
// must remember between two evaluations is the States it is given and returns.
//
// Conditions are those of package condition, over the environment of variables.go:
// what is wrong with one is an error of Compile that names the file, the case and the
// position. At run time a condition that comes to null is not a contradiction; one
// that cannot be evaluated leaves its finding as it was and is a Fault.
package verification

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/condition"
)

// defaultDays is how many working days a department has where the case does
// not say.
const defaultDays = 10

// Compile compiles the rules of an entity. All that is wrong is joined into one
// error.
func Compile(cat *schemas.Catalogue, e *schemas.Entity, keys masking.Keys) (*Set, error) {
	s := &Set{
		entity: e, calendar: &cat.Calendar, keys: keys, place: masking.NewPlace("finding", cat.City, keys),
		byName: make(map[string]int), inputs: make(map[string][]int),
	}
	for _, a := range e.Aggregates {
		if d, err := cat.Dataset(a.Dataset); err == nil && s.owner == "" {
			s.owner = d.Provider.ID
		}
	}
	var err error
	if s.subject, err = s.place.Of(e.Key.Element.Level, e.Key.Element); err != nil {
		return nil, err
	}
	if err := s.environment(cat); err != nil {
		return nil, fmt.Errorf("build environment of entity %q: %w", e.ID, err)
	}
	var problems []error
	for _, r := range slices.Concat(cat.Rules, cat.CodeRules) {
		if r.Entity != e.ID {
			continue
		}
		for _, c := range r.Cases {
			one, err := s.compileCase(cat, r, c)
			if placed := (*schemas.ConditionError)(nil); errors.As(err, &placed) {
				problems = append(problems, placed)
				continue
			}
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: 情形 / case %q: %w", r.File, c.ID, err))
				continue
			}
			s.byName[one.name] = len(s.cases)
			s.cases = append(s.cases, one)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	for i, one := range s.cases {
		one.awaits = s.awaits(one.when)
		s.listen(i, one)
	}
	return s, nil
}

// listen enters a case under everything that changes it: its inputs, what it
// shows as evidence and, where the provider must act, every row of the entity.
// What is emitted last then never depends on the way to it.
func (s *Set) listen(i int, one *compiled) {
	heard := make(map[string]bool)
	hear := func(sources ...string) {
		for _, in := range sources {
			if !heard[in] {
				heard[in] = true
				s.inputs[in] = append(s.inputs[in], i)
			}
		}
	}
	for _, name := range one.c.Inputs {
		hear(s.sourcesOf(name)...)
	}
	for _, name := range one.c.Evidence {
		owner, field, _ := strings.Cut(name, ".")
		if owner == "agg" {
			owner += "." + field
		}
		hear(s.sourcesOf(owner)...)
	}
	if one.c.Owner == provider {
		for _, v := range s.variables {
			if v.kind == rowsVariable {
				hear(s.sourcesOf(v.name)...)
			}
		}
	}
}

// Len returns how many cases there are.
func (s *Set) Len() int { return len(s.cases) }

func (s *Set) compileCase(cat *schemas.Catalogue, r *schemas.Rule, c *schemas.Case) (*compiled, error) {
	one := &compiled{rule: r, c: c, name: schemas.CaseName(r.ID, c.ID)}
	allowed, err := s.allowed(c)
	if err != nil {
		return nil, err
	}
	for _, name := range c.Doubts {
		x, err := s.exhibit(cat, c.Inputs[0]+"."+name)
		if err != nil {
			return nil, fmt.Errorf("doubts %q: %w", name, err)
		}
		one.doubts = append(one.doubts, x)
	}
	if len(one.doubts) == 0 {
		if one.when, err = s.program(cat, r, c, "when", c.When, condition.Bool, allowed); err != nil {
			return nil, err
		}
	}
	if c.Until != "" {
		if one.until, err = s.program(cat, r, c, "until", c.Until, condition.Moment, allowed); err != nil {
			return nil, err
		}
	}
	if c.Owner != provider {
		if _, err := cat.Department(c.Owner); err != nil {
			return nil, fmt.Errorf("owner: %w", err)
		}
	}
	for _, name := range c.Evidence {
		x, err := s.exhibit(cat, name)
		if err != nil {
			return nil, fmt.Errorf("evidence %q: %w", name, err)
		}
		one.evidence = append(one.evidence, x)
		s.readsGolden = s.readsGolden || x.golden
	}
	s.readsGolden = s.readsGolden || allowed["golden"]
	return one, nil
}

// program compiles an expression of a case.
func (s *Set) program(cat *schemas.Catalogue, r *schemas.Rule, c *schemas.Case, key, text string, want condition.Yields, allowed map[string]bool) (*condition.Expression, error) {
	x, err := s.env.Compile(text, want, allowed)
	if wrong := (*condition.CompileError)(nil); errors.As(err, &wrong) {
		return nil, wrong.In(cat, schemas.Passage{File: r.File, Text: text}, fmt.Sprintf("情形 %s 的 %s", c.ID, key), fmt.Sprintf("%s of case %q", key, c.ID), ErrRule)
	}
	return x, err
}

// provider as a case's owner stands for the department that says the row exists.
const provider = "provider"

// allowed returns the variables that a case may read by its inputs.
func (s *Set) allowed(c *schemas.Case) (map[string]bool, error) {
	allowed := map[string]bool{"key": true, "now": true, "today": true}
	for _, name := range c.Inputs {
		variable := strings.ReplaceAll(name, "/", "_")
		if rest, ok := strings.CutPrefix(name, "agg."); ok {
			if !slices.ContainsFunc(s.entity.Aggregates, func(a *schemas.Aggregate) bool { return a.Name == rest }) {
				return nil, fmt.Errorf("input %q: entity %q has no such aggregate: %w", name, s.entity.ID, ErrRule)
			}
			allowed["agg"] = true
			continue
		}
		if _, ok := s.env.Slot(variable); !ok {
			return nil, fmt.Errorf("input %q: no dataset of that name speaks in that role about entity %q (or its rows are aggregated): %w", name, s.entity.ID, ErrRule)
		}
		allowed[variable] = true
	}
	return allowed, nil
}

// sourcesOf returns what must change for an input to change: the dataset's
// (dataset, role) pairs, "golden", or the aggregate.
func (s *Set) sourcesOf(name string) []string {
	if strings.HasPrefix(name, "agg.") || name == "golden" {
		return []string{name}
	}
	var in []string
	if slot, ok := s.env.Slot(strings.ReplaceAll(name, "/", "_")); ok {
		v := s.variables[slot]
		for _, role := range v.roles {
			in = append(in, v.dataset.ID+"/"+role)
		}
	}
	return in
}

func (s *Set) exhibit(cat *schemas.Catalogue, name string) (exhibit, error) {
	owner, field, ok := strings.Cut(name, ".")
	if !ok {
		return exhibit{}, fmt.Errorf("want DATASET.FIELD, golden.FIELD or agg.NAME: %w", ErrRule)
	}
	switch owner {
	case "golden":
		for _, f := range s.entity.Fields {
			if f.Name == field {
				show, err := s.place.Of(f.Level, f.Element)
				return exhibit{name: field, golden: true, column: f.Index, show: show}, err
			}
		}
		return exhibit{}, fmt.Errorf("entity %q has no field %q: %w", s.entity.ID, field, ErrRule)
	case "agg":
		for i, a := range s.entity.Aggregates {
			if a.Name == field {
				return s.total(cat, a, i)
			}
		}
		return exhibit{}, fmt.Errorf("entity %q has no aggregate %q: %w", s.entity.ID, field, ErrRule)
	}
	id, role, hasRole := strings.Cut(owner, "/")
	d, err := cat.Dataset(id)
	if err != nil {
		return exhibit{}, err
	}
	slot, ok := s.env.Slot(strings.ReplaceAll(owner, "/", "_"))
	at := d.Layout.Index(field)
	if !ok || at < 0 {
		return exhibit{}, fmt.Errorf("no such field, or the dataset does not speak about entity %q: %w", s.entity.ID, ErrRule)
	}
	show, err := s.place.Of(d.Fields[at].Level, d.Fields[at].Element)
	return exhibit{
		name: field, dataset: d, role: role, roles: !hasRole && len(s.variables[slot].roles) > 0 && s.variables[slot].roles[0] != "",
		column: at, show: show,
	}, err
}

// total shows a number of rows as it is, and a sum as one of its parts.
func (s *Set) total(cat *schemas.Catalogue, a *schemas.Aggregate, at int) (exhibit, error) {
	x := exhibit{name: a.Name, sum: a, column: at}
	if a.Sum == "" {
		return x, nil
	}
	c, err := summed(cat, a)
	if err != nil {
		return exhibit{}, err
	}
	d, err := cat.Dataset(a.Dataset)
	if err != nil {
		return exhibit{}, err
	}
	f := d.Fields[d.Layout.Index(a.Sum)]
	x.scale = c.Scale
	x.show, err = s.place.Of(f.Level, f.Element)
	return x, err
}

// ReadsGolden reports whether any case reads or shows the golden record.
func (s *Set) ReadsGolden() bool { return s.readsGolden }

// Awaits returns, by rule and case, the cases of a catalogue that wait.
func Awaits(cat *schemas.Catalogue, keys masking.Keys) ([]Awaited, error) {
	var out []Awaited
	for _, e := range cat.Entities {
		s, err := Compile(cat, e, keys)
		if err != nil {
			return nil, err
		}
		out = append(out, s.Awaits()...)
	}
	slices.SortFunc(out, func(a, b Awaited) int { return strings.Compare(a.Rule+"/"+a.Case, b.Rule+"/"+b.Case) })
	return out, nil
}

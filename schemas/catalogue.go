package schemas

import (
	"errors"
	"fmt"
	"maps"
)

// ErrUnknown says that the catalogue holds nothing of that name.
var ErrUnknown = errors.New("unknown in the catalogue")

// Catalogue is a city's data-sharing contract: departments, data elements,
// datasets, entities, rules and purposes, read from one folder of YAML.
type Catalogue struct {
	City        City
	Departments []*Department
	Elements    []*Element
	Datasets    []*Dataset
	Entities    []*Entity
	Rules       []*Rule
	CodeRules   []*Rule // found without being written: codes that are in no set, numbers whose check does not hold; a rule of each a dataset
	CodeSets    []*CodeSet
	Purposes    []*Purpose
	Version     string            // 12 hexadecimal digits of the digest of all files; in the header "cat", see Period
	Files       map[string]string // digest of each file, by name
	Written     map[string]any    // what each file says, by name, as its format declares it: text, []any and map[string]any, keys that say their default left out
	Calendar    Calendar          // working days
	Lineage     Lineage           // what was in force before it, where that is known

	// Conditions are where the conditions stand in their files, for what is wrong with them.
	Conditions map[Passage]Place

	departments map[string]*Department
	elements    map[string]*Element
	datasets    map[string]*Dataset
	entities    map[string]*Entity
	views       map[string]*View
	purposes    map[string]*Purpose
}

// Purpose is one line of purposes.yaml: what a lookup may be for.
type Purpose struct {
	ID        string
	Title     string
	English   string
	Basis     string
	Scenarios []string
}

// Period names the time for which the catalogue is in force, as the header "cat" does: its
// version and, where it is not the first, how many were in force before it, since one of
// before may come back ("0123456789ab@2").
func (c *Catalogue) Period() string {
	return c.Lineage.period(c.Version)
}

// Index makes the catalogue's parts known by their ids. Whoever has filled its lists
// calls it once, before anybody else has the catalogue: from then on nothing changes.
func (c *Catalogue) Index() {
	c.departments = by(c.Departments, func(d *Department) string { return d.ID })
	c.elements = by(c.Elements, func(e *Element) string { return e.ID })
	c.datasets = by(c.Datasets, func(d *Dataset) string { return d.ID })
	c.entities = by(c.Entities, func(e *Entity) string { return e.ID })
	c.purposes = by(c.Purposes, func(p *Purpose) string { return p.ID })
	c.views = map[string]*View{}
	for _, d := range c.Datasets {
		maps.Copy(c.views, by(d.Views, func(v *View) string { return v.ID }))
	}
	for _, e := range c.Entities {
		maps.Copy(c.views, by(e.Views, func(v *View) string { return v.ID }))
		e.resolved = nil
		e.resolved = e.ResolvedLayout()
	}
}

func by[T any](list []*T, id func(*T) string) map[string]*T {
	m := make(map[string]*T, len(list))
	for _, v := range list {
		m[id(v)] = v
	}
	return m
}

// Views returns all views, sorted by id.
func (c *Catalogue) Views() []*View { return sorted(c.views) }

// Dataset returns the dataset of that id, or ErrUnknown.
func (c *Catalogue) Dataset(id string) (*Dataset, error) { return find(c.datasets, "dataset", id) }

// Entity returns the entity of that id, or ErrUnknown.
func (c *Catalogue) Entity(id string) (*Entity, error) { return find(c.entities, "entity", id) }

// View returns the view of that id ("GA01.partial", "person.partial"), or ErrUnknown.
func (c *Catalogue) View(id string) (*View, error) { return find(c.views, "view", id) }

// Department returns the department of that id, or ErrUnknown.
func (c *Catalogue) Department(id string) (*Department, error) {
	return find(c.departments, "department", id)
}

// Element returns the data element of that id, or ErrUnknown.
func (c *Catalogue) Element(id string) (*Element, error) { return find(c.elements, "element", id) }

// Purpose returns the purpose of that id, or ErrUnknown.
func (c *Catalogue) Purpose(id string) (*Purpose, error) { return find(c.purposes, "purpose", id) }

func find[T any](m map[string]*T, what, id string) (*T, error) {
	if v, ok := m[id]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("%s %q: %w", what, id, ErrUnknown)
}

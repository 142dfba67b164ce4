package verification

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/condition"
)

// environment declares the variables of an entity's rules:
//
//	GA01            rows of the dataset about the entity, role "" (of every role, if the dataset has none of role "")
//	SC01_legal_rep  rows of that role
//	golden, agg     the golden record, the aggregates
//	key, now, today the entity's key, the engine's clock, its midnight in the zone of the catalogue
func (s *Set) environment(cat *schemas.Catalogue) error {
	var declared []condition.Variable
	seen := map[string]bool{}
	declare := func(v variable, as func(name string) condition.Variable) {
		if !seen[v.name] {
			seen[v.name] = true
			s.variables = append(s.variables, v)
			declared = append(declared, as(v.name))
		}
	}
	for _, d := range cat.Datasets {
		var roles []string
		for _, l := range d.Links {
			if l.Entity == s.entity.ID && !s.aggregated(d.ID, l.Role) {
				roles = append(roles, l.Role)
			}
		}
		if len(roles) == 0 {
			continue
		}
		rows := func(name string) condition.Variable { return condition.Rows(name, d) }
		plain := roles
		for _, role := range roles {
			if role == "" {
				plain = []string{""}
				continue
			}
			declare(variable{name: d.ID + "_" + role, dataset: d, roles: []string{role}}, rows)
		}
		declare(variable{name: d.ID, dataset: d, roles: plain}, rows)
	}
	if s.entity.Layout != nil && len(s.entity.Fields) > 0 {
		declare(variable{name: "golden", kind: goldenVariable}, func(name string) condition.Variable { return condition.Golden(name, s.entity) })
	}
	if len(s.entity.Aggregates) > 0 {
		columns, err := numbers(cat, s.entity)
		if err != nil {
			return err
		}
		declare(variable{name: "agg", kind: aggregateVariable}, func(name string) condition.Variable { return condition.Numbers(name, s.entity.ID, columns) })
	}
	declare(variable{name: "key", kind: keyVariable}, condition.String)
	declare(variable{name: "now", kind: nowVariable}, condition.Timestamp)
	declare(variable{name: "today", kind: todayVariable}, condition.Timestamp)
	var err error
	s.env, err = condition.NewEnv(s.calendar, declared...)
	return err
}

func (s *Set) aggregated(dataset, role string) bool {
	for _, a := range s.entity.Aggregates {
		if a.Dataset == dataset && a.Role == role {
			return true
		}
	}
	return false
}

// numbers returns what an entity's aggregates are, one column each.
func numbers(cat *schemas.Catalogue, e *schemas.Entity) ([]schemas.Column, error) {
	columns := make([]schemas.Column, len(e.Aggregates))
	for i, a := range e.Aggregates {
		columns[i] = schemas.Column{Type: schemas.Long}
		if a.Sum != "" {
			var err error
			if columns[i], err = summed(cat, a); err != nil {
				return nil, err
			}
		}
		columns[i].Name = a.Name
	}
	return columns, nil
}

// summed returns the column that an aggregate sums.
func summed(cat *schemas.Catalogue, a *schemas.Aggregate) (schemas.Column, error) {
	d, err := cat.Dataset(a.Dataset)
	if err != nil {
		return schemas.Column{}, fmt.Errorf("aggregate %q: %w", a.Name, err)
	}
	i := d.Layout.Index(a.Sum)
	if i < 0 {
		return schemas.Column{}, fmt.Errorf("aggregate %q: dataset %q has no field %q: %w", a.Name, d.ID, a.Sum, ErrRule)
	}
	c := d.Layout.Columns[i]
	if c.Type != schemas.Long && c.Type != schemas.Decimal {
		return schemas.Column{}, fmt.Errorf("aggregate %q: field %q is not a number: %w", a.Name, a.Sum, ErrRule)
	}
	return c, nil
}

// Value implements condition.Facts.
func (v *Evaluator) Value(slot int) condition.Value {
	switch x := &v.set.variables[slot]; x.kind {
	case goldenVariable:
		return condition.Cells(v.in.Golden.Values)
	case aggregateVariable:
		return condition.Cells(v.in.Dossier.Aggregates)
	case keyVariable:
		return condition.Text(v.in.Dossier.Key)
	case nowVariable:
		return condition.Time(v.in.Now)
	case todayVariable:
		return condition.Time(schemas.Midnight(v.in.Now))
	default:
		return condition.List(v.rows(x), (*claim.Row).Readable)
	}
}

// Silent implements condition.Facts: no row speaks in a variable.
func (v *Evaluator) Silent(slot int) bool { return len(v.rows(&v.set.variables[slot])) == 0 }

// Len implements condition.Facts.
func (v *Evaluator) Len() int { return v.in.Dossier.Len() }

func (v *Evaluator) rows(x *variable) []*claim.Row {
	if len(x.roles) == 1 {
		return v.in.Dossier.Rows(x.dataset.ID, x.roles[0])
	}
	return v.in.Dossier.Of(x.dataset.ID)
}

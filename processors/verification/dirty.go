package verification

import "slices"

// Dirty collects which cases a change touches.
type Dirty struct {
	set   *Set
	cases []bool
	any   bool
}

// Dirty returns an empty collection.
func (s *Set) Dirty() *Dirty { return &Dirty{set: s, cases: make([]bool, len(s.cases))} }

// Reset empties d for the next entity.
func (d *Dirty) Reset() { clear(d.cases); d.any = false }

// Claim marks the cases that read the rows of a dataset in a role.
func (d *Dirty) Claim(dataset, role string) { d.mark(d.set.inputs[dataset+"/"+role]) }

// Golden marks the cases that read the golden record.
func (d *Dirty) Golden() { d.mark(d.set.inputs["golden"]) }

// Aggregate marks the cases that read an aggregate.
func (d *Dirty) Aggregate(name string) { d.mark(d.set.inputs["agg."+name]) }

// Complete marks the cases that wait for the first complete copy of a dataset.
func (d *Dirty) Complete(dataset string) {
	for i, one := range d.set.cases {
		if slices.Contains(one.awaits, dataset) {
			d.cases[i], d.any = true, true
		}
	}
}

// All marks every case: the rules are not those of the last evaluation.
func (d *Dirty) All() {
	for i := range d.cases {
		d.cases[i] = true
	}
	d.any = len(d.cases) > 0
}

// Any reports whether any case is marked.
func (d *Dirty) Any() bool { return d.any }

func (d *Dirty) mark(cases []int) {
	for _, i := range cases {
		d.cases[i] = true
		d.any = true
	}
}

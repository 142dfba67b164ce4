package verification

import (
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Evaluator returns an evaluator of the set, for one goroutine.
func (s *Set) Evaluator() *Evaluator {
	return &Evaluator{set: s, run: s.env.Evaluator(), known: make([]bool, len(s.cases))}
}

// Evaluate runs the marked cases and those whose time has come. states is what
// the last evaluation of this entity returned; it is not changed.
func (v *Evaluator) Evaluate(in Subject, dirty *Dirty, states []State) Result {
	var out Result
	v.in = &in
	v.run.Over(v)
	now := in.Now.UnixMilli()
	clear(v.known)
	for _, st := range states {
		i, ok := v.set.byName[st.Case]
		if !ok { // the rule was taken out of the catalogue
			if st.Version > 0 {
				out.Findings = append(out.Findings, Finding{ID: v.set.findingID(st.Case, in.Dossier.Key), Version: st.Version + 1})
			}
			continue
		}
		v.known[i] = true
		if dirty.cases[i] || st.Wake != 0 && st.Wake <= now {
			st = v.step(v.set.cases[i], st, now, &out)
		}
		out.keep(st)
	}
	for i, marked := range dirty.cases {
		if !marked {
			continue
		}
		if one := v.set.cases[i]; !v.known[i] {
			out.keep(v.step(one, State{Case: one.name}, now, &out))
		}
	}
	v.in = nil
	v.run.Over(nil)
	return out
}

// keep remembers a state if there is anything to remember.
func (r *Result) keep(st State) {
	if st.Phase == Idle && st.Wake == 0 {
		return
	}
	r.States = append(r.States, st)
	if st.Wake != 0 {
		if at := time.UnixMilli(st.Wake); r.Wake.IsZero() || at.Before(r.Wake) {
			r.Wake = at
		}
	}
}

// step evaluates one case and moves its state.
func (v *Evaluator) step(one *compiled, st State, now int64, out *Result) State {
	if st.Version > 0 && v.in.Recast != nil && v.in.Recast(one.name) {
		if st.Shown = 0; st.Phase != Open {
			v.withhold(one, &st, out)
		}
	}
	holds, err := v.holds(one)
	if err != nil {
		out.Faults = append(out.Faults, Fault{one.name, err})
		return st
	}
	st.Wake = 0
	if one.until != nil {
		until, known, err := v.run.Moment(one.until)
		if err != nil {
			out.Faults = append(out.Faults, Fault{one.name, err})
		}
		if at := until.UnixMilli(); known && at > now {
			st.Wake = at
		}
	}
	switch {
	case holds && st.Phase == Open:
		v.report(one, &st, out, false)
	case holds:
		if st.Phase != Pending {
			st.Phase, st.Since = Pending, now
		}
		if missing := v.missing(one); missing != "" {
			out.await(missing)
			break
		}
		ripe := st.Since + one.c.Settle.Milliseconds()
		if ripe > now {
			if st.Wake == 0 || ripe < st.Wake {
				st.Wake = ripe
			}
			break
		}
		v.open(one, &st, now, out)
	case st.Phase == Open:
		st.Phase, st.ClosedAt = Closed, now
		v.report(one, &st, out, true)
	case st.Phase == Pending && st.Version > 0:
		st.Phase, st.Since = Closed, 0
	case st.Phase == Pending:
		st.Phase, st.Since = Idle, 0
	}
	return st
}

// missing returns the first of the datasets of which a case must have a complete
// copy and none has come, "" if there is none.
func (v *Evaluator) missing(one *compiled) string {
	for _, id := range one.awaits {
		if v.in.Complete != nil && !v.in.Complete(id) {
			return id
		}
	}
	return ""
}

func (r *Result) await(dataset string) {
	if !slices.Contains(r.Awaited, dataset) {
		r.Awaited = append(r.Awaited, dataset)
	}
}

// open opens a finding, for the first time or again, and starts its clock.
func (v *Evaluator) open(one *compiled, st *State, now int64, out *Result) {
	if st.Version > 0 {
		st.Reopened++
	}
	days := one.c.Days
	if days == 0 {
		days = defaultDays
	}
	st.Phase, st.Since, st.OpenedAt, st.ClosedAt = Open, 0, now, 0
	st.Due = schemas.DayNumber(v.set.calendar.Add(schemas.Midnight(v.in.Now), days))
	v.report(one, st, out, true)
}

// report adds the finding to what is emitted, unless it would say what it last
// said.
func (v *Evaluator) report(one *compiled, st *State, out *Result, always bool) {
	if st.Phase == Open {
		st.Owner = v.owner(one) // the provider may be another one by now
	}
	f := v.finding(one, *st)
	if digest := f.digest(); always || digest != st.Shown {
		st.Version++
		st.Shown = digest
		f.Version = st.Version
		out.Findings = append(out.Findings, f)
	}
}

// withhold says a closed finding again without its values: those of then are not kept,
// and those of now are not what it rested on.
func (v *Evaluator) withhold(one *compiled, st *State, out *Result) {
	f := v.named(one, *st)
	for i := range one.evidence {
		f.evidence = append(f.evidence, one.evidence[i].withheld())
	}
	st.Version++
	f.Version = st.Version
	out.Findings = append(out.Findings, f)
}

// owner returns who must act: the department the case names, or the provider of
// the first dataset that says the entity exists.
func (v *Evaluator) owner(one *compiled) string {
	if one.c.Owner != provider {
		return one.c.Owner
	}
	rows := v.in.Dossier.All()
	for _, r := range rows {
		if r.Role == "" {
			return r.Dataset.Provider.ID
		}
	}
	if len(rows) > 0 {
		return rows[0].Dataset.Provider.ID
	}
	return v.set.owner
}

// holds evaluates the condition of a case.
func (v *Evaluator) holds(one *compiled) (bool, error) {
	if len(one.doubts) == 0 {
		return v.run.Holds(one.when)
	}
	for i := range one.doubts {
		x := &one.doubts[i]
		for _, r := range v.rowsOf(x) {
			if c := r.Normal(x.column); c.Kind() == schemas.KindString && c.Str() != "" && x.dataset.Fields[x.column].Element.Doubts(c.Str()) {
				return true, nil
			}
		}
	}
	return false, nil
}

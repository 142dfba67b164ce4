package verification

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// The bounds of a finding's evidence.
const (
	maxEvidence     = 32
	maxEvidenceRows = 8 // of one exhibit
)

// Finding is one contradiction as it goes to the topic findings. A finding with
// no Case is gone: its rule is no longer in the catalogue.
type Finding struct {
	ID       string
	Version  int64
	Case     string // XV-04/paid
	Open     bool
	state    State
	one      *compiled
	subject  string
	masked   string
	evidence []proof
}

type proof struct {
	dataset, field, value string
	null                  bool
	at                    int64
}

// Gone reports whether the finding is to be taken away altogether.
func (f Finding) Gone() bool { return f.one == nil }

// findingID names a finding: a keyed digest, so that it says nothing of whom it
// is about and is the same each time the same contradiction opens.
func (s *Set) findingID(name, key string) string {
	rule, c, _ := strings.Cut(name, "/")
	return hex.EncodeToString(s.keys.Digest(contract.LabelFinding, schemas.JoinKey(rule, c, s.entity.ID, key, "")))
}

// finding writes down what a state says, with masked evidence.
func (v *Evaluator) finding(one *compiled, st State) Finding {
	f := v.named(one, st)
	for i := range one.evidence {
		v.show(&one.evidence[i], &f)
	}
	return f
}

// named is a finding without evidence.
func (v *Evaluator) named(one *compiled, st State) Finding {
	s, key := v.set, v.in.Dossier.Key
	return Finding{
		ID: s.findingID(one.name, key), Case: one.name, Open: st.Phase == Open, state: st, one: one,
		subject: s.keys.Token(contract.LabelFinding, key), masked: s.subject(schemas.Text(key)).Str(),
	}
}

// withheld names what an exhibit shows, and no value of it.
func (x *exhibit) withheld() proof {
	switch {
	case x.sum != nil:
		return proof{dataset: x.sum.Dataset, field: "agg." + x.name, value: schemas.Stars}
	case x.golden:
		return proof{dataset: "golden", field: x.name, value: schemas.Stars}
	}
	return proof{dataset: x.dataset.ID, field: x.name, value: schemas.Stars}
}

func (v *Evaluator) show(x *exhibit, f *Finding) {
	if len(f.evidence) >= maxEvidence {
		return
	}
	d := v.in.Dossier
	switch {
	case x.sum != nil:
		p := proof{dataset: x.sum.Dataset, field: "agg." + x.name, value: "0"}
		if x.column < len(d.Aggregates) {
			p.value = number(d.Aggregates[x.column], x.scale)
			if x.show != nil {
				p.value = x.show(d.Aggregates[x.column]).Str()
			}
		}
		f.evidence = append(f.evidence, p)
	case x.golden:
		p := proof{dataset: "golden", field: x.name, null: true}
		if value := v.in.Golden.Values[x.column]; !value.IsNull() {
			p.value, p.null = x.show(value).Str(), false
			for _, c := range v.in.Golden.Cells {
				if c.Field.Index == x.column {
					p.dataset, p.at = c.Dataset.ID, c.At
				}
			}
		}
		f.evidence = append(f.evidence, p)
	default:
		for i, r := range v.rowsOf(x) {
			if i == maxEvidenceRows || len(f.evidence) >= maxEvidence {
				return
			}
			f.evidence = append(f.evidence, v.proofOf(x, r))
		}
	}
}

// rowsOf returns the rows that an exhibit shows a field of.
func (v *Evaluator) rowsOf(x *exhibit) []*claim.Row {
	if x.roles {
		return v.in.Dossier.Of(x.dataset.ID)
	}
	return v.in.Dossier.Rows(x.dataset.ID, x.role)
}

func (v *Evaluator) proofOf(x *exhibit, r *claim.Row) proof {
	p := proof{dataset: x.dataset.ID, field: x.name, null: true, at: r.At}
	if value := r.Value(x.column); !value.IsNull() {
		p.value, p.null = x.show(value).Str(), false
	}
	return p
}

// number writes an aggregate.
func number(v schemas.Value, scale int) string {
	if scale == 0 {
		return strconv.FormatInt(v.Int64(), 10)
	}
	n, sign := v.Int64(), ""
	if n < 0 {
		n, sign = -n, "-"
	}
	text := strconv.FormatInt(n, 10)
	for len(text) <= scale {
		text = "0" + text
	}
	return sign + text[:len(text)-scale] + "." + text[len(text)-scale:]
}

// digest is over all that makes a finding differ from what was last said.
func (f *Finding) digest() uint64 {
	h := xxhash.New()
	put := func(parts ...string) {
		for _, p := range parts {
			_, _ = h.WriteString(p) // a hash cannot fail
			_, _ = h.WriteString("\x00")
		}
	}
	put(f.state.Owner, strconv.Itoa(int(f.state.Phase)), strconv.FormatInt(f.state.OpenedAt, 10), f.one.rule.Title, f.one.rule.Severity, f.one.c.Certainty, f.one.rule.Advice)
	for _, p := range f.evidence {
		put(p.dataset, p.field, p.value, strconv.FormatBool(p.null), strconv.FormatInt(p.at, 10))
	}
	return h.Sum64()
}

// Record returns the finding as a record of schemas.FindingLayout.
func (f Finding) Record() schemas.Record {
	r, st := f.one.rule, f.state
	state, closed := "closed", schemas.Millis(time.UnixMilli(st.ClosedAt))
	if f.Open {
		state, closed = "open", schemas.Null
	}
	rows := make([]schemas.Record, len(f.evidence))
	for i, p := range f.evidence {
		value, at := schemas.Text(p.value), schemas.Null
		if p.null {
			value = schemas.Null
		}
		if p.at != 0 {
			at = schemas.Int(p.at)
		}
		rows[i] = schemas.NewRecord(contract.EvidenceLayout, []schemas.Value{schemas.Text(p.dataset), schemas.Text(p.field), value, at})
	}
	return schemas.NewRecord(contract.FindingLayout, []schemas.Value{
		schemas.Text(f.ID), schemas.Text(r.ID), schemas.Text(f.one.c.ID), schemas.Text(r.Title), schemas.Text(r.Entity),
		schemas.Text(f.subject), schemas.Text(f.masked), schemas.Text(r.Severity), schemas.Text(f.one.c.Certainty), schemas.Text(state), schemas.Text(st.Owner),
		schemas.Int(st.OpenedAt), schemas.Int(st.Due), closed, schemas.Int(st.Reopened), schemas.Int(f.Version),
		schemas.Text(r.Advice), schemas.Table(rows),
	})
}

// Result is what an evaluation came to.
type Result struct {
	States   []State // to be kept, in the order given, new ones behind
	Findings []Finding
	Faults   []Fault
	// Awaited are the datasets for whose first complete copy a case waits that holds
	// otherwise: when one has come, the cases of Dirty.Complete are to be evaluated.
	Awaited []string
	Wake    time.Time // when to evaluate again by time alone, zero for never
}

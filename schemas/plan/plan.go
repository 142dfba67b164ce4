// Package plan says what happens when one catalogue takes the place of another: what
// somebody can see then that nobody could before, what is removed, what else changes,
// and what must not happen to a published catalogue.
//
// Make compares two catalogues; it is pure. The groups are read in their order: newly
// exposed first. Every difference between the two is told somewhere: the values of every
// declared key are compared, and a key of which no rule of this package speaks is told as
// it is written (see spoken).
package plan

// Change is one thing that differs.
type Change struct {
	Kind    Kind   `json:"kind"`
	Of      string `json:"of"`              // view, dataset, entity, rule, purpose or file
	Field   string `json:"field,omitempty"` // field of a view or dataset
	File    string `json:"file"`            // where it is written
	Chinese string `json:"zh"`
	English string `json:"en"`
}

// Kind is the kind of a change, for programs.
type Kind string

// The kinds. What is exposed is one of the first nine.
const (
	FieldShown    Kind = "field_shown"    // a view shows a field that it did not show; a new view shows all of its
	MaskWeaker    Kind = "mask_weaker"    // a view shows more of a field, or something else of it
	TextShown     Kind = "text_shown"     // numbers of persons in texts are no longer hidden
	KeyShown      Kind = "key_shown"      // the record key was a token and is in clear
	ViewReadable  Kind = "view_readable"  // a view only answered yes or no and can be read now
	ClassWeaker   Kind = "class_weaker"   // A 无条件 < B 有条件 < C 不予共享
	RowsShown     Kind = "rows_shown"     // a view shows more of the rows that it embeds, or others
	SourceShown   Kind = "source_shown"   // a golden field comes from where it did not
	EvidenceShown Kind = "evidence_shown" // explanations and evidence show a field, or more of it

	Removed Kind = "removed"
	Added   Kind = "added"
	Changed Kind = "changed"
	Refused Kind = "refused"
)

// Step is something that somebody has to do, or that happens by itself.
type Step struct {
	Kind    string `json:"kind"` // restart, republish, withheld, withdrawn, resync, topics, bindings, grants, elsewhere, unseen
	Of      string `json:"of,omitempty"`
	Chinese string `json:"zh"`
	English string `json:"en"`
}

// Plan is what happens when the catalogue To takes the place of From.
type Plan struct {
	From       string   `json:"from"` // version, "" = nothing was in force
	To         string   `json:"to"`
	Exposed    []Change `json:"exposed"`
	Removed    []Change `json:"removed"`
	Compatible []Change `json:"compatible"`
	Refused    []Change `json:"refused"`
	Steps      []Step   `json:"steps"`
	// Unfit is what stands beside the catalogue and refuses the next start under To. Make
	// knows of no files and leaves it empty; whoever reads them fills it in.
	Unfit []Unfit `json:"unfit"`
}

// Unfit is a file, or a setting, that names what the catalogue To does not have.
type Unfit struct {
	Kind    string   `json:"kind"`   // access, sources, push.keys, gateway.unconnected
	Faults  []string `json:"faults"` // "file:line:column: 中文 / English", one each
	Chinese string   `json:"zh"`     // what to do
	English string   `json:"en"`
}

// Empty reports whether the two are the same.
func (p *Plan) Empty() bool { return p.From == p.To }

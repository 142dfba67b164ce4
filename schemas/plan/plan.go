// Package plan says what happens when one catalogue takes the place of another: what
// somebody can see then that nobody could before, what is removed, what else changes,
// and what must not happen to a published catalogue.
//
// Make compares two catalogues; it is pure. The groups are read in their order: newly
// exposed first. Every difference between the two is told somewhere: what no rule of
// this package knows is told as a file whose content differs (see otherwise).
package plan

import (
	"cmp"
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

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

// The kinds. What is exposed is one of the first seven.
const (
	FieldShown    Kind = "field_shown"    // a view shows a field that it did not show; a new view shows all of its
	MaskWeaker    Kind = "mask_weaker"    // a view shows more of a field, or something else of it
	TextShown     Kind = "text_shown"     // numbers of persons in texts are no longer hidden
	KeyShown      Kind = "key_shown"      // the record key was a token and is in clear
	ViewReadable  Kind = "view_readable"  // a view only answered yes or no and can be read now
	ClassWeaker   Kind = "class_weaker"   // A 无条件 < B 有条件 < C 不予共享
	EvidenceShown Kind = "evidence_shown" // explanations and evidence show a field, or more of it

	Removed Kind = "removed"
	Added   Kind = "added"
	Changed Kind = "changed"
	Refused Kind = "refused"
)

// Step is something that somebody has to do, or that happens by itself.
type Step struct {
	Kind    string `json:"kind"` // restart, republish, resync, topics, bindings, grants
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
}

// Empty reports whether the two are the same.
func (p *Plan) Empty() bool { return p.From == p.To }

// Make compares the catalogue next with old, which it would replace.
func Make(old, next *schemas.Catalogue) *Plan { return compare(old, next, judged) }

// compat says whether next may follow old on a topic under a level of the registry.
type compat func(level string, next, old *schemas.Layout) error

func judged(level string, next, old *schemas.Layout) error {
	return codec.Compatible(level, codec.Schema(next), []string{codec.Schema(old)})
}

func compare(old, next *schemas.Catalogue, judge compat) *Plan {
	p := &Plan{From: old.Version, To: next.Version, Exposed: []Change{}, Removed: []Change{}, Compatible: []Change{}, Refused: []Change{}, Steps: []Step{}}
	if p.Empty() {
		return p
	}
	d := &difference{plan: p, judge: judge}
	d.all(old, next)
	for _, group := range [][]Change{p.Exposed, p.Removed, p.Compatible, p.Refused} {
		slices.SortStableFunc(group, func(a, b Change) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Of, b.Of)) })
	}
	p.steps(old, next)
	return p
}

// steps says what happens then, as far as it is true of this build.
func (p *Plan) steps(old, next *schemas.Catalogue) {
	step := func(kind, of, chinese, english string) { p.Steps = append(p.Steps, Step{kind, of, chinese, english}) }
	step("restart", "", "各进程重启后才使用新目录", "every process takes it at its next start")
	step("republish", "", "重启后，全部行和主体在后台按新目录重新计算并发布", "after that all rows and entities are worked out again and published under it in the background")
	for _, d := range next.Datasets {
		o, err := old.Dataset(d.ID)
		if err != nil {
			step("topics", d.ID, "启动时建立 "+d.ID+" 的主题；须为它配置数据源", "the topics of "+d.ID+" are made at the start; it needs a source")
			continue
		}
		if slices.ContainsFunc(d.Fields, func(f *schemas.Field) bool { return o.Field(f.Name) == nil }) {
			step("resync", d.ID, "已有的行没有 "+d.ID+" 的新字段，须重读其数据源：yiyuan source resync", "rows that are there lack the new fields of "+d.ID+" until its source is read again: yiyuan source resync")
		}
	}
	for _, d := range old.Datasets {
		if _, err := next.Dataset(d.ID); err != nil {
			step("bindings", d.ID, "启动前须删去 "+d.ID+" 的数据源配置；其主题仍在 Kafka，由管理员删除", "remove the source bindings of "+d.ID+" before the start; its topics stay in Kafka until somebody deletes them")
		}
	}
	for _, v := range old.Views() {
		if _, err := next.View(v.ID); err != nil {
			step("grants", v.ID, "启动前须从授权文件删去视图 "+v.ID, "remove the view "+v.ID+" from the access file before the start")
		}
	}
}

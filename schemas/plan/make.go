package plan

import (
	"cmp"
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/lineage"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Make compares the catalogue next with old, which it would replace, and holds it against
// those that were in force before, oldest first, as far as they are known.
func Make(old, next *schemas.Catalogue, before ...Past) *Plan {
	return compare(old, next, judged, before...)
}

func compare(old, next *schemas.Catalogue, judge compat, before ...Past) *Plan {
	p := &Plan{From: old.Version, To: next.Version, Exposed: []Change{}, Removed: []Change{}, Compatible: []Change{}, Refused: []Change{}, Steps: []Step{}}
	if p.Empty() {
		return p
	}
	d := &difference{plan: p, judge: judge, regions: otherRegions(old, next), refused: map[string]bool{}}
	d.all(old, next)
	d.bound(old, next, before)
	for _, group := range [][]Change{p.Exposed, p.Removed, p.Compatible, p.Refused} {
		slices.SortStableFunc(group, func(a, b Change) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Of, b.Of)) })
	}
	p.steps(old, next)
	return p
}

func judged(level string, next, old *schemas.Layout) error {
	return codec.Compatible(level, codec.Schema(next), []string{codec.Schema(old)})
}

// steps says what happens then, as far as it is true of this build.
func (p *Plan) steps(old, next *schemas.Catalogue) {
	step := func(kind, of, chinese, english string) { p.Steps = append(p.Steps, Step{kind, of, chinese, english}) }
	step("restart", "", "各进程重启后才使用新目录", "every process takes it at its next start")
	step("republish", "", "重启后，全部行和主体在后台按新目录重新计算并发布", "after that all rows and entities are worked out again and published under it in the background")
	for _, v := range next.Views() {
		if _, err := old.View(v.ID); err == nil && !lineage.Same(next, old, v) {
			step("withheld", v.ID, "视图 "+v.ID+" 的遮蔽有变化：逐条重新发布之前，查询答复 "+problem.NotLoaded.Code+"，不会给出旧内容", "the view "+v.ID+" shows otherwise: until a record has been published again a lookup is answered by "+problem.NotLoaded.Code+", never by what it was")
		}
	}
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
			step("withdrawn", v.ID, "启动后在后台逐条撤回视图 "+v.ID+" 已发布的内容", "what was published of the view "+v.ID+" is taken back in the background, record by record")
		}
	}
}

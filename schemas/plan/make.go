package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/lineage"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Make compares the catalogue next with old, which it would replace, and holds it against
// those that were in force before, oldest first, as far as they are known.
func Make(old, next *schemas.Catalogue, before ...Past) *Plan {
	return compare(old, next, judged, before...)
}

func compare(old, next *schemas.Catalogue, judge compat, before ...Past) *Plan {
	p := &Plan{From: old.Version, To: next.Version, Exposed: []Change{}, Removed: []Change{}, Compatible: []Change{}, Refused: []Change{}, Steps: []Step{}, Unfit: []Unfit{}}
	if p.Empty() {
		return p
	}
	d := &difference{plan: p, judge: judge, regions: !old.City.SamePlaces(next.City), refused: map[string]bool{}}
	d.all(old, next)
	d.bound(old, next, before)
	for _, group := range [][]Change{p.Exposed, p.Removed, p.Compatible, p.Refused} {
		slices.SortStableFunc(group, func(a, b Change) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Of, b.Of)) })
	}
	p.steps(old, next, before)
	return p
}

// lacking returns the fields of b that a has not.
func lacking(a, b *schemas.Dataset) []string {
	var out []string
	for _, f := range b.Fields {
		if a.Field(f.Name) == nil {
			out = append(out, f.Name)
		}
	}
	return out
}

func judged(level string, next, old *schemas.Layout) error {
	return codec.Compatible(level, codec.Schema(next), []string{codec.Schema(old)})
}

// steps says what happens then, as far as it is true of this build.
func (p *Plan) steps(old, next *schemas.Catalogue, before []Past) {
	step := func(kind, of, chinese, english string) { p.Steps = append(p.Steps, Step{kind, of, chinese, english}) }
	step("restart", "", "各进程重启后才使用新目录", "every process takes it at its next start")
	step("republish", "", "重启后，全部行和主体在后台按新目录重新计算并发布", "after that all rows and entities are worked out again and published under it in the background")
	for _, v := range next.Views() {
		if _, err := old.View(v.ID); err == nil && !lineage.Same(next, old, v) {
			step("withheld", v.ID, "视图 "+v.ID+" 的遮蔽有变化：逐条重新发布之前，查询答复 "+problem.NotLoaded.Code+"，不会给出旧内容", "the view "+v.ID+" shows otherwise: until a record has been published again a lookup is answered by "+problem.NotLoaded.Code+", never by what it was")
		}
	}
	for _, r := range next.Rules {
		if slices.ContainsFunc(old.Rules, func(o *schemas.Rule) bool { return o.ID == r.ID }) && slices.ContainsFunc(r.Cases, func(c *schemas.Case) bool { return !lineage.SameEvidence(next, old, r, c) }) {
			step("withheld", r.ID, "规则 "+r.ID+" 的依据有变化：其核验结果逐条重新发布之前，依据中的值显示为 "+schemas.Stars+"；已关闭的此后也不再显示", "the evidence of rule "+r.ID+" is shown otherwise: until a finding of it has been published again its values are "+schemas.Stars+", and those of closed ones for good")
		}
	}
	for _, d := range next.Datasets {
		o, err := old.Dataset(d.ID)
		if err != nil {
			step("topics", d.ID, "启动时建立 "+d.ID+" 的主题；须为它配置数据源", "the topics of "+d.ID+" are made at the start; it needs a source")
			if _, was := lastWith(before, d.ID); was != nil {
				step("returned", d.ID, "数据集 "+d.ID+" 曾被撤下，那时的行都不再算数：启动后须重读它的数据源（yiyuan source resync 数据源；推送的，请部门把全部行再推一次），在此之前对查不到的人答复 "+problem.NotLoaded.Code+"，而不说没有",
					"dataset "+d.ID+" had left, and its rows of then count no more: read its sources again after the start (yiyuan source resync SOURCE; of a department that pushes, have it push all its rows once more); until then whoever is not found is answered by "+problem.NotLoaded.Code+", never told not to be there")
			}
			continue
		}
		if came := lacking(o, d); len(came) > 0 {
			names := "[" + strings.Join(came, ", ") + "]"
			step("resync", d.ID, "已有的行没有 "+d.ID+" 的新字段，须重读其数据源：yiyuan source resync；文件数据源（尤其 mode: append）要先把整张表的文件放进投放目录；来源的表或文件还没有这些列时，先在该数据源的 options 写 absent: "+names,
				"rows that are there lack the new fields of "+d.ID+" until its source is read again: yiyuan source resync; for a source of files, above all in mode append, put the file of the whole table into its drop folder first; while its table or files have no such columns, options of the source say absent: "+names)
		}
		if went := lacking(d, o); len(went) > 0 {
			step("columns", d.ID, "文件还带着 "+d.ID+" 已删的字段时，在该数据源的 options 写 ignore: ["+strings.Join(went, ", ")+"]，推送的部门不再送，否则会被退回",
				"while files still have the removed fields of "+d.ID+", options of the source say ignore: ["+strings.Join(went, ", ")+"], and who pushes leaves them out, or rows are refused")
		}
	}
	for _, d := range old.Datasets {
		if _, err := next.Dataset(d.ID); err != nil {
			step("bindings", d.ID, "apply 之前须删去 "+d.ID+" 的数据源配置", "remove the source bindings of "+d.ID+" before apply")
			step("emptied", d.ID, "启动后在后台逐条删去 "+d.ID+" 的行：视图、主体和各步的状态中都不再留存，以后这个数据集回来也不会再出现；只有 raw 主题仍在 Kafka，由管理员删除",
				"after that the rows of "+d.ID+" are removed in the background, one by one: none stays in views, entities or the states of steps, and none comes back if the dataset does; its raw topic alone stays in Kafka until somebody deletes it")
		}
	}
	for _, e := range old.Entities {
		if _, err := next.Entity(e.ID); err != nil {
			step("kept", e.ID, "主体 "+e.ID+" 的步骤不再运行，它的状态不会自己消失：主题 claims."+e.ID+"、resolved."+e.ID+"、state."+contract.Resolve(e.ID)+" 由管理员删除，本机状态（processors.dir）在删去后由各步从 Kafka 恢复",
				"the step of entity "+e.ID+" runs no more, and what it kept does not go by itself: the topics claims."+e.ID+", resolved."+e.ID+", state."+contract.Resolve(e.ID)+" stay until somebody deletes them; the local state (processors.dir), if it is deleted, is restored by the other steps from Kafka")
		}
	}
	for _, v := range old.Views() {
		if _, err := next.View(v.ID); err != nil {
			step("grants", v.ID, "apply 之前须从各网关的授权文件删去视图 "+v.ID, "remove the view "+v.ID+" from the access file of every gateway before apply")
			if v.Entity != nil {
				if _, err := next.Entity(v.Entity.ID); err != nil {
					step("left", v.ID, "视图 "+v.ID+" 随主体删除：已发布的内容不再应答，但仍在 Kafka 主题中，由管理员删除主题", "the view "+v.ID+" goes with its entity: what was published of it is answered no more, and stays in its topic in Kafka until somebody deletes the topic")
					continue
				}
			}
			step("withdrawn", v.ID, "启动后在后台逐条撤回视图 "+v.ID+" 已发布的内容", "what was published of the view "+v.ID+" is taken back in the background, record by record")
		}
	}
}

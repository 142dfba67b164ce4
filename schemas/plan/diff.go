package plan

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

func (d *difference) all(old, next *schemas.Catalogue) {
	both(old.Views(), next.Views(), func(v *schemas.View) string { return v.ID }, d.view)
	both(old.Datasets, next.Datasets, func(d *schemas.Dataset) string { return d.ID }, d.dataset)
	both(old.Entities, next.Entities, func(e *schemas.Entity) string { return e.ID }, d.entity)
	both(old.Rules, next.Rules, func(r *schemas.Rule) string { return r.ID }, d.rule)
	both(old.Purposes, next.Purposes, func(p *schemas.Purpose) string { return p.ID }, d.purpose)
	both(old.Departments, next.Departments, func(p *schemas.Department) string { return p.ID }, d.department)
	d.codes(old, next)
	d.keys(old, next)
	d.otherwise(old, next)
}

// both hands over what stands in either list, by id, nil where it stands in one only.
func both[T any](old, next []*T, id func(*T) string, compare func(old, next *T)) {
	before, after := map[string]*T{}, map[string]*T{}
	for _, v := range old {
		before[id(v)] = v
	}
	for _, v := range next {
		after[id(v)] = v
	}
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		compare(before[name], after[name])
	}
}

func fileOf(v *schemas.View) string {
	if v.Dataset != nil {
		return v.Dataset.File
	}
	return v.Entity.File
}

func (d *difference) view(old, next *schemas.View) {
	if next == nil {
		d.remove(about{of: old.ID, file: fileOf(old)}, "视图 %[1]s 被删除，订阅者将收不到数据", "view %[1]s is removed, its subscribers get no more data", old.ID)
		return
	}
	a := about{of: next.ID, file: fileOf(next)}
	var before []schemas.ViewField
	if old != nil {
		before = old.Fields
	} else if len(next.Fields) == 0 && len(next.Embed) == 0 {
		d.expose(FieldShown, a, "新视图 %[1]s（数据来源说明）", "new view %[1]s: where each value comes from, masked", next.ID)
	}
	exposed := len(d.plan.Exposed)
	d.shown(a, "", before, next.Fields)
	for _, b := range next.Embed {
		d.rows(a, old, next, b)
	}
	if old == nil {
		if len(d.plan.Exposed) == exposed && len(next.Fields) > 0 {
			d.note(Added, a, "新视图 %[1]s", "new view %[1]s", next.ID)
		}
		return
	}
	d.kinds(a, "", old.Fields, next.Fields, old.Column, next.Column)
	for _, b := range old.Embed {
		if next.Embedded(b.Dataset.ID, b.Role) == nil {
			d.remove(a, "视图 %[1]s 不再嵌入 %[2]s", "view %[1]s no longer embeds %[2]s", next.ID, b.Dataset.ID)
		}
	}
	if old.KeyMask && !next.KeyMask {
		d.expose(KeyShown, a, "视图 %[1]s 的主键由令牌变为明文", "the record key of view %[1]s was a token and is now in clear", next.ID)
	}
	if old.KeyMask != next.KeyMask {
		d.refuse(a, "视图 %[1]s 的主键形式改变，旧记录无法被更新；请另建视图", "the record keys of view %[1]s change, so the old records could not be updated; make a new view", next.ID)
	}
	if old.Audience != next.Audience {
		d.refuse(a, "视图 %[1]s 的令牌受众由 %[2]q 变为 %[3]q，已发出的令牌全部失效；请另建视图", "the audience of view %[1]s changes from %[2]q to %[3]q, which voids all tokens given out; make a new view", next.ID, old.Audience, next.Audience)
	}
	if old.Only != "" && next.Only == "" {
		d.expose(ViewReadable, a, "视图 %[1]s 由只核验变为可读取", "view %[1]s was verify-only and can now be read", next.ID)
	}
	d.layout(a, fullTransitive, "视图", "view", old.Layout, next.Layout)
}

func (d *difference) dataset(old, next *schemas.Dataset) {
	switch {
	case old == nil:
		d.note(Added, about{of: next.ID, file: next.File}, "新增数据集 %[1]s（%[2]s）", "new dataset %[1]s", next.ID, next.Title)
		return
	case next == nil:
		d.remove(about{of: old.ID, file: old.File}, "删除数据集 %[1]s（%[2]s）", "dataset %[1]s is removed", old.ID, old.Title)
		return
	}
	a := about{of: next.ID, file: next.File}
	if !slices.Equal(old.Key, next.Key) {
		d.refuse(a, "数据集 %[1]s 的主键由 %[2]s 变为 %[3]s，已发布的记录无法对应；请另建数据集", "the key of dataset %[1]s changes from %[2]s to %[3]s, so published records could not be found again; make a new dataset", next.ID, strings.Join(old.Key, "|"), strings.Join(next.Key, "|"))
	}
	d.properties(a, old, next)
	for _, f := range next.Fields {
		a.field = f.Name
		o := old.Field(f.Name)
		if o == nil {
			d.note(Added, a, "新增字段 %[1]s.%[2]s", "new field %[1]s.%[2]s", next.ID, f.Name)
			continue
		}
		d.place(a, o.Level, o.Element, f.Level, f.Element)
		if slices.Contains(next.Key, f.Name) && slices.Contains(old.Key, f.Name) {
			d.keyField(a, o.Element, f.Element)
		}
	}
	for _, o := range old.Fields {
		if next.Field(o.Name) == nil {
			a.field = o.Name
			d.remove(a, "删除字段 %[1]s.%[2]s", "field %[1]s.%[2]s is removed", next.ID, o.Name)
		}
	}
	a.field = ""
	d.layout(a, backwardTransitive, "数据集", "dataset", old.Layout, next.Layout)
}

// properties compares what is said of a dataset as a whole.
func (d *difference) properties(a about, old, next *schemas.Dataset) {
	if next.Class < old.Class {
		d.expose(ClassWeaker, a, "数据集 %[1]s 的共享类型由 %[2]s 放宽为 %[3]s", "the class of dataset %[1]s opens from %[2]s to %[3]s", next.ID, old.Class, next.Class)
	} else if next.Class != old.Class {
		d.note(Changed, a, "数据集 %[1]s 的共享类型由 %[2]s 收紧为 %[3]s", "the class of dataset %[1]s tightens from %[2]s to %[3]s", next.ID, old.Class, next.Class)
	}
	for _, p := range []struct{ chinese, english, old, next string }{
		{"资源代码", "resource code", old.Code, next.Code},
		{"更新周期", "cycle", old.Cycle, next.Cycle},
		{"提供部门", "provider", provider(old), provider(next)},
	} {
		if p.old != p.next {
			d.note(Changed, a, "数据集 %[1]s 的"+p.chinese+"由 %[2]s 变为 %[3]s", "the "+p.english+" of dataset %[1]s changes from %[2]s to %[3]s", next.ID, p.old, p.next)
		}
	}
	if !slices.Equal(linkNames(old), linkNames(next)) {
		d.note(Changed, a, "数据集 %[1]s 的主体关联改变，相关主体将重新汇总", "the links of dataset %[1]s change, its entities will be folded again", next.ID)
	}
}

func provider(d *schemas.Dataset) string {
	if d.Provider == nil {
		return ""
	}
	return d.Provider.ID
}

func linkNames(d *schemas.Dataset) []string {
	var names []string
	for _, k := range d.Links {
		names = append(names, k.Entity+"/"+k.Role+"/"+k.Key)
	}
	slices.Sort(names)
	return names
}

// place compares what explanations and evidence show of a field: there its own mask and
// level decide (masking.Place), whatever the views say.
func (d *difference) place(a about, level string, e *schemas.Element, nextLevel string, next *schemas.Element) {
	before, after := inEvidence(level, e.Mask), inEvidence(nextLevel, next.Mask)
	switch {
	case before == after && before > 0 && before < clear && e.Mask == next.Mask && e.Nature() != next.Nature():
		d.expose(EvidenceShown, a, "%[1]s.%[2]s 的种类由 %[3]s 变为 %[4]s，说明和依据中同一脱敏 %[5]s 所留不同，可能更多", "%[1]s.%[2]s is of another kind, %[3]s before and %[4]s now: in explanations and evidence the mask %[5]s leaves something else of it, perhaps more",
			a.of, a.field, e.Nature(), next.Nature(), next.Mask)
	case before == after && before > 0 && e.Mask == next.Mask && d.regions && schemas.ByPlaces(next.Mask, next):
		d.expose(EvidenceShown, a, "区县、街道乡镇名单改变，说明和依据中脱敏 %[3]s 在 %[1]s.%[2]s 所留不同，可能更多", "the districts and towns of the city change: in explanations and evidence the mask %[3]s leaves something else of %[1]s.%[2]s, perhaps more", a.of, a.field, next.Mask)
	case before == clear && after == clear && schemas.ScreeningOf(e.Kind) > schemas.ScreeningOf(next.Kind):
		d.expose(EvidenceShown, a, "%[1]s.%[2]s 文字中的个人号码在说明和依据中不再遮盖，或不再全部遮盖", "in explanations and evidence numbers of persons in the texts of %[1]s.%[2]s are no longer hidden, or not all of them", a.of, a.field)
	case after > before || before == after && before > 0 && e.Mask != next.Mask:
		d.expose(EvidenceShown, a, "%[1]s.%[2]s 在说明和依据中由 %[3]s %[4]s 变为 %[5]s %[6]s，所见更多", "explanations and evidence show more of %[1]s.%[2]s: %[3]s %[4]s becomes %[5]s %[6]s",
			a.of, a.field, level, maskTitle(e.Mask), nextLevel, maskTitle(next.Mask))
	case level != nextLevel || e.Mask != next.Mask:
		d.note(Changed, a, "%[1]s.%[2]s 的级别和缺省脱敏由 %[3]s %[4]s 变为 %[5]s %[6]s", "level and default mask of %[1]s.%[2]s change from %[3]s %[4]s to %[5]s %[6]s",
			a.of, a.field, level, maskTitle(e.Mask), nextLevel, maskTitle(next.Mask))
	}
}

// inEvidence ranks how much is shown outside of views.
func inEvidence(level, mask string) int {
	if level >= "L4" || mask == "" && level >= "L3" || mask == schemas.MaskDigest {
		return 0
	}
	return exposure(mask)
}

func (d *difference) entity(old, next *schemas.Entity) {
	switch {
	case old == nil:
		d.note(Added, about{of: next.ID, file: next.File}, "新增主体 %[1]s（%[2]s）", "new entity %[1]s", next.ID, next.Title)
		return
	case next == nil:
		d.remove(about{of: old.ID, file: old.File}, "删除主体 %[1]s（%[2]s）", "entity %[1]s is removed", old.ID, old.Title)
		return
	}
	a := about{of: next.ID, file: next.File}
	if old.Key.Name != next.Key.Name {
		d.refuse(a, "主体 %[1]s 的主键由 %[2]s 变为 %[3]s", "the key of entity %[1]s changes from %[2]s to %[3]s", next.ID, old.Key.Name, next.Key.Name)
	}
	for _, f := range next.Fields {
		a.field = f.Name
		o := old.Field(f.Name)
		if o == nil {
			d.note(Added, a, "主体 %[1]s 的可信记录新增字段 %[2]s", "the golden record of %[1]s has a new field %[2]s", next.ID, f.Name)
			if inEvidence(f.Level, f.Element.Mask) > 0 {
				d.expose(EvidenceShown, a, "说明和依据新展示 %[1]s.%[2]s（%[3]s）", "explanations and evidence newly show %[1]s.%[2]s (%[3]s)", next.ID, f.Name, maskTitle(f.Element.Mask))
			}
			continue
		}
		d.place(a, o.Level, o.Element, f.Level, f.Element)
	}
	for _, o := range old.Fields {
		if next.Field(o.Name) == nil {
			a.field = o.Name
			d.remove(a, "可信记录不再有字段 %[1]s.%[2]s", "the golden record no longer has %[1]s.%[2]s", next.ID, o.Name)
		}
	}
	a.field = ""
	d.authority(a, old, next)
	if !reflect.DeepEqual(old.Aggregates, next.Aggregates) {
		d.note(Changed, a, "主体 %[1]s 的汇总改变，将重新计算", "the aggregates of %[1]s change and will be worked out again", next.ID)
	}
	d.layout(a, fullTransitive, "主体", "entity", old.ResolvedLayout(), next.ResolvedLayout())
}

// authority refuses that a table which is published is rewritten: it is history.
func (d *difference) authority(a about, old, next *schemas.Entity) {
	version := func(e *schemas.Entity, n int) *schemas.AuthorityTable {
		if i := slices.IndexFunc(e.Authority, func(t schemas.AuthorityTable) bool { return t.Version == n }); i >= 0 {
			return &e.Authority[i]
		}
		return nil
	}
	for _, t := range next.Authority {
		switch o := version(old, t.Version); {
		case o == nil:
			d.note(Added, a, "主体 %[1]s 的数源表第 %[2]d 版自 %[3]s 起生效，可信记录将重新计算", "authority version %[2]d of %[1]s takes effect on %[3]s, golden records will be worked out again", next.ID, t.Version, t.Effective.Format("2006-01-02"))
			d.sources(a, old, next, t)
		case !reflect.DeepEqual(o.Written, t.Written):
			d.refuse(a, "主体 %[1]s 的数源表第 %[2]d 版已发布，不能改写：恢复第 %[2]d 版原文，在 authority 末尾加 version: %[3]d（effective 为起用之日），抄下全部 sources 再改",
				"authority version %[2]d of %[1]s is published and cannot be rewritten: put version %[2]d back as it was, add version: %[3]d at the end of authority (effective is the day it begins), copy all sources and change them there", next.ID, t.Version, newest(old)+1)
		}
	}
	for _, t := range old.Authority {
		if version(next, t.Version) == nil {
			d.refuse(a, "主体 %[1]s 的数源表第 %[2]d 版已发布，不能删除", "authority version %[2]d of %[1]s is published and cannot be removed", next.ID, t.Version)
		}
	}
}

// newest is the newest version of an entity's authority that is published, 0 if there is none.
func newest(e *schemas.Entity) int {
	most := 0
	for _, t := range e.Authority {
		most = max(most, t.Version)
	}
	return most
}

// codes refuses that a resource code passes to another dataset: it is never
// used again, even when its dataset is gone.
func (d *difference) codes(old, next *schemas.Catalogue) {
	owners := map[string]string{}
	for _, o := range old.Datasets {
		owners[o.Code] = o.ID
	}
	for _, n := range next.Datasets {
		if owner := owners[n.Code]; owner != "" && owner != n.ID {
			d.refuse(about{of: n.ID, file: n.File}, "资源代码 %[1]s 曾属于 %[2]s，不得再用", "resource code %[1]s was %[2]s's and is never used again", n.Code, owner)
		}
	}
}

func (d *difference) rule(old, next *schemas.Rule) {
	if next == nil {
		d.remove(about{of: old.ID, file: old.File}, "删除规则 %[1]s（%[2]s），其核验结果将关闭", "rule %[1]s is removed, its findings will close", old.ID, old.Title)
		return
	}
	a := about{of: next.ID, file: next.File}
	told := map[string]bool{}
	if old != nil {
		for _, c := range old.Cases {
			for _, e := range c.Evidence {
				told[c.Owner+"/"+e] = true
			}
		}
	}
	for _, c := range next.Cases {
		for _, e := range c.Evidence {
			if told[c.Owner+"/"+e] {
				continue
			}
			told[c.Owner+"/"+e] = true
			a.field = e
			d.expose(EvidenceShown, a, "规则 %[1]s 的核验结果向 %[3]s 展示 %[2]s", "findings of rule %[1]s show %[2]s to %[3]s", next.ID, e, c.Owner)
		}
	}
	a.field = ""
	if old == nil {
		d.note(Added, a, "新增规则 %[1]s（%[2]s）", "new rule %[1]s", next.ID, next.Title)
	} else if !reflect.DeepEqual(old, next) {
		d.note(Changed, a, "规则 %[1]s 改变，将重新评估", "rule %[1]s changes and will be evaluated again", next.ID)
	}
}

func (d *difference) purpose(old, next *schemas.Purpose) {
	listed(d, "purposes.yaml", "用途", "purpose", old, next, func(p *schemas.Purpose) (id, title string) { return p.ID, p.Title })
}

func (d *difference) department(old, next *schemas.Department) {
	listed(d, "departments.yaml", "部门", "department", old, next, func(x *schemas.Department) (id, title string) { return x.ID, x.Title })
}

// listed tells what became of one entry of a file that lists them.
func listed[T any](d *difference, file, zh, en string, old, next *T, name func(*T) (id, title string)) {
	of := next
	if next == nil {
		of = old
	}
	id, title := name(of)
	a := about{of: id, file: file}
	switch {
	case old == nil:
		d.note(Added, a, "新增"+zh+" %[1]s（%[2]s）", "new "+en+" %[1]s", id, title)
	case next == nil:
		d.remove(a, "删除"+zh+" %[1]s（%[2]s）", en+" %[1]s is removed", id, title)
	case !reflect.DeepEqual(old, next):
		d.note(Changed, a, zh+" %[1]s 改变", en+" %[1]s changes", id)
	}
}

// otherwise tells the files whose content differs though no declared key of them does:
// comments and layout.
func (d *difference) otherwise(old, next *schemas.Catalogue) {
	told := map[string]bool{}
	for _, group := range [][]Change{d.plan.Exposed, d.plan.Removed, d.plan.Compatible, d.plan.Refused} {
		for _, c := range group {
			told[c.File] = true
		}
	}
	all := map[string]string{}
	maps.Copy(all, old.Files)
	maps.Copy(all, next.Files)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if old.Files[name] != next.Files[name] && !told[name] {
			d.note(Changed, about{of: name, file: name}, "文件 %[1]s 只有注释或排版不同", "file %[1]s differs in comments or layout only", name)
		}
	}
}

package manifest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Compat says whether next may follow old on a topic under a compatibility
// level of the registry (BACKWARD_TRANSITIVE, FULL_TRANSITIVE). Package codec
// knows; it is passed in because codec stands on this package.
type Compat func(level string, next, old *schemas.Layout) error

// The compatibility levels of topics: raw topics are read by our own steps,
// which are upgraded first; shared and resolved ones by anybody.
const (
	BackwardTransitive = "BACKWARD_TRANSITIVE"
	FullTransitive     = "FULL_TRANSITIVE"
)

// Evolve says what changes when next takes the place of old, newly exposed
// fields first (rule exposed-field), then what must not happen to a published
// catalogue (errors), then the rest. compat may be nil: then only the built-in
// comparison of layouts speaks.
func Evolve(old, next *schemas.Catalogue, compat Compat) []Problem {
	ev := &evolution{old: old, next: next, compat: compat}
	both(old.Views(), next.Views(), func(v *schemas.View) string { return v.ID }, ev.view)
	both(old.Datasets, next.Datasets, func(d *schemas.Dataset) string { return d.ID }, ev.dataset)
	both(old.Entities, next.Entities, func(e *schemas.Entity) string { return e.ID }, ev.entity)
	ev.codes()
	both(old.Rules, next.Rules, func(r *schemas.Rule) string { return r.ID }, ev.rule)
	for _, list := range [][]Problem{ev.exposed.sorted(), ev.broken.sorted()} {
		ev.all = append(ev.all, list...)
	}
	return append(ev.all, ev.changed.sorted()...)
}

type evolution struct {
	old, next                *schemas.Catalogue
	compat                   Compat
	exposed, broken, changed collector
	all                      []Problem
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
	for _, name := range sortedKeys(all) {
		compare(before[name], after[name])
	}
}

func (ev *evolution) expose(file, chinese, english string, args ...any) {
	ev.exposed.add(file, 0, 0, true, "exposed-field", chinese, english, args...)
}

func (ev *evolution) refuse(file, chinese, english string, args ...any) {
	ev.broken.add(file, 0, 0, false, "incompatible", chinese, english, args...)
}

func (ev *evolution) note(file, chinese, english string, args ...any) {
	ev.changed.add(file, 0, 0, true, "changed", chinese, english, args...)
}

// exposure ranks masks by how much they show.
func exposure(mask string) int {
	switch mask {
	case "":
		return 3
	case schemas.MaskSuppress:
		return 0
	case schemas.MaskToken, schemas.MaskDigest, schemas.MaskPresent:
		return 1
	}
	return 2
}

func maskTitle(mask string) string {
	if mask == "" {
		return maskClear
	}
	return mask
}

func fileOf(v *schemas.View) string {
	if v.Dataset != nil {
		return v.Dataset.File
	}
	return v.Entity.File
}

func (ev *evolution) view(old, next *schemas.View) {
	if next == nil {
		ev.note(fileOf(old), "视图 %[1]s 被删除, 订阅者将收不到数据", "view %[1]s is removed, its subscribers get no more data", old.ID)
		return
	}
	var before []schemas.ViewField
	if old != nil {
		before = old.Fields
	}
	ev.shown(next, next.ID, before, next.Fields)
	for _, b := range next.Embed {
		before = nil
		if old != nil {
			if i := slices.IndexFunc(old.Embed, func(o schemas.Embed) bool { return o.Dataset.ID == b.Dataset.ID && o.Role == b.Role }); i >= 0 {
				before = old.Embed[i].Fields
			}
		}
		ev.shown(next, next.ID+"."+b.Dataset.ID, before, b.Fields)
	}
	if old == nil {
		return
	}
	if old.KeyMask && !next.KeyMask {
		ev.expose(fileOf(next), "视图 %[1]s 的主键由令牌变为明文", "the record key of view %[1]s was a token and is now in clear", next.ID)
	}
	if old.KeyMask != next.KeyMask {
		ev.refuse(fileOf(next), "视图 %[1]s 的主键形式改变, 旧记录无法被更新; 请另建视图", "the record keys of view %[1]s change, so the old records could not be updated; make a new view", next.ID)
	}
	if old.Audience != next.Audience {
		ev.refuse(fileOf(next), "视图 %[1]s 的令牌受众由 %[2]q 变为 %[3]q, 已发出的令牌全部失效; 请另建视图", "the audience of view %[1]s changes from %[2]q to %[3]q, which voids all tokens given out; make a new view", next.ID, old.Audience, next.Audience)
	}
	if old.Only != "" && next.Only == "" {
		ev.expose(fileOf(next), "视图 %[1]s 由只核验变为可读取", "view %[1]s was verify-only and can now be read", next.ID)
	}
	ev.layout(fileOf(next), FullTransitive, "视图", "view", next.ID, old.Layout, next.Layout)
}

// shown compares what a view shows of its owner's fields.
func (ev *evolution) shown(v *schemas.View, id string, old, next []schemas.ViewField) {
	for _, f := range next {
		i := slices.IndexFunc(old, func(o schemas.ViewField) bool { return o.Name == f.Name })
		switch {
		case i < 0 && f.Mask != schemas.MaskSuppress:
			ev.expose(fileOf(v), "新公开 %[1]s.%[2]s (%[3]s)", "newly exposed %[1]s.%[2]s (%[3]s)", id, f.Name, maskTitle(f.Mask))
		case i >= 0 && exposure(f.Mask) > exposure(old[i].Mask):
			ev.expose(fileOf(v), "脱敏减弱 %[1]s.%[2]s: %[3]s → %[4]s", "weaker mask on %[1]s.%[2]s: %[3]s to %[4]s", id, f.Name, maskTitle(old[i].Mask), maskTitle(f.Mask))
		case i >= 0 && f.Mask == "" && old[i].Screened && !f.Screened:
			ev.expose(fileOf(v), "%[1]s.%[2]s 文字中的个人号码不再遮盖", "numbers of persons in the texts of %[1]s.%[2]s are no longer hidden", id, f.Name)
		case i >= 0 && f.Mask != old[i].Mask:
			ev.note(fileOf(v), "脱敏改变 %[1]s.%[2]s: %[3]s → %[4]s", "mask changed on %[1]s.%[2]s: %[3]s to %[4]s", id, f.Name, maskTitle(old[i].Mask), maskTitle(f.Mask))
		}
	}
	for _, o := range old {
		if !slices.ContainsFunc(next, func(f schemas.ViewField) bool { return f.Name == o.Name }) {
			ev.note(fileOf(v), "不再提供 %[1]s.%[2]s", "no longer shown: %[1]s.%[2]s", id, o.Name)
		}
	}
}

func (ev *evolution) dataset(old, next *schemas.Dataset) {
	switch {
	case old == nil:
		ev.note(next.File, "新增数据集 %[1]s(%[2]s)", "new dataset %[1]s", next.ID, next.Title)
		return
	case next == nil:
		ev.note(old.File, "删除数据集 %[1]s(%[2]s)", "dataset %[1]s is removed", old.ID, old.Title)
		return
	}
	if !slices.Equal(old.Key, next.Key) {
		ev.refuse(next.File, "数据集 %[1]s 的主键由 %[2]s 变为 %[3]s, 已发布的记录无法对应; 请另建数据集", "the key of dataset %[1]s changes from %[2]s to %[3]s, so published records could not be found again; make a new dataset", next.ID, strings.Join(old.Key, "|"), strings.Join(next.Key, "|"))
	}
	if next.Class < old.Class {
		ev.expose(next.File, "数据集 %[1]s 的共享类型由 %[2]s 放宽为 %[3]s", "the class of dataset %[1]s opens from %[2]s to %[3]s", next.ID, old.Class, next.Class)
	} else if next.Class != old.Class {
		ev.note(next.File, "数据集 %[1]s 的共享类型由 %[2]s 变为 %[3]s", "the class of dataset %[1]s changes from %[2]s to %[3]s", next.ID, old.Class, next.Class)
	}
	if old.Code != next.Code {
		ev.note(next.File, "数据集 %[1]s 的资源代码由 %[2]s 变为 %[3]s", "the resource code of dataset %[1]s changes from %[2]s to %[3]s", next.ID, old.Code, next.Code)
	}
	if old.Cycle != next.Cycle {
		ev.note(next.File, "数据集 %[1]s 的更新周期由 %[2]s 变为 %[3]s", "the cycle of dataset %[1]s changes from %[2]s to %[3]s", next.ID, old.Cycle, next.Cycle)
	}
	if !slices.Equal(linkNames(old), linkNames(next)) {
		ev.note(next.File, "数据集 %[1]s 的主体关联改变, 相关主体将重新汇总", "the links of dataset %[1]s change, its entities will be folded again", next.ID)
	}
	for _, f := range next.Fields {
		if o := old.Field(f.Name); o != nil && o.Level > f.Level {
			ev.note(next.File, "字段 %[1]s.%[2]s 的级别由 %[3]s 降为 %[4]s", "the level of %[1]s.%[2]s falls from %[3]s to %[4]s", next.ID, f.Name, o.Level, f.Level)
		}
	}
	ev.layout(next.File, BackwardTransitive, "数据集", "dataset", next.ID, old.Layout, next.Layout)
}

func linkNames(d *schemas.Dataset) []string {
	var names []string
	for _, k := range d.Links {
		names = append(names, k.Entity+"/"+k.Role+"/"+k.Key)
	}
	slices.Sort(names)
	return names
}

func (ev *evolution) entity(old, next *schemas.Entity) {
	switch {
	case old == nil:
		ev.note(next.File, "新增主体 %[1]s(%[2]s)", "new entity %[1]s", next.ID, next.Title)
		return
	case next == nil:
		ev.note(old.File, "删除主体 %[1]s(%[2]s)", "entity %[1]s is removed", old.ID, old.Title)
		return
	}
	if old.Key.Name != next.Key.Name {
		ev.refuse(next.File, "主体 %[1]s 的主键由 %[2]s 变为 %[3]s", "the key of entity %[1]s changes from %[2]s to %[3]s", next.ID, old.Key.Name, next.Key.Name)
	}
	for _, t := range next.Authority {
		i := slices.IndexFunc(old.Authority, func(o schemas.AuthorityTable) bool { return o.Version == t.Version })
		switch {
		case i < 0:
			ev.note(next.File, "主体 %[1]s 的数源表第 %[2]d 版自 %[3]s 起生效, 金记录将重新计算", "authority version %[2]d of %[1]s takes effect on %[3]s, golden records will be worked out again", next.ID, t.Version, t.Effective.Format("2006-01-02"))
		case !reflect.DeepEqual(old.Authority[i], t):
			ev.refuse(next.File, "主体 %[1]s 的数源表第 %[2]d 版已发布, 不能改写; 请增加新版本", "authority version %[2]d of %[1]s is published and cannot be rewritten, add a new version", next.ID, t.Version)
		}
	}
	ev.layout(next.File, FullTransitive, "实体", "entity", next.ID, old.ResolvedLayout(), next.ResolvedLayout())
}

// codes refuses that a resource code passes to another dataset: it is never
// used again, even when its dataset is gone.
func (ev *evolution) codes() {
	owners := map[string]string{}
	for _, d := range ev.old.Datasets {
		owners[d.Code] = d.ID
	}
	for _, d := range ev.next.Datasets {
		if owner := owners[d.Code]; owner != "" && owner != d.ID {
			ev.refuse(d.File, "资源代码 %[1]s 曾属于 %[2]s, 不得再用", "resource code %[1]s was %[2]s's and is never used again", d.Code, owner)
		}
	}
}

func (ev *evolution) rule(old, next *schemas.Rule) {
	switch {
	case old == nil:
		ev.note(next.File, "新增规则 %[1]s(%[2]s)", "new rule %[1]s", next.ID, next.Title)
	case next == nil:
		ev.note(old.File, "删除规则 %[1]s(%[2]s), 其疑点将关闭", "rule %[1]s is removed, its findings will close", old.ID, old.Title)
	case !reflect.DeepEqual(old, next):
		ev.note(next.File, "规则 %[1]s 改变, 将重新评估", "rule %[1]s changes and will be evaluated again", next.ID)
	}
}

// layout compares the layouts of one topic by name, says which column is in
// the way, and asks compat for what it may have missed. The dataset, view or
// entity it is of is named by its word in Chinese and English, and its id.
func (ev *evolution) layout(file, level, chinese, english, id string, old, next *schemas.Layout) {
	if why := columnChange(level, old, next); why != nil {
		ev.refuse(file, "%[4]s %[1]s 的结构不兼容: %[2]s; 请新增字段或另建视图", "the schema of %[5]s %[1]s is incompatible: %[3]s; add a field or make a new view", id, why[0], why[1], chinese, english)
		return
	}
	if ev.compat == nil {
		return
	}
	if err := ev.compat(level, next, old); err != nil {
		ev.refuse(file, "%[3]s %[1]s 的结构不兼容: %[2]s", "the schema of %[4]s %[1]s is incompatible: %[2]s", id, err, chinese, english)
	}
}

// columnChange returns the first incompatible change of a column, in Chinese
// and English, nil if there is none.
func columnChange(level string, old, next *schemas.Layout) []string {
	for i := range next.Columns {
		n := &next.Columns[i]
		at := old.Index(n.Name)
		if at < 0 {
			if !n.Nullable {
				return []string{n.Name + " 是新的必填字段", n.Name + " is new and not nullable"}
			}
			continue
		}
		o := &old.Columns[at]
		switch {
		case o.Type != n.Type:
			return []string{fmt.Sprintf("%s 的类型由 %s 变为 %s", n.Name, o.Type, n.Type), fmt.Sprintf("%s changes from %s to %s", n.Name, o.Type, n.Type)}
		case o.Scale != n.Scale || o.Precision != n.Precision:
			return []string{
				fmt.Sprintf("%s 由 (%d,%d) 变为 (%d,%d)", n.Name, o.Precision, o.Scale, n.Precision, n.Scale),
				fmt.Sprintf("%s changes from (%d,%d) to (%d,%d)", n.Name, o.Precision, o.Scale, n.Precision, n.Scale),
			}
		case o.Nullable && !n.Nullable:
			return []string{n.Name + " 由可空变为必填", n.Name + " was nullable and is not any more"}
		case level == FullTransitive && !o.Nullable && n.Nullable:
			return []string{n.Name + " 由必填变为可空", n.Name + " was not nullable and is now"}
		case o.Type == schemas.Rows:
			if why := columnChange(level, o.Rows, n.Rows); why != nil {
				return []string{n.Name + "." + why[0], n.Name + "." + why[1]}
			}
		}
	}
	if level != FullTransitive {
		return nil
	}
	for i := range old.Columns {
		if o := &old.Columns[i]; !o.Nullable && next.Index(o.Name) < 0 {
			return []string{o.Name + " 是必填字段, 不能删除", o.Name + " is not nullable and cannot be removed"}
		}
	}
	return nil
}

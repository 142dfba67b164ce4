package manifest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

// shelf is what a view can show: the columns of a dataset or of an entity.
type shelf struct {
	owner  string // for messages: GA01, person
	file   string // where that stands
	class  string
	layout *schemas.Layout
	items  []shelfItem // one a column of layout
	keys   []int       // positions of the owner's key
}

type shelfItem struct {
	element *schemas.Element
	level   string
	title   string
	english string
}

func (s *shelf) names() []string {
	names := make([]string, len(s.layout.Columns))
	for i, c := range s.layout.Columns {
		names[i] = c.Name
	}
	return names
}

func datasetShelf(d *schemas.Dataset) *shelf {
	s := &shelf{owner: d.ID, file: d.File, class: d.Class, layout: d.Layout, keys: d.KeyIndex}
	for _, f := range d.Fields {
		s.items = append(s.items, shelfItem{f.Element, f.Level, f.Title, f.English})
	}
	return s
}

func entityShelf(e *schemas.Entity) *shelf {
	s := &shelf{owner: e.ID, file: e.File, layout: e.Layout, keys: []int{0}}
	key := shelfItem{element: e.Key.Element, title: e.Key.Title}
	if key.element != nil {
		key.level = key.element.Level
	}
	s.items = append(s.items, key)
	for _, f := range e.Fields {
		s.items = append(s.items, shelfItem{f.Element, f.Level, f.Title, f.English})
	}
	return s
}

func (l *loader) datasetViews(d *datasetFile) {
	views := d.root.table("views")
	for _, name := range views.names {
		m, ok := views.part(name)
		if !ok {
			continue
		}
		v := l.view(views.keys[name], m, name, d.Title, datasetShelf(d.Dataset))
		v.Dataset = d.Dataset
		if d.Class == "C" && v.Only == "" {
			views.keys[name].problem("class-c-view", "不予共享(C)的数据集只能有 only: verify 的视图", "a class C dataset may only have verify views (only: verify)")
		}
		l.finishView(views.keys[name], v, datasetShelf(d.Dataset))
		d.Views = append(d.Views, v)
	}
}

func (l *loader) entityViews(e *entityFile) {
	views := e.root.table("views")
	for _, name := range views.names {
		m, ok := views.part(name)
		if !ok {
			continue
		}
		v := l.view(views.keys[name], m, name, e.Title, entityShelf(e.Entity))
		v.Entity = e.Entity
		l.embeds(e, v, m)
		l.finishView(views.keys[name], v, entityShelf(e.Entity))
		e.Views = append(e.Views, v)
	}
	if len(e.Fields) > 0 {
		v := explainView(e.Entity)
		e.Views = append(e.Views, v)
		l.known.views[v.ID] = v
	}
}

// view reads what views of datasets and entities have in common.
func (l *loader) view(at node, m mapping, name, title string, s *shelf) *schemas.View {
	if name == schemas.ExplainView {
		at.problem("bad-name", "视图名 explain 由系统使用", "the view name explain is reserved")
	}
	v := &schemas.View{ID: s.owner + "." + name, Owner: s.owner, Name: name}
	v.Title, v.Audience = cmp.Or(m.text("title"), title), m.text("audience")
	v.Only = m.text("only")
	v.Fields = l.viewFields(m, s, v.Only == "verify", name)
	if v.Only == "verify" {
		l.verifyView(at, m, v, s)
	}
	v.KeyMask = len(s.keys) == 0
	for _, k := range s.keys {
		i := slices.IndexFunc(v.Fields, func(f schemas.ViewField) bool { return f.Index == k })
		if i < 0 || v.Fields[i].Mask != "" {
			v.KeyMask = true
		}
	}
	return v
}

func (l *loader) verifyView(at node, m mapping, v *schemas.View, s *shelf) {
	for _, key := range []string{"mask", "embed", "base"} {
		if m.has(key) {
			m.at(key).problem("verify-mask", "核验视图只存带密钥摘要，不能有 %[1]s", "a verify view holds keyed digests only and has no %[1]s", key)
		}
	}
	shown := len(v.Fields)
	for _, k := range s.keys {
		if !slices.ContainsFunc(v.Fields, func(f schemas.ViewField) bool { return f.Index == k }) {
			shown++ // the key takes part in every verification
		}
	}
	if shown < 2 {
		at.problem("verify-oracle", "核验视图至少要两个字段，单字段核验可被逐个试出", "a verify view needs two fields, a single one can be guessed by trying")
	}
}

// viewFields reads fields, mask and base: which columns are shown, and how.
func (l *loader) viewFields(m mapping, s *shelf, verify bool, name string) []schemas.ViewField {
	base := m.text("base")
	if name == "clear" && !m.has("base") {
		base = "clear"
	}
	shown, places := s.names(), []node(nil)
	if m.has("fields") {
		shown, places = m.texts("fields")
	}
	masks := map[string]node{}
	mm := m.table("mask")
	for _, field := range mm.names {
		switch {
		case s.layout.Index(field) < 0:
			mm.keys[field].unknown("unknown-field", "字段", "field", field, s.names(), s.file)
		case !slices.Contains(shown, field):
			mm.keys[field].problem("mask-unused", "字段 %[1]s 不在视图里，这条脱敏不起作用", "field %[1]s is not in the view, its mask does nothing", field)
		default:
			masks[field] = mm.values[field]
		}
	}
	var fields []schemas.ViewField
	for i, field := range shown {
		at := s.layout.Index(field)
		if at < 0 {
			places[i].unknown("unknown-field", "字段", "field", field, s.names(), s.file)
			continue
		}
		item := s.items[at]
		f := schemas.ViewField{Name: field, Index: at, Type: s.layout.Columns[at].Type}
		switch value, stated := masks[field]; {
		case verify:
			f.Mask = schemas.MaskDigest
		case stated:
			id, _ := value.text()
			f.Mask = l.maskOf(value, id, item.element)
		case base == "default" && item.element != nil:
			f.Mask = item.element.Mask
			f.Screened = f.Mask == "" && schemas.Spelled(item.element.Kind)
		}
		if rule, ok := schemas.Mask(f.Mask); ok {
			f.Type = rule.Type
		}
		if item.level == "L4" && f.Mask == "" {
			m.at("fields").problem("l4-clear", "L4 级字段 %[1]s.%[2]s 不得以明文出现在视图中，请去掉或脱敏", "L4 field %[1]s.%[2]s must not be shown in clear, leave it out or mask it", s.owner, field)
		}
		fields = append(fields, f)
	}
	return fields
}

// embeds reads the rows of datasets that an entity's view shows.
func (l *loader) embeds(e *entityFile, v *schemas.View, m mapping) {
	for _, em := range m.each("embed") {
		id := em.text("dataset")
		d := l.known.datasets[id]
		if d == nil {
			l.unknownID(em.at("dataset"), "datasets", "数据集", "dataset", id, sortedKeys(l.known.datasets))
			continue
		}
		b := schemas.Embed{Dataset: d, Role: em.text("role"), Max: em.number("max")}
		if !l.linked(em.at("role"), d, e.ID, b.Role) {
			continue
		}
		if d.Class == "C" {
			em.at("dataset").problem("class-c-view", "不予共享(C)的数据集 %[1]s 不能嵌入视图", "class C dataset %[1]s must not be embedded in a view", id)
		}
		s := datasetShelf(d)
		if slices.ContainsFunc(v.Embed, func(o schemas.Embed) bool { return o.Dataset == d }) || e.Layout.Index(id) >= 0 {
			em.at("dataset").problem("duplicate", "%[1]s 在视图里出现两次", "%[1]s stands twice in the view", id)
			continue
		}
		b.Fields = l.viewFields(em, s, false, "")
		b.Layout = s.masked("yiyuan.shared", layoutName(v.ID)+"_"+id, b.Fields)
		for _, k := range linksTo(d, e.ID) {
			i := slices.IndexFunc(b.Fields, func(f schemas.ViewField) bool { return f.Index == k.Index })
			if k.Role == b.Role && v.KeyMask && i >= 0 && b.Fields[i].Mask == "" {
				em.at("fields").problem("recoverable-mask", "嵌入的 %[1]s.%[2]s 以明文给出了视图所遮盖的主键", "the embedded %[1]s.%[2]s shows in clear the key that the view masks", id, k.Key)
			}
		}
		v.Embed = append(v.Embed, b)
	}
}

// linked checks that a dataset speaks about an entity in a role.
func (l *loader) linked(at node, d *schemas.Dataset, entity, role string) bool {
	links := linksTo(d, entity)
	if slices.ContainsFunc(links, func(k schemas.Link) bool { return k.Role == role }) {
		return true
	}
	if len(links) == 0 {
		return at.problem("no-link", "数据集 %[1]s 没有关联主体 %[2]s，请在其 entities 中声明", "dataset %[1]s does not speak about %[2]s, declare it in its entities", d.ID, entity)
	}
	var roles []string
	for _, k := range links {
		roles = append(roles, d.ID+roleSuffix(k.Role))
	}
	return at.problem("unknown-role", "数据集 %[1]s 与主体 %[2]s 没有角色 %[3]q 的关联，有: %[4]s", "dataset %[1]s has no link to %[2]s with role %[3]q, it has %[4]s", d.ID, entity, role, strings.Join(roles, " "))
}

func roleSuffix(role string) string {
	if role == "" {
		return ""
	}
	return "/" + role
}

// layoutName turns a view's id into an Avro name.
func layoutName(id string) string { return strings.ReplaceAll(id, ".", "_") }

// masked is the layout of what a view shows: nullable everywhere, because a
// mask that fails drops its field, except the owner's key in clear.
func (s *shelf) masked(namespace, name string, fields []schemas.ViewField) *schemas.Layout {
	columns := make([]schemas.Column, len(fields))
	for i, f := range fields {
		item := s.items[f.Index]
		c := schemas.Column{Name: f.Name, Type: f.Type, Nullable: true, Doc: item.title}
		if f.Mask == "" {
			own := s.layout.Columns[f.Index]
			c.Precision, c.Scale = own.Precision, own.Scale
			c.Nullable = !slices.Contains(s.keys, f.Index)
		}
		id := ""
		if item.element != nil {
			id = item.element.ID
		}
		c.Attrs = attrs("element", id, "level", item.level, "mask", f.Mask)
		columns[i] = c
	}
	return schemas.MustLayout(namespace, name, columns...)
}

// finishView compiles a view's layout and level, and judges it as a whole.
func (l *loader) finishView(at node, v *schemas.View, s *shelf) {
	v.Layout = s.masked("yiyuan.shared", layoutName(v.ID), v.Fields)
	v.Level = "L1"
	for _, f := range v.Fields {
		v.Level = higher(v.Level, shownLevel(s.items[f.Index].level, f.Mask))
	}
	columns := v.Layout.Columns
	for _, b := range v.Embed {
		es := datasetShelf(b.Dataset)
		for i, f := range b.Fields {
			b.Layout.Columns[i].Nullable = true
			v.Level = higher(v.Level, shownLevel(es.items[f.Index].level, f.Mask))
		}
		columns = append(columns, schemas.Column{Name: b.Dataset.ID, Type: schemas.Rows, Nullable: true, Rows: b.Layout, Doc: b.Dataset.Title})
	}
	v.Layout = schemas.MustLayout("yiyuan.shared", layoutName(v.ID), columns...)
	v.Layout.Doc = v.Title
	v.Layout.Attrs = attrs("view", v.ID, "level", v.Level, "audience", v.Audience)
	l.judge(at, v, s)
	l.known.views[v.ID] = v
}

// shownLevel is the level of a field as a view shows it.
func shownLevel(level, mask string) string {
	switch mask {
	case "":
		return level
	case schemas.MaskSuppress:
		return "L1"
	}
	return lowered(level)
}

// shown is one field as a view, or a row embedded in it, shows it.
type shown struct {
	schemas.ViewField
	shelfItem
}

func shows(v *schemas.View, s *shelf) []shown {
	var all []shown
	for _, f := range v.Fields {
		all = append(all, shown{f, s.items[f.Index]})
	}
	for _, b := range v.Embed {
		items := datasetShelf(b.Dataset).items
		for _, f := range b.Fields {
			f.Name = b.Dataset.ID + "." + f.Name
			all = append(all, shown{f, items[f.Index]})
		}
	}
	return slices.DeleteFunc(all, func(f shown) bool { return f.element == nil })
}

// keyed reports whether an element is the owner's key, or what the key is made of.
func (s *shelf) keyed(element string) bool {
	return slices.ContainsFunc(s.keys, func(k int) bool {
		e := s.items[k].element
		return e != nil && (e.ID == element || e.Contains == element)
	})
}

// judge refuses views whose parts undo one another's masks.
func (l *loader) judge(at node, v *schemas.View, s *shelf) {
	var names, clearIDs []string
	all := shows(v, s)
	for _, f := range all {
		switch e := f.element; {
		case e.Kind == "person_name" && f.Mask != "" && f.Mask != schemas.MaskDigest:
			names = append(names, f.Name)
		case e.Kind == "id_number" && f.Mask == "":
			clearIDs = append(clearIDs, f.Name)
		case e.Contains != "" && f.Mask == "":
			hidden := slices.ContainsFunc(all, func(o shown) bool {
				return o.Mask != "" && (o.element.ID == e.Contains || o.element.Contains == e.Contains)
			})
			if hidden || v.KeyMask && s.keyed(e.Contains) {
				at.problem("recoverable-mask", "视图 %[1]s 遮盖了 %[2]s，却以明文给出由它组成的 %[3]s；请给 %[3]s 加 partial、token 或去掉", "view %[1]s masks %[2]s but shows %[3]s, which is made of it, in clear; mask %[3]s (partial, token) or leave it out", v.ID, e.Contains, f.Name)
			}
		case e.PartOf != "" && f.Mask == "":
			i := slices.IndexFunc(all, func(o shown) bool {
				return (o.element.ID == e.PartOf || o.element.Contains == e.PartOf) && o.Mask == schemas.MaskPartial
			})
			if i >= 0 {
				at.problem("recoverable-mask", "视图 %[1]s 遮盖了 %[2]s，却以明文给出其中包含的 %[3]s：连同校验码只剩几百个候选，请给 %[3]s 加 year 或去掉", "view %[1]s masks %[2]s but shows %[3]s, which is part of it, in clear: with the check digit a few hundred candidates remain; mask %[3]s (year) or leave it out", v.ID, all[i].Name, f.Name)
			}
		}
		if s.class == "A" && f.Mask == "" && slices.Index(format.Levels, f.level) >= 2 {
			at.warn("level-class", "无条件共享(A)的视图 %[1]s 以明文给出 %[3]s 级字段 %[2]s", "view %[1]s of a class A dataset shows %[2]s (%[3]s) in clear", v.ID, f.Name, f.level)
		}
	}
	if len(names) > 0 && len(clearIDs) > 0 {
		at.warn("mask-undone", "视图 %[1]s 遮盖了姓名 %[2]s，但身份号码 %[3]s 是明文", "view %[1]s masks the name %[2]s but shows the identity number %[3]s in clear", v.ID, strings.Join(names, " "), strings.Join(clearIDs, " "))
	}
}

// explainView builds the automatic view of an entity.
func explainView(e *schemas.Entity) *schemas.View {
	return &schemas.View{
		ID: e.ID + "." + schemas.ExplainView, Owner: e.ID, Name: schemas.ExplainView, Title: e.Title + "数据来源说明",
		Layout: schemas.ExplainLayout, KeyMask: true, Level: "L2", Entity: e,
	}
}

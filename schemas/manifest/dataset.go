package manifest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

// maxFields bounds a dataset: the schema profile refuses wider records.
const maxFields = 500

func (l *loader) dataset(f file) {
	m, ok := f.root.fields(format.Dataset)
	if !ok {
		return
	}
	d := &datasetFile{Dataset: &schemas.Dataset{File: f.name}, root: m, fields: map[string]node{}}
	d.ID = m.text("dataset")
	if !l.is(f, m, "dataset", d.ID) {
		return
	}
	d.Title, d.English, d.Summary = m.text("title"), m.text("english"), m.text("summary")
	d.Class = m.text("class")
	d.Basis = m.text("basis")
	d.Cycle = m.text("cycle")
	d.Format = m.text("format")
	d.System, d.Returned = m.text("system"), m.flag("returned")
	if d.Returned && d.System == "" {
		m.at("returned").problem("missing-key", "回流数据须用 system 写明所属的上级系统", "returned data must name the system of the higher level: add system")
	}
	if d.Class == "C" && d.Basis == "" {
		m.at("class").problem("class-c-basis", "不予共享(C)必须用 basis 写明法律依据", "class C needs its law: add basis")
	}
	if id := m.text("provider"); id != "" {
		if d.Provider = l.known.departments[id]; d.Provider == nil {
			m.at("provider").unknown("unknown-department", "部门", "department", id, sortedKeys(l.known.departments), "departments.yaml")
		}
	}
	l.resourceCode(d)
	l.datasetFields(d)
	l.datasetKey(d)
	d.Layout = rawLayout(d.Dataset)
	l.datasets = append(l.datasets, d)
	l.byID[d.ID] = d
	l.known.datasets[d.ID] = d.Dataset
	l.cat.Datasets = append(l.cat.Datasets, d.Dataset)
}

func (l *loader) resourceCode(d *datasetFile) {
	var sound bool
	if d.Code, sound = d.root.sound("code"); !sound {
		return
	}
	for _, o := range l.datasets {
		if o.Code == d.Code {
			d.root.at("code").problem("resource-code", "政务信息资源代码 %[1]s 已由 %[2]s(%[3]s)使用", "resource code %[1]s is already used by %[2]s", d.Code, o.ID, o.Title)
		}
	}
}

func (l *loader) datasetFields(d *datasetFile) {
	items := d.root.each("fields")
	if len(items) > maxFields {
		d.root.at("fields").problem("too-large", "字段超过 %[1]d 个", "more than %[1]d fields", maxFields)
		return
	}
	for _, m := range items {
		fl := &schemas.Field{Name: m.text("name"), Element: l.elementOf(m), Nullable: m.flag("nullable"), Source: m.flag("source"), Index: len(d.Fields)}
		if fl.Name == "" {
			continue
		}
		if fl.Element == nil {
			fl.Element = &schemas.Element{Type: schemas.String} // without a kind it is left alone from here on: the load fails anyway
		}
		fl.Title, fl.English = cmp.Or(m.text("title"), fl.Element.Title), cmp.Or(m.text("english"), fl.Element.English)
		fl.Level = cmp.Or(m.text("level"), fl.Element.Level, "L1")
		if _, twice := d.fields[fl.Name]; twice {
			m.at("name").problem("duplicate", "字段 %[1]s 重复", "field %[1]s stands twice", fl.Name)
			continue
		}
		alike(m, fl.Name, sortedKeys(d.fields))
		d.fields[fl.Name] = m.at("name")
		d.Fields = append(d.Fields, fl)
	}
}

// alike refuses a name that differs from a former one by case alone: readers of Avro elsewhere
// take the two for one.
func alike(m mapping, name string, before []string) {
	for _, former := range before {
		if strings.EqualFold(name, former) {
			m.at("name").problem("duplicate", "字段 %[1]s 与 %[2]s 只差大小写，不分大小写的一方会认作同一个；换一个名称", "field %[1]s differs from %[2]s by case alone, which not everybody tells apart: give it another name", name, former)
			return
		}
	}
}

func (l *loader) datasetKey(d *datasetFile) {
	names, at := d.root.texts("key")
	d.Key = names
	for i, name := range names {
		f := d.Field(name)
		switch {
		case f == nil:
			at[i].unknown("unknown-field", "字段", "field", name, sortedKeys(d.fields), d.File)
			continue
		case f.Nullable:
			at[i].problem("nullable-key", "主键字段 %[1]s 不能为空，去掉 nullable", "key field %[1]s must not be nullable", name)
		case f.Element.Type == schemas.Double || f.Element.Type == schemas.Bytes || f.Element.Type == schemas.Rows:
			at[i].problem("bad-key", "字段 %[1]s 不能作主键", "field %[1]s cannot be a key", name)
		}
		d.KeyIndex = append(d.KeyIndex, f.Index)
	}
}

// rawLayout is the layout of the topic raw.<id>.
func rawLayout(d *schemas.Dataset) *schemas.Layout {
	columns := make([]schemas.Column, len(d.Fields))
	for i, f := range d.Fields {
		columns[i] = column(f.Element, f.Name, f.Title)
		columns[i].Nullable = f.Nullable
		columns[i].Attrs = attrs("element", f.Element.ID, "level", f.Level, "kind", f.Element.Kind)
		if f.Source {
			columns[i].Attrs["source"] = "true"
		}
	}
	l := schemas.MustLayout("yiyuan.raw", d.ID, columns...)
	l.Doc = d.Title
	provider := ""
	if d.Provider != nil {
		provider = d.Provider.ID
	}
	l.Attrs = attrs("code", d.Code, "class", d.Class, "provider", provider, "key", strings.Join(d.Key, ","))
	return l
}

// column returns a column of the element's own type.
func column(e *schemas.Element, name, title string) schemas.Column {
	c := schemas.Column{Name: name, Type: e.Type, Doc: title}
	if c.Type == 0 {
		c.Type = schemas.String
	}
	if c.Type == schemas.Decimal {
		c.Precision, c.Scale = e.Precision, e.Scale
	}
	return c
}

// attrs makes a map of names and values in turn, without the empty values.
func attrs(pairs ...string) map[string]string {
	m := make(map[string]string, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		if len(pair) == 2 && pair[1] != "" {
			m[pair[0]] = pair[1]
		}
	}
	return m
}

// linksTo returns how the dataset speaks about an entity.
func linksTo(d *schemas.Dataset, entity string) []schemas.Link {
	var links []schemas.Link
	for _, k := range d.Links {
		if k.Entity == entity {
			links = append(links, k)
		}
	}
	return links
}

// links resolves the entities a dataset's rows speak about.
func (l *loader) links(d *datasetFile) {
	for _, m := range d.root.each("entities") {
		k := schemas.Link{Entity: m.text("entity"), Key: m.text("key"), Role: m.text("role"), Index: -1}
		e, f := l.known.entities[k.Entity], d.Field(k.Key)
		if e == nil {
			l.unknownID(m.at("entity"), "entities", "主体", "entity", k.Entity, sortedKeys(l.known.entities))
		}
		if f == nil && k.Key != "" {
			m.at("key").unknown("unknown-field", "字段", "field", k.Key, sortedKeys(d.fields), d.File)
		}
		if e == nil || f == nil {
			continue
		}
		k.Index = f.Index
		// A document's number may be the entity's key or some other document's.
		holds := e.Key.Element != nil && f.Element.Contains == e.Key.Element.ID && f.Element.Kind == "identifier"
		if e.Key.Element != nil && f.Element.Kind != "" && f.Element.Kind != e.Key.Element.Kind && !holds {
			m.at("key").problem("link-kind", "字段 %[1]s 的种类是 %[2]s，主体 %[3]s 的主键是 %[4]s", "field %[1]s is of kind %[2]s but the key of %[3]s is of kind %[4]s", k.Key, f.Element.Kind, k.Entity, e.Key.Element.Kind)
		}
		if slices.ContainsFunc(d.Links, func(o schemas.Link) bool { return o.Entity == k.Entity && o.Role == k.Role }) {
			m.problem("duplicate", "同一主体 %[1]s 和角色 %[2]q 只能出现一次，请给不同的 role", "entity %[1]s with role %[2]q stands twice, give different roles", k.Entity, k.Role)
			continue
		}
		d.Links = append(d.Links, k)
	}
}

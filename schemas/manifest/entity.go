package manifest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

func (l *loader) entity(f file) {
	m, ok := f.root.fields(format.Entity)
	if !ok {
		return
	}
	e := &entityFile{Entity: &schemas.Entity{File: f.name, ID: m.text("entity")}, root: m, fields: map[string]node{}}
	if !l.is(f, m, "entity", e.ID) {
		return
	}
	if l.known.datasets[e.ID] != nil {
		m.at("entity").problem("duplicate", "%[1]s 已是数据集的名称", "%[1]s is already a dataset", e.ID)
	}
	e.Title, e.English = m.text("title"), m.text("english")
	if k, ok := m.part("key"); ok {
		e.Key = schemas.EntityKey{Name: k.text("name"), Element: l.elementOf(k)}
		if e.Key.Element != nil {
			e.Key.Title = e.Key.Element.Title
			if e.Key.Element.Type != schemas.String {
				k.at("element").problem("bad-key", "主体的主键必须是文字", "an entity's key must be a text")
			}
		}
		e.Key.Title = cmp.Or(k.text("title"), e.Key.Title)
	}
	l.goldenFields(e)
	compile(e.Entity)
	l.entities = append(l.entities, e)
	l.known.entities[e.ID] = e.Entity
	l.cat.Entities = append(l.cat.Entities, e.Entity)
}

func (l *loader) goldenFields(e *entityFile) {
	for _, m := range e.root.each("fields") {
		f := &schemas.GoldenField{Name: m.text("name"), Element: l.elementOf(m), Group: m.text("group"), Index: len(e.Fields) + 1}
		if f.Name == "" {
			continue
		}
		if f.Element == nil {
			f.Element = &schemas.Element{Type: schemas.String}
		}
		f.Title, f.English, f.Level = cmp.Or(m.text("title"), f.Element.Title), cmp.Or(m.text("english"), f.Element.English), f.Element.Level
		if _, twice := e.fields[f.Name]; twice || f.Name == e.Key.Name {
			m.at("name").problem("duplicate", "字段 %[1]s 重复", "field %[1]s stands twice", f.Name)
			continue
		}
		alike(m, f.Name, append(sortedKeys(e.fields), e.Key.Name))
		e.fields[f.Name] = m.at("name")
		e.Fields = append(e.Fields, f)
	}
	for _, f := range e.Fields {
		if f.Group != "" && (e.fields[f.Group].exists() || f.Group == e.Key.Name) {
			e.fields[f.Name].problem("duplicate", "组名 %[1]s 与字段同名", "group %[1]s is called as a field", f.Group)
		}
	}
}

// compile builds the layouts of the golden record.
func compile(e *schemas.Entity) {
	key := e.Key.Element
	if key == nil {
		key = &schemas.Element{Type: schemas.String}
	}
	name := e.Key.Name
	if name == "" {
		name = "key"
	}
	columns := []schemas.Column{column(key, name, e.Key.Title)}
	columns[0].Attrs = attrs("element", key.ID, "level", key.Level, "kind", key.Kind)
	for _, f := range e.Fields {
		c := column(f.Element, f.Name, f.Title)
		c.Nullable = true
		c.Attrs = attrs("element", f.Element.ID, "level", f.Level, "kind", f.Element.Kind)
		columns = append(columns, c)
	}
	e.Layout = schemas.MustLayout("yiyuan.resolved", e.ID, columns...)
	e.Layout.Doc = e.Title
	e.Layout.Attrs = attrs("key", name)
}

func (l *loader) aggregates(e *entityFile) {
	for _, m := range e.root.each("aggregates") {
		a := &schemas.Aggregate{Name: m.text("name"), Dataset: m.text("dataset"), Role: m.text("role"), Where: m.text("where"), Sum: m.text("sum")}
		if slices.ContainsFunc(e.Aggregates, func(o *schemas.Aggregate) bool { return o.Name == a.Name }) {
			m.at("name").problem("duplicate", "汇总 %[1]s 重复", "aggregate %[1]s stands twice", a.Name)
		}
		e.Aggregates = append(e.Aggregates, a)
		l.condition(m, "where", a.Where)
		d := l.datasetAt(m, "dataset", a.Dataset)
		if d == nil || !l.linked(m.at("role"), d.Dataset, e.ID, a.Role) {
			continue
		}
		l.rowFields(m.at("where"), d, a.Where)
		if a.Sum == "" {
			continue
		}
		switch f := d.Field(a.Sum); {
		case f == nil:
			m.at("sum").unknown("unknown-field", "字段", "field", a.Sum, sortedKeys(d.fields), d.File)
		case f.Element.Kind != "" && f.Element.Type != schemas.Long && f.Element.Type != schemas.Decimal:
			m.at("sum").problem("bad-type", "只能对数值求和，%[1]s 是 %[2]s", "only numbers can be summed, %[1]s is %[2]s", a.Sum, f.Element.Type)
		case d.Class == "C":
			m.at("sum").problem("class-c-view", "不予共享(C)的字段 %[1]s 不能求和", "field %[1]s of a class C dataset must not be summed", a.Sum)
		}
	}
}

// datasetAt returns a dataset named in a file, nil after saying so if there is none.
func (l *loader) datasetAt(m mapping, key, id string) *datasetFile {
	d := l.byID[id]
	if d == nil {
		l.unknownID(m.at(key), "datasets", "数据集", "dataset", id, sortedKeys(l.byID))
	}
	return d
}

var (
	celText = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)
	celRow  = regexp.MustCompile(`\brow\.([A-Za-z_][A-Za-z0-9_]*)`)
)

// rowFields checks the fields that a condition reads from its row. The
// condition itself is compiled where it is evaluated.
func (l *loader) rowFields(at node, d *datasetFile, condition string) (ok bool) {
	ok = true
	for _, ref := range celRow.FindAllStringSubmatch(celText.ReplaceAllString(condition, `""`), -1) {
		if d.Field(ref[1]) == nil {
			at.unknown("unknown-field", "数据集 "+d.ID+" 的字段", "field of "+d.ID, ref[1], sortedKeys(d.fields), d.File)
			ok = false
		}
	}
	return ok
}

// entry returns the golden fields that an entry of an authority table is about, none
// after saying so if it names none.
func (l *loader) entry(e *entityFile, at node, entry string) []*schemas.GoldenField {
	if f := e.Field(entry); f != nil && f.Group != "" {
		at.problem("two-authorities", "字段 %[1]s 属于组 %[2]s，只能给整组定数源", "field %[1]s belongs to group %[2]s, which has one source as a whole", entry, f.Group)
		return nil
	}
	members := e.Members(entry)
	if len(members) == 0 {
		at.unknown("unknown-field", "字段或组", "field or group", entry, entries(e.Entity), e.File)
	}
	return members
}

// entries are what an authority table has sources of: fields, and groups as a whole.
func entries(e *schemas.Entity) []string {
	all := map[string]bool{}
	for _, f := range e.Fields {
		all[cmp.Or(f.Group, f.Name)] = true
	}
	return sortedKeys(all)
}

// candidate reads one source of a field or group; false if it cannot be one.
func (l *loader) candidate(e *entityFile, m mapping, members []*schemas.GoldenField, before []schemas.Candidate) (schemas.Candidate, bool) {
	c := schemas.Candidate{
		Dataset: m.text("dataset"), Role: m.text("role"), Where: m.text("where"), Pick: m.text("pick"),
		Flag: m.text("flag"), SameRank: m.flag("same_rank"), Columns: map[string]string{}, Constant: map[string]string{},
	}
	l.condition(m, "where", c.Where)
	d := l.datasetAt(m, "dataset", c.Dataset)
	if d == nil || !l.linked(m.at("dataset"), d.Dataset, e.ID, c.Role) {
		return c, false
	}
	sound := true
	if d.Class == "C" {
		sound = m.at("dataset").problem("class-c-view", "不予共享(C)的数据集 %[1]s 不能作数源", "class C dataset %[1]s cannot be a source", d.ID)
	}
	for _, o := range before {
		if o.Dataset == c.Dataset && o.Role == c.Role && o.Where == c.Where {
			sound = m.problem("two-authorities", "数据集 %[1]s 重复作为同一数源，请用 where 或 role 区分", "dataset %[1]s is the same source twice, tell them apart by where or role", c.Dataset+roleSuffix(c.Role))
		}
	}
	sound = l.rowFields(m.at("where"), d, c.Where) && sound
	l.columns(m, d, &c, members)
	sound = l.pick(m, d, &c, before) && sound
	return c, sound && len(c.Columns)+len(c.Constant) > 0
}

// columns maps the golden fields to the dataset's, by name unless stated.
func (l *loader) columns(m mapping, d *datasetFile, c *schemas.Candidate, members []*schemas.GoldenField) {
	var names []string
	for _, f := range members {
		names = append(names, f.Name)
	}
	read := func(key string, into map[string]string) {
		mm := m.table(key)
		for _, golden := range mm.names {
			if !slices.Contains(names, golden) {
				mm.keys[golden].unknown("unknown-field", "字段", "field", golden, names, m.file)
				continue
			}
			into[golden] = mm.text(golden)
		}
	}
	read("constant", c.Constant)
	read("columns", c.Columns)
	for _, f := range members {
		_, fixed := c.Constant[f.Name]
		if !m.has("columns") && !fixed && d.Field(f.Name) != nil {
			c.Columns[f.Name] = f.Name
		}
	}
	if len(c.Columns)+len(c.Constant) == 0 {
		zh, en := hint(names[0], sortedKeys(d.fields), d.File)
		m.at("dataset").problem("unknown-field", "数据集 %[1]s 没有字段 %[2]s%[3]s；名称不同请写 columns: {%[2]s: …}", "dataset %[1]s has no field %[2]s%[4]s; if it is called otherwise write columns: {%[2]s: ...}", d.ID, names[0], zh, en)
	}
	for _, f := range members {
		if column, ok := c.Columns[f.Name]; ok {
			if !l.sameElement(m.at("columns"), d, f, column) {
				delete(c.Columns, f.Name)
			}
		}
		if value, ok := c.Constant[f.Name]; ok && f.Element.Kind == "code" && !f.Element.HasCode(value) {
			m.at("constant").problem("bad-value", "%[1]q 不在 %[2]s 的代码表中", "%[1]q is not in the code set of %[2]s", value, f.Name)
		}
	}
}

// sameElement checks that a dataset's field can be a golden field's value.
func (l *loader) sameElement(at node, d *datasetFile, f *schemas.GoldenField, column string) bool {
	from := d.Field(column)
	if from == nil {
		at.unknown("unknown-field", "数据集 "+d.ID+" 的字段", "field of "+d.ID, column, sortedKeys(d.fields), d.File)
		return false
	}
	a, b := from.Element, f.Element
	if a.Kind == "" || b.Kind == "" {
		return true // said where the element is unknown
	}
	if a.Kind != b.Kind || a.Type != b.Type || a.Precision != b.Precision || a.Scale != b.Scale {
		return at.problem("element-mismatch", "%[1]s.%[2]s 是 %[3]s，不能作 %[4]s(%[5]s)的来源", "%[1]s.%[2]s is %[3]s and cannot fill %[4]s (%[5]s)", d.ID, column, describe(a), f.Name, describe(b))
	}
	for _, code := range a.Codes {
		if !b.HasCode(code.Value) {
			return at.problem("element-mismatch", "%[1]s.%[2]s 的代码 %[3]s 不在 %[4]s 的代码表中", "code %[3]s of %[1]s.%[2]s is not in the code set of %[4]s", d.ID, column, code.Value, f.Name)
		}
	}
	return true
}

func describe(e *schemas.Element) string {
	if e.Type == schemas.Decimal {
		return fmt.Sprintf("%s(%d,%d)", e.Kind, e.Precision, e.Scale)
	}
	return e.Kind
}

func (l *loader) pick(m mapping, d *datasetFile, c *schemas.Candidate, before []schemas.Candidate) (ok bool) {
	ok = true
	order, fields := c.PickBy()
	if order == "latest" || order == "earliest" {
		for _, name := range slices.Concat(fields...) {
			if d.Field(name) == nil {
				m.at("pick").unknown("unknown-field", "数据集 "+d.ID+" 的字段", "field of "+d.ID, name, sortedKeys(d.fields), d.File)
				ok = false
			}
		}
	}
	if !c.SameRank {
		return ok
	}
	if len(before) == 0 {
		return m.at("same_rank").problem("bad-value", "第一个数源不能写 same_rank", "the first candidate cannot have same_rank")
	}
	last := before[len(before)-1]
	if o, _ := last.PickBy(); o != order || l.pickType(last) != l.pickType(*c) {
		return m.at("pick").problem("two-authorities", "同级数源必须按同样的方式挑选（pick），否则无法比较", "candidates of the same rank must be picked in the same way, else they cannot be compared")
	}
	return ok
}

// pickType is the type of what a candidate's rows are ordered by.
func (l *loader) pickType(c schemas.Candidate) schemas.Type {
	if _, fields := c.PickBy(); len(fields) > 0 && l.byID[c.Dataset] != nil {
		if f := l.byID[c.Dataset].Field(fields[0][0]); f != nil {
			return f.Element.Type
		}
	}
	return schemas.Timestamp
}

// goldenLevels raises each golden field to the highest level of what may fill it.
func (l *loader) goldenLevels(e *entityFile) {
	for _, t := range e.Authority {
		for entry, candidates := range t.Sources {
			for _, f := range e.Members(entry) {
				for _, c := range candidates {
					if from := l.byID[c.Dataset].Field(c.Columns[f.Name]); from != nil {
						f.Level = higher(f.Level, from.Level)
					}
				}
			}
		}
	}
	compile(e.Entity)
}

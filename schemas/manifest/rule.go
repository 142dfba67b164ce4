package manifest

import (
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

func (l *loader) rule(f file) {
	m, ok := f.root.fields(format.Rule)
	if !ok {
		return
	}
	r := &schemas.Rule{ID: m.text("rule"), Title: m.text("title"), English: m.text("english"), Entity: m.text("entity"), File: f.name}
	if !l.is(f, m, "rule", r.ID) {
		return
	}
	r.Severity, r.Basis, r.Advice = m.text("severity"), m.text("basis"), m.text("advice")
	e := l.known.entities[r.Entity]
	if e == nil {
		l.unknownID(m.at("entity"), "entities", "主体", "entity", r.Entity, sortedKeys(l.known.entities))
	}
	l.cat.Rules = append(l.cat.Rules, r)
	if e == nil {
		return
	}
	for _, item := range m.each("cases") {
		l.ruleCase(r, e, item)
	}
}

func (l *loader) ruleCase(r *schemas.Rule, e *schemas.Entity, m mapping) {
	c := &schemas.Case{ID: m.text("id"), When: m.text("when"), Owner: m.text("owner"), Until: m.text("until"), Days: m.number("days")}
	c.Certainty = m.text("certainty")
	l.condition(m, "when", c.When)
	l.condition(m, "until", c.Until)
	if slices.ContainsFunc(r.Cases, func(o *schemas.Case) bool { return o.ID == c.ID }) {
		m.at("id").problem("duplicate", "情形 %[1]s 重复", "case %[1]s stands twice", c.ID)
	}
	if c.Owner != "" && c.Owner != schemas.OwnerProvider && l.known.departments[c.Owner] == nil {
		m.at("owner").unknown("unknown-department", "部门", "department", c.Owner, append(sortedKeys(l.known.departments), schemas.OwnerProvider), "departments.yaml")
	}
	if s, sound := m.sound("settle"); sound {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 || d > 24*time.Hour {
			m.at("settle").problem("bad-value", "settle 应是 0 到 24h 的时长，如 5s", "settle is a duration of 0 to 24h, like 5s")
		}
		c.Settle = d
	}
	inputs, at := m.texts("inputs")
	for i, input := range inputs {
		l.input(e, input, at[i])
	}
	c.Inputs = inputs
	evidence, at := m.texts("evidence")
	for i, ref := range evidence {
		l.evidence(e, ref, at[i], inputs)
	}
	c.Evidence = evidence
	r.Cases = append(r.Cases, c)
}

// condition notes where a condition stands. It is compiled by who judges by it.
func (l *loader) condition(m mapping, key, text string) {
	at := m.at(key)
	if _, known := l.cat.Conditions[schemas.Passage{File: at.file, Text: text}]; known || text == "" {
		return
	}
	line, column := at.place()
	l.cat.Conditions[schemas.Passage{File: at.file, Text: text}] = schemas.Place{Line: line, Column: column}
}

// input checks one entry of inputs: a dataset with its role, golden, or an aggregate.
func (l *loader) input(e *schemas.Entity, input string, at node) {
	if name, ok := strings.CutPrefix(input, "agg."); ok {
		l.aggregateRef(e, name, at)
		return
	}
	if input == "golden" {
		if len(e.Fields) == 0 {
			at.problem("unknown-field", "主体 %[1]s 没有可信记录", "entity %[1]s has no golden record", e.ID)
		}
		return
	}
	id, role, _ := strings.Cut(input, "/")
	d := l.byID[id]
	if d == nil {
		l.unknownID(at, "datasets", "数据集", "dataset", id, append(sortedKeys(l.byID), "golden"))
		return
	}
	// A bare name means the rows of role "", or of every role where there is no
	// such link: MZ01 of a person is both spouses.
	roles := linksTo(d.Dataset, e.ID)
	if !strings.Contains(input, "/") && len(roles) > 0 && !slices.ContainsFunc(roles, func(k schemas.Link) bool { return k.Role == "" }) {
		return
	}
	if !l.linked(at, d.Dataset, e.ID, role) {
		return
	}
	for _, a := range e.Aggregates {
		if a.Dataset == id && a.Role == role {
			at.problem("aggregated", "%[1]s 已由 agg.%[2]s 汇总，不再逐行读入，请改用 agg.%[2]s", "%[1]s is aggregated as agg.%[2]s and its rows are not loaded, use agg.%[2]s", input, a.Name)
			return
		}
	}
}

func (l *loader) aggregateRef(e *schemas.Entity, name string, at node) {
	var known []string
	for _, a := range e.Aggregates {
		known = append(known, a.Name)
	}
	if !slices.Contains(known, name) {
		at.unknown("unknown-field", "汇总", "aggregate", name, known, e.File)
	}
}

// evidence checks one DATASET.FIELD, golden.FIELD or agg.NAME.
func (l *loader) evidence(e *schemas.Entity, ref string, at node, inputs []string) {
	owner, name, ok := strings.Cut(ref, ".")
	if !ok {
		at.problem("bad-value", "依据 %[1]q 应写成 数据集.字段 或 golden.字段", "evidence %[1]q must be DATASET.FIELD or golden.FIELD", ref)
		return
	}
	switch owner {
	case "agg":
		l.aggregateRef(e, name, at)
		return
	case "golden":
		if e.Field(name) == nil && e.Key.Name != name {
			at.unknown("unknown-field", "字段", "field", name, entityShelf(e).names(), e.File)
		}
		return
	}
	id, role, stated := strings.Cut(owner, "/")
	d := l.byID[id]
	if d == nil {
		l.unknownID(at, "datasets", "数据集", "dataset", id, append(sortedKeys(l.byID), "golden"))
		return
	}
	if d.Field(name) == nil {
		at.unknown("unknown-field", "数据集 "+id+" 的字段", "field of "+id, name, sortedKeys(d.fields), d.File)
	}
	if links := linksTo(d.Dataset, e.ID); stated || len(links) == 0 {
		l.linked(at, d.Dataset, e.ID, role)
	}
	if d.Class == "C" {
		at.problem("class-c-view", "不予共享(C)的数据集 %[1]s 不能作依据展示", "class C dataset %[1]s must not be shown as evidence", id)
	}
	if !slices.ContainsFunc(inputs, func(in string) bool { return in == id || strings.HasPrefix(in, id+"/") }) {
		at.warn("evidence-input", "依据 %[1]s 的数据集不在 inputs 中，它变化时不会更新", "the dataset of evidence %[1]s is not among the inputs, so the evidence will not follow its changes", ref)
	}
}

// crossCheck judges the datasets together.
func (l *loader) crossCheck() {
	l.topicNames()
	for _, d := range l.datasets {
		for _, f := range d.Fields {
			l.oneSource(d, f)
		}
	}
}

// topicNames refuses two views whose topics Kafka cannot tell apart: it keeps
// "." and "_" as one in its metrics and refuses the second topic.
func (l *loader) topicNames() {
	seen := map[string]string{}
	for _, id := range sortedKeys(l.known.views) {
		folded := strings.ReplaceAll(id, ".", "_")
		if other := seen[folded]; other != "" {
			l.add("", 0, 0, false, "bad-name", "视图 %[1]s 与 %[2]s 的主题名冲突", "the topics of views %[1]s and %[2]s collide", other, id)
		}
		seen[folded] = id
	}
}

// oneSource holds one field against the other departments' datasets: a second
// department that calls itself the source is an error, one that collects what
// it could take from the source is a warning.
func (l *loader) oneSource(d *datasetFile, f *schemas.Field) {
	if slices.Contains(d.Key, f.Name) || d.Provider == nil {
		return
	}
	for _, k := range d.Links {
		e := l.known.entities[k.Entity]
		if k.Role != "" || len(e.Fields) == 0 || k.Key == f.Name || l.isCandidate(e, d.ID, f.Name) {
			continue
		}
		if golden := e.Field(f.Name); golden != nil && f.Source {
			if first := l.firstCandidate(e, golden); first != "" {
				d.fields[f.Name].problem("two-authorities", "一格两源：%[1]s.%[2]s 的数源是 %[3]s, %[4]s.%[2]s 又标为数源（source）；请删去标记，或列入 entities/%[1]s.yaml 的数源表", "two authorities for one cell: %[1]s.%[2]s comes from %[3]s, but %[4]s.%[2]s is marked source too; remove the mark or rank it in entities/%[1]s.yaml", e.ID, f.Name, first, d.ID)
				return
			}
		}
		for _, o := range l.sourcesOf(d, f, e.ID) {
			if !f.Source {
				l.duplicate(d, f, l.sourcesOf(d, f, e.ID))
				return
			}
			if describes(d.Dataset, e.ID) && !l.isCandidate(e, o.ID, f.Name) && d.ID > o.ID {
				d.fields[f.Name].problem("two-authorities", "一格两源：%[1]s.%[2]s 与 %[3]s.%[2]s 都标为数源（source）", "two authorities for one cell: %[1]s.%[2]s and %[3]s.%[2]s are both marked source", o.ID, f.Name, d.ID)
				return
			}
		}
	}
}

// sourcesOf returns other departments' datasets that are the source of a field
// of that name about the entity.
func (l *loader) sourcesOf(d *datasetFile, f *schemas.Field, entity string) []*datasetFile {
	var sources []*datasetFile
	for _, o := range l.datasets {
		from := o.Field(f.Name)
		if o != d && o.Provider != nil && o.Provider != d.Provider && from != nil && from.Source && describes(o.Dataset, entity) {
			sources = append(sources, o)
		}
	}
	return sources
}

func (l *loader) duplicate(d *datasetFile, f *schemas.Field, sources []*datasetFile) {
	var zh, en []string
	for _, o := range sources {
		zh = append(zh, o.ID+"("+o.Provider.Title+")")
		en = append(en, o.ID+" ("+o.Provider.ID+")")
	}
	d.fields[f.Name].warn("duplicate-collection", "重复采集: %[1]s(%[2]s)采集的 %[3]s(%[4]s)以 %[5]s 为数源，可共享取得", "duplicate collection: %[1]s (%[6]s) collects %[3]s, whose source is %[7]s; take it from there",
		d.ID, d.Provider.Title, f.Name, f.Title, strings.Join(zh, "、"), d.Provider.ID, strings.Join(en, ", "))
}

// describes reports whether a dataset holds one row for each entity, so that
// its fields are facts about the entity and not about one of its affairs.
func describes(d *schemas.Dataset, entity string) bool {
	return slices.ContainsFunc(d.Links, func(k schemas.Link) bool {
		return k.Entity == entity && k.Role == "" && len(d.Key) == 1 && d.Key[0] == k.Key
	})
}

// isCandidate reports whether the newest authority table draws on the field.
func (l *loader) isCandidate(e *schemas.Entity, dataset, field string) bool {
	if len(e.Authority) == 0 {
		return false
	}
	for _, candidates := range e.Authority[len(e.Authority)-1].Sources {
		for _, c := range candidates {
			if c.Dataset != dataset {
				continue
			}
			for _, column := range c.Columns {
				if column == field {
					return true
				}
			}
		}
	}
	return false
}

// firstCandidate is the dataset that ranks first for a golden field.
func (l *loader) firstCandidate(e *schemas.Entity, f *schemas.GoldenField) string {
	if len(e.Authority) == 0 {
		return ""
	}
	entry := f.Name
	if f.Group != "" {
		entry = f.Group
	}
	for _, c := range e.Authority[len(e.Authority)-1].Sources[entry] {
		if c.Columns[f.Name] != "" {
			return c.Dataset
		}
	}
	return ""
}

package manifest

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

// codeSet reads codes/<id>.yaml.
func (l *loader) codeSet(f file) {
	m, ok := f.root.fields(format.Codes)
	if !ok {
		return
	}
	s := &schemas.CodeSet{ID: m.text("set"), Title: m.text("title"), English: m.text("english"), File: f.name}
	if !l.is(f, m, "set", s.ID) {
		return
	}
	s.Standard, s.Version, s.Source = m.text("standard"), m.text("version"), m.text("source")
	s.Complete, s.Below = m.flag("complete"), m.flag("below")
	s.Codes = l.codeList(m)
	if len(s.Codes) == 0 {
		return
	}
	s.Shape = schemas.ShapeOf(s.Codes)
	if m.has("characters") {
		s.Shape.Digits = m.text("characters") == "digits"
	}
	if m.has("length") {
		s.Shape.Max = m.number("length")
		s.Shape.Min = m.numberOr("min_length", s.Shape.Max)
	}
	if m.has("min_length") && (!m.has("length") || s.Shape.Min > s.Shape.Max) {
		m.at("min_length").problem("bad-value", "min_length 须与 length 一起写，且不大于它", "min_length goes with length and is no greater")
	}
	for _, c := range s.Codes {
		if !s.Shape.Match(c.Value) {
			m.at("codes").problem("bad-value", "代码 %[1]s 不符合 length 和 characters 的规定", "code %[1]s has not the length and characters that are stated", c.Value)
		}
	}
	l.known.codeSets[s.ID] = s
	l.cat.CodeSets = append(l.cat.CodeSets, s)
}

// codeRules makes the rules that nobody has to write: a code that is in no set
// is taken as the department says it and found. What the whole of a standard or
// the city's own set does not hold contradicts it; what a partial set does not
// hold is to be confirmed. Where a row speaks about nobody that it could be
// found about, its unknown codes are refused (see Dataset.FoundBy). In the same
// way a document's number whose check does not hold is taken and found.
func (l *loader) codeRules() {
	for _, d := range l.datasets {
		if d.Provider == nil {
			continue
		}
		d.FoundBy = l.foundBy(d.Dataset)
		for _, k := range d.FoundBy {
			r := &schemas.Rule{
				ID: "DM-" + d.ID, Title: d.Title + "：代码不在代码集", English: "Codes of " + d.ID + " that are in no code set", Entity: k.Entity, Severity: "low",
				Advice: "核对代码；代码有效的，补充到目录的代码集 / Check the code; if it is valid, add it to the code set of the catalogue", File: d.File,
			}
			if r.Cases = codeCases(d.Dataset, k); len(r.Cases) > 0 {
				l.cat.CodeRules = append(l.cat.CodeRules, r)
			}
			n := &schemas.Rule{
				ID: "HM-" + d.ID, Title: d.Title + "：证件号码校验不符", English: "Document numbers of " + d.ID + " whose check does not hold", Entity: k.Entity, Severity: "low",
				Advice: "核对证件原件，更正错误的号码 / Check the document and correct the number", File: d.File,
			}
			if c := doubted(d.Dataset, k, &schemas.Case{ID: "check", Certainty: schemas.Contradiction}, func(f *schemas.Field) bool { return f.Element.Form != "" }); c != nil {
				n.Cases = []*schemas.Case{c}
				l.cat.CodeRules = append(l.cat.CodeRules, n)
			}
		}
	}
}

// codeCases are the cases of one dataset: by how much of the sets is known.
func codeCases(d *schemas.Dataset, k schemas.Link) []*schemas.Case {
	var cases []*schemas.Case
	for _, c := range []*schemas.Case{{ID: "unknown", Certainty: schemas.Contradiction}, {ID: "unlisted", Certainty: schemas.ToConfirm}} {
		if c := doubted(d, k, c, func(f *schemas.Field) bool {
			partial := f.Element.Set != nil && !f.Element.Set.Complete
			return f.Element.Kind == "code" && partial == (c.Certainty == schemas.ToConfirm)
		}); c != nil {
			cases = append(cases, c)
		}
	}
	return cases
}

// doubted completes a case about some of a dataset's fields, nil if it has none
// of them.
func doubted(d *schemas.Dataset, k schemas.Link, c *schemas.Case, of func(*schemas.Field) bool) *schemas.Case {
	input := d.ID
	if k.Role != "" {
		input += "/" + k.Role
	}
	c.Inputs, c.Owner, c.Days = []string{input}, d.Provider.ID, 10
	for _, f := range d.Fields {
		if of(f) {
			c.Doubts = append(c.Doubts, f.Name)
			c.Evidence = append(c.Evidence, input+"."+f.Name)
		}
	}
	if len(c.Doubts) == 0 {
		return nil
	}
	return c
}

// foundBy returns by which links the unknown codes of a dataset are found: the
// first that every row has, those of the row's own subject before others, else
// one of each entity. Rows that are only counted are nobody's to find.
func (l *loader) foundBy(d *schemas.Dataset) []schemas.Link {
	var able []schemas.Link
	for _, k := range d.Links {
		e := l.known.entities[k.Entity]
		if e == nil || d.Class == "C" || slices.ContainsFunc(e.Aggregates, func(a *schemas.Aggregate) bool { return a.Dataset == d.ID && a.Role == k.Role }) {
			continue
		}
		able = append(able, k)
	}
	slices.SortStableFunc(able, func(a, b schemas.Link) int { return min(len(a.Role), 1) - min(len(b.Role), 1) })
	for _, k := range able {
		if f := d.Fields[k.Index]; !f.Nullable && f.Element.Contains == "" {
			return []schemas.Link{k}
		}
	}
	var each []schemas.Link
	for _, k := range able {
		if !slices.ContainsFunc(each, func(o schemas.Link) bool { return o.Entity == k.Entity }) {
			each = append(each, k)
		}
	}
	return each
}

package schemas

import (
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// CodeSet is one codes/<id>.yaml: a code set of a standard, as the catalogue
// knows it.
type CodeSet struct {
	ID       string // nation
	Title    string
	English  string
	Standard string // GB/T 3304
	Version  string // the year of the edition
	Source   string // where the values were taken from
	Complete bool   // all values of the edition are here
	Below    bool   // a code is known by a listed one that it begins with
	Codes    []Code
	File     string

	form codeShape
}

// codeShape is what every code of a set looks like, known or not.
type codeShape struct {
	min, max int
	digits   bool // else capital letters and digits
}

func (f codeShape) match(s string) bool {
	if len(s) < f.min || len(s) > f.max {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (f.digits || c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// formOf is the form of codes that no file describes.
func formOf(codes []Code) codeShape {
	f := codeShape{min: len(codes[0].Value), max: len(codes[0].Value), digits: true}
	for _, c := range codes {
		f.min, f.max = min(f.min, len(c.Value)), max(f.max, len(c.Value))
		f.digits = f.digits && strings.Trim(c.Value, "0123456789") == ""
	}
	return f
}

// HasCode reports whether value is in the element's code set.
func (e *Element) HasCode(value string) bool {
	if e.known == nil { // an element that no loader made
		return slices.ContainsFunc(e.Codes, func(c Code) bool { return c.Value == value })
	}
	if _, ok := e.known[value]; ok {
		return true
	}
	if e.Set != nil && e.Set.Below {
		for n := len(value) - 1; n > 0; n-- {
			if _, ok := e.known[value[:n]]; ok {
				return true
			}
		}
	}
	return false
}

// CodeForm reports whether value has the form of the element's codes: what has
// it and is in no set is taken and found, what has not is malformed.
func (e *Element) CodeForm(value string) bool {
	return e.known != nil && e.form.match(value)
}

// Doubts reports a value that is taken as its department says it and found: a code
// of no set, or a number of the element's form whose check does not hold. The
// value is in normal form.
func (e *Element) Doubts(value string) bool {
	switch {
	case e.Kind == "code":
		return !e.HasCode(value)
	case e.Form != "":
		return identifier.CheckDocument(e.Form, value) != nil
	}
	return false
}

// setCodes gives an element its codes, of a set or its own.
func (e *Element) setCodes(set *CodeSet, codes []Code) {
	e.Set, e.Codes, e.known = set, codes, nil
	if len(codes) == 0 {
		return
	}
	e.known = make(map[string]struct{}, len(codes))
	for _, c := range codes {
		e.known[c.Value] = struct{}{}
	}
	if e.form = formOf(codes); set != nil {
		e.form, e.Standard = set.form, set.Standard
	}
}

// codeSet reads codes/<id>.yaml.
func (l *loader) codeSet(f file) {
	m, ok := f.root.fields("set", "title", "english", "standard", "version", "source", "complete", "length", "min_length", "characters", "below", "codes")
	if !ok {
		return
	}
	s := &CodeSet{ID: m.at("set").named(fieldForm), Title: m.text("title"), English: m.optional("english", ""), File: f.name}
	if !l.is(f, m, "set", s.ID) {
		return
	}
	s.Standard, s.Version, s.Source = m.text("standard"), m.text("version"), m.text("source")
	if !m.has("complete") {
		m.at("complete").problem("missing-key", "请写明代码集是否完整：complete: true 或 false", "say whether the set is complete: complete: true or false")
	}
	s.Complete, s.Below = m.flag("complete"), m.has("below") && m.flag("below")
	s.Codes = l.codeList(m)
	if len(s.Codes) == 0 {
		return
	}
	s.form = formOf(s.Codes)
	if m.has("characters") {
		s.form.digits = m.oneOf("characters", "", []string{"digits", "upper"}) == "digits"
	}
	if m.has("length") {
		s.form.max = m.number("length", 0, 64)
		s.form.min = m.number("min_length", s.form.max, s.form.max)
	}
	for _, c := range s.Codes {
		if !s.form.match(c.Value) {
			m.at("codes").problem("bad-value", "代码 %[1]s 不符合 length 和 characters 的规定", "code %[1]s has not the length and characters that are stated", c.Value)
		}
	}
	l.cat.codeSets[s.ID] = s
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
			r := &Rule{
				ID: "DM-" + d.ID, Title: d.Title + "：代码不在代码集", English: "Codes of " + d.ID + " that are in no code set", Entity: k.Entity, Severity: "low",
				Advice: "核对代码；代码有效的，补充到目录的代码集 / Check the code; if it is valid, add it to the code set of the catalogue", File: d.File,
			}
			if r.Cases = codeCases(d.Dataset, k); len(r.Cases) > 0 {
				l.cat.CodeRules = append(l.cat.CodeRules, r)
			}
			n := &Rule{
				ID: "HM-" + d.ID, Title: d.Title + "：证件号码校验不符", English: "Document numbers of " + d.ID + " whose check does not hold", Entity: k.Entity, Severity: "low",
				Advice: "核对证件原件，更正错误的号码 / Check the document and correct the number", File: d.File,
			}
			if c := doubted(d.Dataset, k, &Case{ID: "check", Certainty: Contradiction}, func(f *Field) bool { return f.Element.Form != "" }); c != nil {
				n.Cases = []*Case{c}
				l.cat.CodeRules = append(l.cat.CodeRules, n)
			}
		}
	}
}

// codeCases are the cases of one dataset: by how much of the sets is known.
func codeCases(d *Dataset, k Link) []*Case {
	var cases []*Case
	for _, c := range []*Case{{ID: "unknown", Certainty: Contradiction}, {ID: "unlisted", Certainty: ToConfirm}} {
		if c := doubted(d, k, c, func(f *Field) bool {
			partial := f.Element.Set != nil && !f.Element.Set.Complete
			return f.Element.Kind == "code" && partial == (c.Certainty == ToConfirm)
		}); c != nil {
			cases = append(cases, c)
		}
	}
	return cases
}

// doubted completes a case about some of a dataset's fields, nil if it has none
// of them.
func doubted(d *Dataset, k Link, c *Case, of func(*Field) bool) *Case {
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
func (l *loader) foundBy(d *Dataset) []Link {
	var able []Link
	for _, k := range d.Links {
		e := l.cat.entities[k.Entity]
		if e == nil || d.Class == "C" || slices.ContainsFunc(e.Aggregates, func(a *Aggregate) bool { return a.Dataset == d.ID && a.Role == k.Role }) {
			continue
		}
		able = append(able, k)
	}
	slices.SortStableFunc(able, func(a, b Link) int { return min(len(a.Role), 1) - min(len(b.Role), 1) })
	for _, k := range able {
		if f := d.Fields[k.Index]; !f.Nullable && f.Element.Contains == "" {
			return []Link{k}
		}
	}
	var each []Link
	for _, k := range able {
		if !slices.ContainsFunc(each, func(o Link) bool { return o.Entity == k.Entity }) {
			each = append(each, k)
		}
	}
	return each
}

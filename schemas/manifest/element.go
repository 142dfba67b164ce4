package manifest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

func (l *loader) elements(f file) {
	m, ok := f.root.fields(format.Elements)
	if !ok {
		return
	}
	places := map[string]mapping{}
	for _, em := range m.each("elements") {
		e := &schemas.Element{ID: em.text("id"), Title: em.text("title"), English: em.text("english")}
		e.Kind = em.text("kind")
		if e.Type = schemas.KindType(e.Kind); e.Type == 0 {
			e.Kind, e.Type = "", schemas.String // said; without a kind it is left alone from here on
		}
		e.Level = em.text("level")
		e.Standard, e.PartOf = em.text("standard"), em.text("part_of")
		e.Contains = em.text("contains")
		l.form(em, e)
		if want := cmp.Or(em.text("type"), e.Type.String()); e.Kind != "" && want != e.Type.String() {
			em.at("type").problem("bad-type", "种类 %[1]s 的类型只能是 %[2]s", "kind %[1]s has type %[2]s", e.Kind, e.Type)
		}
		if e.Type == schemas.Decimal {
			e.Precision, e.Scale = 18, 2
		}
		l.narrow(em, e)
		if e.Kind == "code" && len(e.Codes) == 0 {
			// Its fields must bring their own code sets.
			places[e.ID] = em
		}
		e.Mask = l.maskOf(em.at("mask"), em.word("mask"), e)
		if l.known.elements[e.ID] != nil {
			em.at("id").problem("duplicate", "数据元 %[1]s 重复", "element %[1]s stands twice", e.ID)
			continue
		}
		places[e.ID] = em
		l.known.elements[e.ID] = e
		l.cat.Elements = append(l.cat.Elements, e)
	}
	for _, e := range l.cat.Elements {
		if e.PartOf != "" {
			l.partOf(places[e.ID], e)
		}
		if e.Contains != "" {
			l.contains(places[e.ID], e)
		}
	}
}

// partOf checks an element whose values stand in another's: where that one is masked the
// part is hidden, and nobody looks for what contains the whole in turn.
func (l *loader) partOf(m mapping, e *schemas.Element) {
	switch whole := l.known.elements[e.PartOf]; {
	case whole == nil:
		m.at("part_of").unknown("unknown-element", "数据元", "element", e.PartOf, sortedKeys(l.known.elements), "elements.yaml")
	case whole == e || whole.PartOf != "":
		m.at("part_of").problem("bad-value", "part_of 应指最外层的号码，而不是 %[1]s", "part_of must name the outermost number, not %[1]s", e.PartOf)
	}
}

// form reads which form of document numbers an element's values have.
func (l *loader) form(m mapping, e *schemas.Element) {
	if !m.has("form") {
		return
	}
	if e.Form = m.text("form"); e.Kind != "identifier" && e.Kind != "" {
		m.at("form").problem("bad-value", "只有种类 identifier 有 form", "only kind identifier has a form")
	}
}

// contains checks an element whose values are made of another's: what protects
// the inner value must protect the whole.
func (l *loader) contains(m mapping, e *schemas.Element) {
	at, inner := m.at("contains"), l.known.elements[e.Contains]
	switch {
	case inner == nil:
		at.unknown("unknown-element", "数据元", "element", e.Contains, sortedKeys(l.known.elements), "elements.yaml")
	case inner == e || inner.Contains != "":
		at.problem("bad-value", "contains 应指最里层的号码，而不是 %[1]s", "contains must name the innermost number, not %[1]s", e.Contains)
	case e.Kind != "identifier" && e.Kind != "text":
		at.problem("bad-value", "contains 只用于种类 identifier 和 text", "contains is for the kinds identifier and text")
	case higher(e.Level, inner.Level) != e.Level:
		at.problem("bad-level", "数据元 %[1]s 含有 %[2]s（%[3]s 级），级别不能低于它", "element %[1]s is made of %[2]s (%[3]s), its level must not be lower", e.ID, inner.ID, inner.Level)
	case e.Mask == "" && inner.Mask != "":
		at.problem("recoverable-mask", "数据元 %[1]s 含有 %[2]s，缺省不能是明文；请写 mask: partial、token 或 suppress", "element %[1]s is made of %[2]s and must not be clear by default; write mask: partial, token or suppress", e.ID, inner.ID)
	}
}

// narrow reads what an element, or a field of its own, says about the values.
func (l *loader) narrow(m mapping, e *schemas.Element) {
	if e.Type == schemas.Decimal {
		e.Precision, e.Scale = m.numberOr("precision", e.Precision), m.numberOr("scale", e.Scale)
		if e.Scale > e.Precision {
			m.at("precision").problem("bad-value", "小数位数不能超过总位数", "the scale is at most the precision")
		}
	} else if m.has("precision") || m.has("scale") {
		m.at("precision").problem("bad-value", "只有金额类有 precision 和 scale", "only amounts have precision and scale")
	}
	e.MaxLength = m.numberOr("max_length", e.MaxLength)
	if m.has("max_length") && e.Type != schemas.String {
		m.at("max_length").problem("bad-value", "只有文字有 max_length", "only texts have max_length")
	}
	if e.Type == schemas.Decimal || e.Type == schemas.Long {
		if v := m.float("min"); v != nil {
			e.Min = v
		}
		if v := m.float("max"); v != nil {
			e.Max = v
		}
		if e.Min != nil && e.Max != nil && *e.Min > *e.Max {
			m.at("min").problem("bad-value", "min 大于 max", "min is greater than max")
		}
	} else if m.has("min") || m.has("max") {
		m.at("min").problem("bad-value", "只有数值有 min 和 max", "only numbers have min and max")
	}
	// A date that stands in an identity number is one of birth, and nobody is born yet to come.
	e.Past = e.Past || e.PartOf != "" && e.Type == schemas.Date
	if m.has("past") {
		if e.Past = m.flag("past"); e.Type != schemas.Date && e.Type != schemas.Timestamp && e.Kind != "" {
			m.at("past").problem("bad-value", "只有日期和时间有 past", "only dates and times have past")
		}
	}
	l.codes(m, e)
}

func (l *loader) codes(m mapping, e *schemas.Element) {
	if !m.has("codes") && !m.has("set") {
		return
	}
	if e.Kind != "code" {
		m.at("codes").problem("bad-value", "只有种类 code 有代码表", "only kind code has a code set")
		return
	}
	if !m.has("set") {
		e.SetCodes(nil, l.codeList(m))
		return
	}
	if m.has("codes") {
		m.at("codes").problem("bad-value", "codes 和 set 只写一个", "write codes or set, not both")
	}
	id := m.text("set")
	set := l.known.codeSets[id]
	if set == nil {
		l.unknownID(m.at("set"), "codes", "代码集", "set", id, sortedKeys(l.known.codeSets))
		return
	}
	e.SetCodes(set, set.Codes)
}

// codeList reads codes: the values with their titles.
func (l *loader) codeList(m mapping) []schemas.Code {
	var codes []schemas.Code
	for _, c := range m.each("codes") {
		code := schemas.Code{Value: c.text("value"), Title: c.text("title"), English: c.text("english")}
		if slices.ContainsFunc(codes, func(o schemas.Code) bool { return o.Value == code.Value }) {
			c.at("value").problem("duplicate", "代码 %[1]s 重复", "code %[1]s stands twice", code.Value)
			continue
		}
		codes = append(codes, code)
	}
	return codes
}

// elementOf returns the element a field names, narrowed by what the field says
// itself; nil if there is none.
func (l *loader) elementOf(m mapping) *schemas.Element {
	id := m.text("element")
	if id == "" {
		return nil
	}
	e := l.known.elements[id]
	if e == nil {
		m.at("element").unknown("unknown-element", "数据元", "element", id, sortedKeys(l.known.elements), "elements.yaml")
		return nil
	}
	if slices.ContainsFunc(format.Narrow, func(k document.Key) bool { return m.has(k.Name) }) {
		own := *e
		l.narrow(m, &own)
		e = &own
	}
	if e.Kind == "code" && len(e.Codes) == 0 {
		m.problem("missing-key", "字段缺少代码表 codes (数据元 %[1]s 没有给出)", "the field needs codes (element %[1]s has none)", id)
	}
	return e
}

// maskOf checks that a mask exists, protects, and applies to the element, and
// returns its id, "" for clear.
func (l *loader) maskOf(at node, id string, e *schemas.Element) string {
	if id == "" || id == format.MaskClear {
		return ""
	}
	if reason, refused := refusedMask(id); refused {
		at.problem("recoverable-mask", "脱敏规则 %[1]q 可被还原: %[2]s；请用 partial 或 token", "mask %[1]q is recoverable: %[3]s; use partial or token", id, reason[0], reason[1])
		return schemas.MaskSuppress
	}
	rule, ok := schemas.Mask(id)
	if !ok {
		known := []string{format.MaskClear}
		for _, r := range schemas.MaskRules() {
			known = append(known, r.ID)
		}
		at.notAmong("unknown-mask", "脱敏规则", "mask", id, known)
		return schemas.MaskSuppress
	}
	if e != nil && e.Kind != "" && !rule.Applies(e.Kind) {
		var fit []string
		for _, r := range schemas.MaskRules() {
			if r.Applies(e.Kind) {
				fit = append(fit, r.ID)
			}
		}
		at.problem("mask-kind", "脱敏规则 %[1]s 不适用于种类 %[2]s；可用：%[3]s", "mask %[1]s does not apply to kind %[2]s. Those that do: %[3]s", id, e.Kind, strings.Join(fit, " "))
	}
	return id
}

package probe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// guess is which data element a column is of.
type guess struct {
	element *schemas.Element // nil: the catalogue has none that fits
	known   bool             // recognised; else the element is only one that takes the values
	vague   bool             // only of what type it is was recognised: some date, some number
	sure    bool             // by two things that are independent, or by a check digit
	word    *word
	why     Said
	others  []*schemas.Element // what else it could be
	doubts  []Said             // what a person should look at
}

// guesser guesses by a catalogue.
type guesser struct {
	cat    *schemas.Catalogue
	fields map[string]sighting // fields of datasets and golden records by their folded names
	titles map[string]sighting
}

// sighting is a field of the catalogue that is called so, and its element.
type sighting struct {
	element *schemas.Element
	where   string
}

func newGuesser(cat *schemas.Catalogue) *guesser {
	g := &guesser{cat: cat, fields: map[string]sighting{}, titles: map[string]sighting{}}
	see := func(e *schemas.Element, where, name, title string) {
		whole, err := cat.Element(e.ID) // a field may have narrowed its own
		if err != nil {
			return
		}
		for key, in := range map[string]map[string]sighting{folded(name): g.fields, title: g.titles} {
			if _, known := in[key]; !known && key != "" {
				in[key] = sighting{whole, where}
			}
		}
	}
	for _, d := range cat.Datasets {
		for _, f := range d.Fields {
			see(f.Element, d.ID+"."+f.Name, f.Name, f.Title)
		}
	}
	return g
}

// hint is a reason to take a column for an element.
type hint struct {
	points int
	why    Said
}

// guess guesses by name, comment and content; shape decides what is possible at all.
func (g *guesser) guess(c *Column, key bool) guess {
	out := guess{word: named(c.Name)}
	said := title(c.Comment)
	if w := titled(said); w != nil && said != "" {
		out.word = w
	} else if w := named(c.Domain); w != nil && out.word == nil {
		out.word = w
	}
	hints := g.hints(c, said)
	var good []*schemas.Element
	for _, e := range g.cat.Elements {
		h, hinted := hints[e]
		if hinted && !fits(c, e) && h.points >= 3 && (e.Kind != "code" || len(e.Codes) > 0) {
			out.doubts = append(out.doubts, Said{
				fmt.Sprintf("%s像 %s（%s），但类型 %s 与它不合，没有这样认", h.why.Chinese, e.ID, e.Title, Plain(c.Type, 40)),
				fmt.Sprintf("%s speaks for %s, but the type does not go with it: not taken for it", h.why.English, e.ID),
			})
		}
		if !hinted || !fits(c, e) {
			continue
		}
		if share, tested := c.Values.share(e); tested && !typed(c.Shape, e.Kind) && (share < 50 || share < 90 && c.Values.Filled >= 5) {
			out.doubts = append(out.doubts, Said{
				fmt.Sprintf("%s像 %s（%s），但样本中只有 %d%% 是，没有这样认", h.why.Chinese, e.ID, e.Title, share),
				fmt.Sprintf("%s speaks for %s, but only %d%% of the sample is: not taken for it", h.why.English, e.ID, share),
			})
			out.others = append(out.others, e)
			continue
		}
		good = append(good, e)
	}
	slices.SortStableFunc(good, func(a, b *schemas.Element) int {
		return cmp.Compare(g.points(c, b, hints[b]), g.points(c, a, hints[a]))
	})
	switch shown := g.shown(c); {
	case len(good) > 0 && (len(shown) == 0 || !personal(shown[0].Kind) || slices.Contains(shown, good[0]) || good[0].Kind == shown[0].Kind || good[0].Contains == shown[0].ID):
		out.element, out.known = good[0], true
		out.others = slices.Concat(good[1:], out.others)
		out.because(c, hints[good[0]])
		if out.vague = out.word.general(); out.vague {
			out.sure = false
		}
	case len(shown) > 0: // it shows itself, whatever it is called
		out.element, out.known, out.sure = shown[0], true, personal(shown[0].Kind)
		out.others = slices.Concat(good, out.others, shown[1:])
		out.why = Said{"样本的内容是（校验位或格式相符），列名没有这么说", "the sample holds it (by check digit or form), though the name does not say so"}
	default:
		out.element = g.fallback(c, key)
		out.why = Said{"不认识", "not recognised"}
	}
	out.others = g.like(c, out)
	out.doubts = out.doubts[:min(len(out.doubts), 2)]
	if out.element != nil {
		out.refuses(c)
	}
	return out
}

// like are the elements that a column could be of instead: those that something spoke for,
// then those of the same kind.
func (g *guesser) like(c *Column, o guess) []*schemas.Element {
	all := o.others
	for _, e := range g.cat.Elements {
		if o.known && o.element.Kind == e.Kind && e.Kind != "code" && fits(c, e) {
			all = append(all, e)
		}
	}
	var others []*schemas.Element
	for _, e := range all {
		if e != o.element && !slices.Contains(others, e) {
			others = append(others, e)
		}
	}
	return others
}

// because says why, and how certain that is.
func (o *guess) because(c *Column, h hint) {
	o.why, o.sure = h.why, false
	switch share, tested := c.Values.share(o.element); {
	case c.Values.shows(o.element.Kind):
		o.sure = true
		o.why = and(h.why, Said{"样本的内容也是", "the sample bears it out"})
	case typed(c.Shape, o.element.Kind):
		o.sure = true
		o.why = and(h.why, Said{"类型相符", "the type goes with it"})
	case tested && c.Values.Filled >= 5 && share >= 90:
		o.sure = o.element.Kind != "org_name" && o.element.Kind != "address" // which take nearly any text
		o.why = and(h.why, Said{"样本的内容不矛盾", "the sample does not contradict"})
	case tested:
		o.why = and(h.why, Said{fmt.Sprintf("样本只有 %d 个值", c.Values.Filled), fmt.Sprintf("the sample has %d values only", c.Values.Filled)})
	default:
		o.why = and(h.why, Said{"没有内容可核对", "no content to hold it against"})
	}
}

func and(a, b Said) Said { return Said{a.Chinese + "，" + b.Chinese, a.English + ", " + b.English} }

// refuses notes what the element would not keep, and how much of the sample it would not take.
func (o *guess) refuses(c *Column) {
	if c.Shape == Moment && o.element.Kind == "date" {
		o.doubts = append(o.doubts, Said{"只留日期，时刻不留；要时刻，在 elements.yaml 加一个 kind: timestamp 的数据元", "the day is kept and the time of day is not; to have it add an element of kind: timestamp to elements.yaml"})
	}
	if share, tested := c.Values.share(o.element); tested && o.known && share < 100 && !typed(c.Shape, o.element.Kind) {
		o.doubts = append(o.doubts, Said{
			fmt.Sprintf("样本中 %d%% 不合这个数据元，这样的行可能被退回或成为核验结果", 100-share),
			fmt.Sprintf("%d%% of the sample does not fit the element: such rows may be refused, or found", 100-share),
		})
	}
}

// hints are the elements for which name, comment or catalogue speak.
func (g *guesser) hints(c *Column, said string) map[*schemas.Element]hint {
	out := map[*schemas.Element]hint{}
	add := func(e *schemas.Element, points int, chinese, english string) {
		h := out[e]
		if points > h.points {
			h.why = Said{chinese, english}
		}
		h.points += points
		out[e] = h
	}
	byName, byTitle, byDomain := named(c.Name), titled(said), named(c.Domain)
	for _, e := range g.cat.Elements {
		if said != "" && e.Title == said {
			add(e, 6, "注释就是它的名称", "the comment is its title")
		}
		if folded(e.ID) == folded(c.Name) || e.Title == c.Name {
			add(e, 4, "列名就是它", "the column is called so")
		}
		for _, by := range []struct {
			w                *word
			points           int
			chinese, english string
		}{{byTitle, 4, "注释", "the comment"}, {byName, 3, "列名", "the name"}, {byDomain, 3, "自定义类型的名称", "the name of its domain"}} {
			switch {
			case by.w == nil || by.w == byTitle && said == "":
			case by.w.means(e):
				add(e, by.points, by.chinese, by.english)
			case by.w.loose && by.w.speaks(e.Kind) && !special(e):
				add(e, 1, by.chinese, by.english)
			}
		}
	}
	if s, seen := g.fields[folded(c.Name)]; seen {
		add(s.element, 3, "目录里同名的字段 "+s.where, "field "+s.where+" of the catalogue has the name")
	}
	if s, seen := g.titles[said]; seen && said != "" {
		add(s.element, 5, "目录里名称相同的字段 "+s.where, "field "+s.where+" of the catalogue has the title")
	}
	return out
}

// special reports elements that are of one thing only, though their kind is of many.
func special(e *schemas.Element) bool {
	return e.PartOf != "" || e.Contains != "" || e.Form != "" || e.Past
}

func (g *guesser) points(c *Column, e *schemas.Element, h hint) int {
	if c.Values.shows(e.Kind) {
		return h.points + 4
	}
	return h.points
}

// shown are the elements whose kind the values show by themselves, that of a person first.
func (g *guesser) shown(c *Column) (shown []*schemas.Element) {
	if c.Shape != Text && c.Shape != Whole {
		return nil
	}
	for _, kind := range []string{"id_number", "bank_card", "phone", "uscc", "plate", "date"} {
		if !c.Values.shows(kind) {
			continue
		}
		for _, e := range g.cat.Elements {
			if e.Kind == kind && fits(c, e) && !special(e) {
				shown = append(shown, e)
			}
		}
	}
	return shown
}

// personal reports kinds whose values are a person's by themselves.
func personal(kind string) bool { return kind == "id_number" || kind == "bank_card" || kind == "phone" }

// typed reports that the declared type already says what values of a kind are.
func typed(s Shape, kind string) bool {
	switch s {
	case Day:
		return kind == "date"
	case Moment:
		return kind == "timestamp" || kind == "date"
	case Truth:
		return kind == "boolean"
	case Other, Text, Whole, Number:
	}
	return false
}

// fits reports whether an element can take what a column holds by its type.
func fits(c *Column, e *schemas.Element) bool {
	if e.Kind == "code" && len(e.Codes) == 0 {
		return false // its fields bring codes of their own, which nobody knows here
	}
	within := func(kinds string) bool { return slices.Contains(strings.Fields(kinds), e.Kind) }
	switch c.Shape {
	case Text:
		return true
	case Whole:
		return within("count amount code identifier text phone region bank_card id_number date")
	case Number:
		if e.Kind == "amount" {
			return c.Precision <= 18 && c.Scale <= 18
		}
		return within("text identifier") || c.Scale == 0 && c.Precision > 0 && within("count code phone region")
	case Day:
		return within("date text")
	case Moment:
		return within("timestamp date text")
	case Truth:
		return within("boolean text")
	case Other:
	}
	return false
}

// fallback is an element that takes a column's values without saying what they are.
func (g *guesser) fallback(c *Column, key bool) *schemas.Element {
	kinds := map[Shape][]string{
		Text: {"text"}, Whole: {"text", "identifier", "count"}, Number: {"text"}, Day: {"date", "text"}, Moment: {"timestamp", "date", "text"}, Truth: {"boolean", "text"},
	}[c.Shape]
	if key && (c.Shape == Text || c.Shape == Whole || c.Shape == Number) { // which row it is can be said by any text
		kinds = []string{"identifier", "text", "count"}
	}
	for _, kind := range kinds {
		var of []*schemas.Element
		for _, e := range g.cat.Elements {
			if e.Kind == kind && fits(c, e) && !special(e) {
				of = append(of, e)
			}
		}
		plain := slices.IndexFunc(of, func(e *schemas.Element) bool {
			return slices.ContainsFunc(words[len(words)-general:], func(w word) bool { return w.means(e) })
		})
		if plain < 0 && len(of) > 0 {
			plain = 0
		}
		if plain >= 0 {
			return of[plain]
		}
	}
	return nil
}

// longest is the length that a field states of its texts, 0: what its element says will do.
func longest(c *Column, e *schemas.Element) int {
	const most = 100_000
	limit := element.MaxLength(e)
	switch {
	case e.Type != schemas.String || e.Kind == "code" || !schemas.Spelled(e.Kind):
		return 0
	case c.Length > limit:
		return min(c.Length, most)
	case c.Length > 0 || c.Shape != Text:
		return 0
	case e.Kind == "text" && limit < 4000 && (c.Values == nil || c.Values.Long <= 4000):
		return 4000
	case c.Values != nil && c.Values.Long > limit:
		return most
	}
	return 0
}

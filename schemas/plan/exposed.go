package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// What a view shows hangs on more than its fields and masks: on what the values are, on
// whose rows it embeds and how many, on where a golden field comes from.

// clear is the rank of a value that is shown as it is.
const clear = 3

// exposure ranks masks by how much they show.
func exposure(mask string) int {
	switch mask {
	case "":
		return clear
	case schemas.MaskSuppress:
		return 0
	case schemas.MaskToken, schemas.MaskDigest, schemas.MaskPresent:
		return 1
	}
	return 2
}

func maskTitle(mask string) string { return cmp.Or(mask, "clear") }

// shown compares what a view shows of its owner's fields, or of rows embedded in it.
func (d *difference) shown(a about, rows string, old, next []schemas.ViewField) {
	for _, f := range next {
		a.field = rows + f.Name
		i := slices.IndexFunc(old, func(o schemas.ViewField) bool { return o.Name == f.Name })
		if i < 0 {
			if f.Mask != schemas.MaskSuppress {
				d.expose(FieldShown, a, "新公开 %[1]s.%[2]s（%[3]s）", "newly exposed %[1]s.%[2]s (%[3]s)", a.of, a.field, maskTitle(f.Mask))
			}
			continue
		}
		was, is := old[i].Mask, f.Mask
		switch before, after := exposure(was), exposure(is); {
		case after > before:
			d.expose(MaskWeaker, a, "脱敏减弱 %[1]s.%[2]s：%[3]s → %[4]s", "weaker mask on %[1]s.%[2]s: %[3]s to %[4]s", a.of, a.field, maskTitle(was), maskTitle(is))
		case was != is && before == after:
			// Neither shows less than the other: a year is not part of a band. Both together tell more.
			d.expose(MaskWeaker, a, "脱敏改变 %[1]s.%[2]s：%[3]s → %[4]s，两者合看可知更多", "another mask on %[1]s.%[2]s: %[3]s to %[4]s, the two together tell more", a.of, a.field, maskTitle(was), maskTitle(is))
		case was != is:
			d.note(Changed, a, "脱敏加强 %[1]s.%[2]s：%[3]s → %[4]s", "stronger mask on %[1]s.%[2]s: %[3]s to %[4]s", a.of, a.field, maskTitle(was), maskTitle(is))
		}
	}
	for _, o := range old {
		if !slices.ContainsFunc(next, func(f schemas.ViewField) bool { return f.Name == o.Name }) {
			a.field = rows + o.Name
			d.remove(a, "不再提供 %[1]s.%[2]s", "no longer shown: %[1]s.%[2]s", a.of, a.field)
		}
	}
}

// hidden is what a view hides in a field that it shows without a mask.
func hidden(f schemas.ViewField, e *schemas.Element) schemas.Screening {
	if !f.Screened {
		return schemas.ScreensNothing
	}
	return schemas.ScreeningOf(e.Nature().Kind)
}

// kinds tells the fields that keep their mask, or have none, while what they hold becomes
// another kind of value, of which more is seen.
func (d *difference) kinds(a about, rows string, old, next []schemas.ViewField, was, is func(string) (*schemas.Element, string)) {
	for _, f := range next {
		i := slices.IndexFunc(old, func(o schemas.ViewField) bool { return o.Name == f.Name && o.Mask == f.Mask })
		if i < 0 || exposure(f.Mask) == 0 {
			continue
		}
		before, _ := was(f.Name)
		after, _ := is(f.Name)
		a.field = rows + f.Name
		switch {
		case f.Mask == "":
			if hidden(old[i], before) > hidden(f, after) {
				d.expose(TextShown, a, "%[1]s.%[2]s 文字中的个人号码不再遮盖，或不再全部遮盖", "numbers of persons in the texts of %[1]s.%[2]s are no longer hidden, or not all of them", a.of, a.field)
			}
		case before.Nature() != after.Nature():
			d.expose(MaskWeaker, a, "%[1]s.%[2]s 的种类由 %[4]s 变为 %[5]s，同一脱敏 %[3]s 所留不同，可能更多", "%[1]s.%[2]s is of another kind, %[4]s before and %[5]s now: the mask %[3]s leaves something else of it, perhaps more", a.of, a.field, f.Mask, before.Nature(), after.Nature())
		case schemas.ByPlaces(f.Mask, after) && d.regions:
			d.expose(MaskWeaker, a, "区县、街道乡镇名单改变，脱敏 %[3]s 在 %[1]s.%[2]s 所留不同，可能更多", "the districts and towns of the city change: the mask %[3]s leaves something else of %[1]s.%[2]s, perhaps more", a.of, a.field, f.Mask)
		}
	}
}

// rows compares what a view shows of the rows that it embeds: which fields, whose rows,
// how many.
func (d *difference) rows(a about, old, next *schemas.View, b schemas.Embed) {
	id := b.Dataset.ID
	var was *schemas.Embed
	if old != nil {
		was = old.Embedded(id, b.Role)
	}
	if was == nil {
		d.shown(a, id+".", nil, b.Fields)
		return
	}
	d.shown(a, id+".", was.Fields, b.Fields)
	d.kinds(a, id+".", was.Fields, b.Fields, was.Dataset.Column, b.Dataset.Column)
	a.field = id
	if b.Limit() > was.Limit() {
		d.expose(RowsShown, a, "视图 %[1]s 嵌入的 %[2]s 由至多 %[3]d 行变为 %[4]d 行", "view %[1]s shows up to %[4]d rows of %[2]s, %[3]d before", a.of, id, was.Limit(), b.Limit())
	}
	if before, after := links(was.Dataset, next, b.Role), links(b.Dataset, next, b.Role); !slices.Equal(before, after) {
		d.expose(RowsShown, a, "视图 %[1]s 嵌入的 %[2]s 换了关联字段 %[3]v → %[4]v，所见是别的行", "view %[1]s shows other rows of %[2]s: those linked by %[4]v, by %[3]v before", a.of, id, before, after)
	}
}

// links are the fields by which rows of a dataset are of an entity in a role.
func links(d *schemas.Dataset, v *schemas.View, role string) []string {
	var keys []string
	for _, k := range d.Links {
		if k.Entity == v.Entity.ID && k.Role == role {
			keys = append(keys, k.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// sources tells the golden fields that a new authority version takes from where no
// version did, or of rows or an order that none had.
func (d *difference) sources(a about, old, next *schemas.Entity, t schemas.AuthorityTable) {
	known := map[string]bool{}
	for _, o := range old.Authority {
		for _, one := range draws(o) {
			known[one.field+" "+one.from] = true
		}
	}
	for _, one := range draws(t) {
		a.field = one.field
		if known[one.field+" "+one.from] || old.Field(one.field) == nil {
			continue // a field that is new is told as such
		}
		d.expose(SourceShown, a, "主体 %[1]s 的 %[2]s 自数源表第 %[3]d 版起也取自 %[4]s，凡展示它处都将看到", "%[2]s of %[1]s is also taken from %[4]s from authority version %[3]d on, and seen wherever it is shown", next.ID, one.field, t.Version, one.from)
	}
}

// draw is one place from which a golden field may come.
type draw struct{ field, from string }

func draws(t schemas.AuthorityTable) []draw {
	var all []draw
	for _, candidates := range t.Sources {
		for _, c := range candidates {
			rows := c.Dataset
			if c.Role != "" {
				rows += "/" + c.Role
			}
			tail := ""
			if c.Where != "" {
				tail += " (" + c.Where + ")"
			}
			if c.Pick != "" && c.Pick != "newest" {
				tail += " " + c.Pick
			}
			for golden, column := range c.Columns {
				all = append(all, draw{golden, fmt.Sprintf("%s.%s%s", rows, column, tail)})
			}
		}
	}
	slices.SortFunc(all, func(a, b draw) int { return cmp.Or(cmp.Compare(a.field, b.field), cmp.Compare(a.from, b.from)) })
	return all
}

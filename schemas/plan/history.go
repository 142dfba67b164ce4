package plan

import (
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Past is a catalogue that was once in force. Its topics hold what was published under
// it, and the registry every schema: what it was binds, although it is in force no more.
type Past struct {
	Catalogue *schemas.Catalogue
	At        time.Time // since when it was in force
}

// bound refuses what would have gone in two steps and must not in one: a dataset, view,
// entity, field or code that was once in force comes back as another. What is in force
// already is not refused again.
func (d *difference) bound(old, next *schemas.Catalogue, history []Past) {
	for _, c := range d.plan.Refused {
		d.refused[c.Of] = true
	}
	d.provided(old, next, history)
	for i := len(history) - 1; i >= 0; i-- { // the latest is named
		if history[i].Catalogue.Version != old.Version {
			d.since(old, next, history[i])
		}
	}
}

// lastWith returns the latest catalogue of before that had a dataset, nil if there is none.
func lastWith(history []Past, id string) (*Past, *schemas.Dataset) {
	for i := len(history) - 1; i >= 0; i-- {
		if o, err := history[i].Catalogue.Dataset(id); err == nil {
			return &history[i], o
		}
	}
	return nil, nil
}

// provided refuses that a dataset which has left comes back as another department's: its
// raw topic holds the rows of the one that had it.
func (d *difference) provided(old, next *schemas.Catalogue, history []Past) {
	for _, n := range next.Datasets {
		if _, err := old.Dataset(n.ID); err == nil || d.refused[n.ID] {
			continue
		}
		past, o := lastWith(history, n.ID)
		if o == nil || provider(o) == provider(n) {
			continue
		}
		d.refused[n.ID] = true
		d.refuse(about{of: n.ID, file: n.File}, "数据集 %[1]s 曾由 %[2]s 提供，其 raw 主题中仍是该部门的行，%[3]s 不能用这个代号；请另取一个数据集代号（版本 %[4]s，%[5]s 起生效）",
			"dataset %[1]s was once provided by %[2]s, whose rows are still in its raw topic, so it cannot be %[3]s's; take another id for the dataset (version %[4]s, in force since %[5]s)",
			n.ID, provider(o), provider(n), past.Catalogue.Version, past.At.In(schemas.Zone).Format(time.DateTime))
	}
}

func (d *difference) since(old, next *schemas.Catalogue, past Past) {
	was := past.Catalogue
	refuse := func(a about, chinese, english string) {
		if d.refused[a.of] {
			return // once is enough, and by what is nearest
		}
		d.refused[a.of] = true
		d.refuse(a, chinese+"（版本 %[1]s，%[2]s 起生效）", english+" (version %[1]s, in force since %[2]s)", was.Version, past.At.In(schemas.Zone).Format(time.DateTime))
	}
	for _, n := range next.Datasets {
		a := about{of: n.ID, file: n.File}
		if owner := ownerOf(was, n.Code); owner != "" && owner != n.ID && ownerOf(old, n.Code) != n.ID {
			refuse(a, "资源代码 "+n.Code+" 曾属于 "+owner+"，不得再用；请换一个代码", "resource code "+n.Code+" was "+owner+"'s and is never used again, take another")
		}
		now, err := old.Dataset(n.ID)
		o, gone := was.Dataset(n.ID)
		if gone != nil || err == nil && same(now.Layout, n.Layout) && strings.Join(now.Key, "|") == strings.Join(n.Key, "|") {
			continue
		}
		if k := strings.Join(o.Key, "|"); k != strings.Join(n.Key, "|") {
			refuse(a, "数据集 "+n.ID+" 的主键曾为 "+k+"，其 raw 主题中仍是按它记的行；请另取一个数据集代号", "the key of dataset "+n.ID+" was once "+k+", by which the rows in its raw topic still go; take another id for the dataset")
		}
		d.once(refuse, a, backwardTransitive, "数据集", "dataset", "字段名", "for the field", o.Layout, n.Layout)
	}
	for _, n := range next.Views() {
		a := about{of: n.ID, file: fileOf(n)}
		now, err := old.View(n.ID)
		o, gone := was.View(n.ID)
		if gone != nil || err == nil && same(now.Layout, n.Layout) && now.KeyMask == n.KeyMask && now.Audience == n.Audience {
			continue
		}
		if o.KeyMask != n.KeyMask || o.Audience != n.Audience {
			refuse(a, "视图 "+n.ID+" 的主键形式或受众曾是别的，旧记录无法被更新；请另取一个视图名", "view "+n.ID+" once had keys of another form or for another audience, so its old records could not be updated; take another name for the view")
		}
		d.once(refuse, a, fullTransitive, "视图", "view", "视图名", "for the view", o.Layout, n.Layout)
	}
	for _, n := range next.Entities {
		a := about{of: n.ID, file: n.File}
		now, err := old.Entity(n.ID)
		o, gone := was.Entity(n.ID)
		if gone != nil || err == nil && same(now.ResolvedLayout(), n.ResolvedLayout()) {
			continue
		}
		if o.Key.Name != n.Key.Name {
			refuse(a, "主体 "+n.ID+" 的主键曾为 "+o.Key.Name+"；请另取一个主体代号", "the key of entity "+n.ID+" was once "+o.Key.Name+"; take another id for the entity")
		}
		d.once(refuse, a, fullTransitive, "主体", "entity", "字段名", "for the field", o.ResolvedLayout(), n.ResolvedLayout())
	}
}

// once refuses a layout that cannot follow one of before.
func (d *difference) once(refuse func(about, string, string), a about, level, chinese, english, whatChinese, what string, was, next *schemas.Layout) {
	var zh, en string
	if why := columnChange(level, was, next); why != nil {
		zh, en = why[0], why[1]
	} else if err := d.judge(level, next, was); err != nil {
		zh, en = err.Error(), err.Error()
	} else {
		return
	}
	refuse(a, chinese+" "+a.of+" 与曾经发布的结构不兼容："+zh+"；请另取一个"+whatChinese, english+" "+a.of+" is incompatible with what was once published: "+en+"; take another name "+what)
}

// same reports whether either layout reads what the other wrote, column by column.
func same(a, b *schemas.Layout) bool {
	return len(a.Columns) == len(b.Columns) && columnChange(fullTransitive, a, b) == nil && columnChange(fullTransitive, b, a) == nil
}

func ownerOf(c *schemas.Catalogue, code string) string {
	for _, d := range c.Datasets {
		if d.Code == code {
			return d.ID
		}
	}
	return ""
}

package manifest

import (
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

func (l *loader) authority(e *entityFile) {
	tables := e.root.each("authority")
	if len(tables) == 0 && len(e.Fields) > 0 {
		e.root.problem("missing-key", "缺少 %[1]s", "%[1]s is missing", "authority")
	}
	for i, m := range tables {
		t := schemas.AuthorityTable{Version: m.number("version"), Basis: m.text("basis"), Sources: map[string][]schemas.Candidate{}, Written: m.written(format.Authority)}
		day, sound := m.sound("effective")
		effective, err := time.ParseInLocation(time.DateOnly, day, schemas.Zone)
		if err != nil && sound {
			m.at("effective").problem("bad-value", "%[1]q 不是日期，格式 2026-01-31", "%[1]q is not a date, write 2026-01-31", day)
		}
		t.Effective = effective
		if n := len(e.Authority); n > 0 && (t.Version <= e.Authority[n-1].Version || !t.Effective.After(e.Authority[n-1].Effective)) {
			m.at("version").problem("two-authorities", "数源表的版本和生效日期必须逐版递增", "authority versions and their days must grow from one to the next")
		}
		l.sources(e, &t, m, i == len(tables)-1)
		e.Authority = append(e.Authority, t)
	}
}

// sources reads which sources a version of the authority table has. The newest must fit
// the entity as it is; the older ones are history.
func (l *loader) sources(e *entityFile, t *schemas.AuthorityTable, m mapping, newest bool) {
	table := m.table("sources")
	if !m.has("sources") {
		return
	}
	for _, entry := range table.names {
		if !newest {
			l.past(e, t, table, entry)
			continue
		}
		members := l.entry(e, table.keys[entry], entry)
		if len(members) == 0 {
			continue
		}
		candidates, rank := []schemas.Candidate{}, 0
		for _, item := range table.each(entry) {
			if c, ok := l.candidate(e, item, members, candidates); ok {
				if !c.SameRank || rank == 0 {
					rank++
				}
				c.Rank = rank
				candidates = append(candidates, c)
			}
		}
		t.Sources[entry] = candidates
	}
	if !newest {
		return
	}
	for _, entry := range entries(e.Entity) {
		if !table.has(entry) {
			table.problem("no-source", "%[1]s 没有数源；若确实没有，写 %[1]s: []", "%[1]s has no source; if there is none, write %[1]s: []", entry)
		}
	}
}

// An authority version that a newer one follows is history: it speaks of the datasets and
// fields of its day. What it names and is there no more is kept in its file, told, and
// decides nothing; of what has come since it says nothing, and need not.

// outlived are the checks that a change elsewhere lets an older version fail.
var outlived = []string{"unknown-field", "unknown-dataset", "no-link", "unknown-role", "element-mismatch", "class-c-view", "two-authorities", "no-source"}

// past reads an entry of an older version: the candidates that can still be had, each
// with the rank that it was written with.
func (l *loader) past(e *entityFile, t *schemas.AuthorityTable, table mapping, entry string) {
	aside := &collector{}
	gone := func(sound func() bool) bool {
		told := len(aside.all)
		ok := sound()
		for _, p := range aside.all[told:] {
			if p.Warning || !slices.Contains(outlived, p.Rule) {
				l.all = append(l.all, p)
			} else {
				l.add(p.File, p.Line, p.Column, true, "past-authority", "第 %[1]d 版数源表已是历史，此处不再起作用：%[2]s", "authority version %[1]d is history, this decides nothing any more", t.Version, p.Message)
			}
		}
		return !ok
	}
	key, value := table.keys[entry], table.values[entry]
	key.out, value.out = aside, aside
	table.values[entry] = value
	var members []*schemas.GoldenField
	if gone(func() bool { members = l.entry(e, key, entry); return len(members) > 0 }) {
		return
	}
	candidates, rank, kept := []schemas.Candidate{}, 0, 0
	var before []schemas.Candidate
	var items []mapping
	gone(func() bool { items = table.each(entry); return true })
	for _, item := range items {
		var c schemas.Candidate
		lost := gone(func() (ok bool) { c, ok = l.candidate(e, item, members, before); return ok })
		if !c.SameRank || rank == 0 {
			rank++
		}
		before = append(before, c)
		if lost {
			continue
		}
		c.Rank, c.SameRank = rank, c.SameRank && kept == rank
		kept = rank
		candidates = append(candidates, c)
	}
	t.Sources[entry] = candidates
}

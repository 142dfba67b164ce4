package manifest

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

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

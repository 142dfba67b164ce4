package main

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"
)

const ruleCount = 3

// rules are those of the catalogue: what each says, when it holds, and what it
// shows of whom.
var rules = [ruleCount]struct {
	name, check, title, severity, office, advice string
	holds                                        func(r *resolver, key string) bool
	shows                                        []evidence
}{
	{
		"BM-01", "name", "姓名不一致", "low", "YB", "以户籍登记姓名为准更正 / Correct to the registered name",
		func(r *resolver, _ string) bool {
			return r.known(police) && r.known(insurance) && !bytes.Equal(r.rows[police][1].text, r.rows[insurance][1].text)
		},
		[]evidence{{source{police, 1}, "XM", name}, {source{insurance, 1}, "XM", name}},
	},
	{
		"BM-02", "paid", "死亡人员仍在领取养老待遇", "high", "RS", "核实后停发待遇 / Check and stop the pension",
		func(r *resolver, _ string) bool {
			return !r.cell(source{health, 2}).null && string(r.cell(source{pensions, 2}).text) == "1"
		},
		[]evidence{{source{pensions, 2}, "DYZTDM", plain}, {source{health, 2}, "SWRQ", date}},
	},
	{
		"BM-03", "birth", "出生日期与号码不一致", "medium", "GA", "核对证件更正 / Check the document and correct it",
		func(r *resolver, key string) bool {
			return r.known(police) && checked(key) && r.rows[police][3].number != born(key)
		},
		[]evidence{{source{police, 3}, "CSRQ", year}},
	},
}

// evidence is one cell that a finding shows, and how.
type evidence struct {
	of    source
	field string
	show  func(cell) string
}

func name(c cell) string  { return maskName(string(c.text)) }
func plain(c cell) string { return string(c.text) }
func date(c cell) string  { return day(c.number).Format(time.DateOnly) }
func year(c cell) string  { return strconv.Itoa(day(c.number).Year()) }

// judge returns the finding of a rule and its key where it has opened or closed,
// or has once and all is said again.
func (r *resolver) judge(rule int, key string, now int64, again bool) ([]byte, string) {
	is, stands := &rules[rule], &r.dossier.rules[rule]
	holds := is.holds(r, key)
	changed := holds && stands.phase != open || !holds && stands.phase == open
	switch {
	case !changed && (!again || stands.phase == never):
		return nil, ""
	case !holds:
		stands.phase = closed
	case changed:
		*stands = standing{open, now}
	}
	subject, status := r.subjects.of(key), "closed"
	if holds {
		status = "open"
	}
	id := is.name + "|" + is.check + "|" + subject
	b := r.finding.frame(make([]byte, 0, 384))
	for _, s := range [...]string{id, is.name, is.check, is.title, "person", subject, maskID(key), is.severity} {
		b = appendText(b, s)
	}
	b = appendText(append(b, 2), "contradiction")
	b = appendText(appendText(b, status), is.office)
	b = binary.AppendVarint(b, stands.since)
	b = binary.AppendVarint(b, stands.since/86_400_000+14)
	if holds {
		b = append(b, 0)
	} else {
		b = binary.AppendVarint(append(b, 2), now)
	}
	b = appendText(append(b, 0, 2), is.advice)
	b = binary.AppendVarint(b, int64(len(is.shows)))
	for _, e := range is.shows {
		c := r.cell(e.of)
		b = appendText(appendText(b, departments[e.of.department]), e.field)
		if c.null {
			b = append(b, 0)
		} else {
			b = appendText(append(b, 2), e.show(c))
		}
		b = binary.AppendVarint(append(b, 2), r.dossier.said[e.of.department].at)
	}
	return append(b, 0), id
}

var weights = [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}

// checked reports whether an identity number has its right check digit.
func checked(key string) bool {
	if len(key) != 18 {
		return false
	}
	sum := 0
	for i, w := range weights {
		sum += int(key[i]-'0') * w
	}
	return key[17] == "10X98765432"[sum%11]
}

// born is the day of birth that an identity number tells, in days since 1970.
func born(key string) int64 {
	part := func(from, to int) int {
		n := 0
		for _, c := range []byte(key[from:to]) {
			n = 10*n + int(c-'0')
		}
		return n
	}
	return time.Date(part(6, 10), time.Month(part(10, 12)), part(12, 14), 0, 0, 0, 0, time.UTC).Unix() / 86400
}

package synthetic

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// facts are rows as plain text, by dataset and key; null fields are absent.
type facts map[string]map[string]map[string]string

func (f facts) set(dataset, key string, fields map[string]string) {
	if f[dataset] == nil {
		f[dataset] = map[string]map[string]string{}
	}
	f[dataset][key] = fields
}

func (f facts) clone() facts {
	out := facts{}
	for d, rows := range f {
		for k, v := range rows {
			out.set(d, k, v)
		}
	}
	return out
}

// city is a truth file, read.
type city struct {
	rows       [2]facts           // before, after corrections
	findings   [2]map[string]bool // "rule case entity key owner"
	duplicates map[string]int
	quarantine []string
	base       time.Time
}

func readTruth(t *testing.T, o Options) city {
	t.Helper()
	var buffer bytes.Buffer
	if err := WriteTruth(&buffer, o); err != nil {
		t.Fatal(err)
	}
	c := city{rows: [2]facts{{}, {}}, findings: [2]map[string]bool{{}, {}}, duplicates: map[string]int{}}
	var after []func()
	lines := bufio.NewScanner(&buffer)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l struct {
			Type, Phase, Dataset, Key, Rule, Case, Entity, Owner, Base, Field, Reason, By string
			Corrected                                                                     bool
			Count                                                                         int
			Fields                                                                        map[string]any
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		switch l.Type {
		case "run":
			c.base, _ = time.ParseInLocation(time.DateOnly, l.Base, schemas.Zone)
		case "finding":
			id := strings.Join([]string{l.Rule, l.Case, l.Entity, l.Key, l.Owner}, " ")
			if c.findings[0][id] {
				t.Errorf("truth says twice %s", id)
			}
			c.findings[0][id] = true
			if !l.Corrected {
				c.findings[1][id] = true
			}
		case "row":
			fields := map[string]string{}
			for k, v := range l.Fields {
				if v != nil {
					fields[k] = fmt.Sprint(v)
				}
			}
			if l.Phase == "before" {
				c.rows[0].set(l.Dataset, l.Key, fields)
			} else {
				after = append(after, func() { c.rows[1].set(l.Dataset, l.Key, fields) })
			}
		case "deleted":
			if l.Phase == "after" {
				after = append(after, func() { delete(c.rows[1][l.Dataset], l.Key) })
			}
		case "duplicate":
			c.duplicates[l.Dataset] += l.Count
		case "quarantine":
			c.quarantine = append(c.quarantine, l.Dataset+" "+l.Field+" "+l.Reason+" "+l.By)
		default:
			t.Errorf("unknown line type %q", l.Type)
		}
	}
	c.rows[1] = c.rows[0].clone()
	for _, f := range after {
		f()
	}
	return c
}

// judge applies the rules of the city, each written directly from its statement,
// to plain rows, and returns "rule case entity key owner".
func judge(f facts, today time.Time) map[string]bool {
	j := &judgement{f: f, now: today.Add(12 * time.Hour), today: today.Format(time.DateOnly), out: map[string]bool{}}
	j.people()
	j.deaths()
	j.households()
	j.firms()
	j.licences()
	j.joins()
	j.documents()
	return j.out
}

type judgement struct {
	f     facts
	now   time.Time
	today string
	out   map[string]bool
}

type record = map[string]string

func (j *judgement) say(rule, which, entity, key, owner string) {
	j.out[strings.Join([]string{rule, which, entity, key, owner}, " ")] = true
}

// by groups the rows of a dataset by a field.
func (j *judgement) by(dataset, field string) map[string][]record {
	out := map[string][]record{}
	for _, r := range j.f[dataset] {
		if r[field] != "" {
			out[r[field]] = append(out[r[field]], r)
		}
	}
	return out
}

func date(s string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, s, schemas.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

func (j *judgement) past(d string, days int) bool { return date(d).AddDate(0, 0, days).Before(j.now) }

func (j *judgement) inForce(until string) bool { return until == "" || until >= j.today }

func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("·•・‧（）() ", r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func goodID(s string) bool {
	sum := 0
	for i, w := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(s[i]-'0') * w
	}
	return "10X98765432"[sum%11] == s[17]
}

func goodCode(s string) bool {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	sum := 0
	for i, w := range []int{1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28} {
		sum += strings.IndexByte(alphabet, s[i]) * w
	}
	return alphabet[(31-sum%31)%31] == s[17]
}

// people: XV-01, XV-03, XV-17 twice, XV-18.
func (j *judgement) people() {
	owners := map[string]string{}
	for _, d := range []string{"GA01", "GA02", "MZ02", "MZ03", "RS01", "RS02", "WJ02", "YB01", "YB02", "ZJ02", "JY01", "CL01"} {
		for id := range j.by(d, "GMSFHM") {
			if owners[id] == "" || d < owners[id] {
				owners[id] = d
			}
		}
	}
	for id, d := range owners {
		if !goodID(id) {
			j.say("XV-01", "id", "person", id, d[:2])
		}
	}
	for id, g := range j.f["GA01"] {
		if n := g["MZDM"]; n > "56" && n != "97" && n != "98" {
			j.say("DM-GA01", "unknown", "person", id, "GA")
		}
		if goodID(id) {
			if id[6:14] != strings.ReplaceAll(g["CSRQ"], "-", "") {
				j.say("XV-01", "birth", "person", id, "GA")
			}
			if sex := string('2' - (id[16]-'0')%2); (g["XBDM"] == "1" || g["XBDM"] == "2") && g["XBDM"] != sex {
				j.say("XV-01", "sex", "person", id, "GA")
			}
		}
	}
	for _, d := range []string{"RS01", "YB01", "JY01"} {
		for _, r := range j.f[d] {
			if g := j.f["GA01"][r["GMSFHM"]]; g != nil && plain(g["XM"]) != plain(r["XM"]) {
				j.say("XV-03", strings.ToLower(d), "person", r["GMSFHM"], d[:2])
			}
		}
	}
	lives := map[string]bool{}
	for _, r := range j.f["GA02"] {
		lives[r["GMSFHM"]] = lives[r["GMSFHM"]] || j.inForce(r["ZZRQ"])
	}
	for id, rows := range j.by("JY01", "GMSFHM") {
		schools := map[string]bool{}
		for _, r := range rows {
			if r["ZTDM"] == "1" {
				schools[r["XXMC"]] = true
				if j.f["GA01"][id] == nil && !lives[id] {
					j.say("XV-17", "absent", "person", id, "JY")
				}
			}
		}
		if len(schools) > 1 {
			j.say("XV-17", "twice", "person", id, "JY")
		}
	}
	for _, c := range j.f["GA03"] {
		if c["HPZLDM"] == "98" && c["SYRGMSFHM"] != "" {
			j.say("DM-GA03", "unlisted", "person", c["SYRGMSFHM"], "GA")
		}
	}
	for id, y := range j.f["YB01"] {
		if y["ZGYBZTDM"] == "1" && y["JMYBZTDM"] == "1" {
			j.say("XV-18", "both", "person", id, "YB")
		}
	}
}

// deaths: XV-04 to XV-07, XV-19.
func (j *judgement) deaths() {
	certified, burnt := map[string]string{}, j.by("MZ03", "GMSFHM")
	for id, rows := range j.by("WJ02", "GMSFHM") {
		for _, r := range rows {
			if r["CXBZ"] == "0" && r["SWRQ"] > certified[id] {
				certified[id] = r["SWRQ"]
			}
		}
	}
	died := map[string]string{}
	for id, rows := range burnt {
		died[id] = rows[0]["SWRQ"]
		if died[id] == "" {
			died[id] = rows[0]["HHRQ"]
		}
		if c := certified[id]; c != "" {
			gap := 0.0
			if rows[0]["SWRQ"] != "" {
				gap = date(rows[0]["SWRQ"]).Sub(date(c)).Abs().Hours() / 24
			}
			if gap > 3 || rows[0]["HHRQ"] < c {
				j.say("XV-06", "dates", "person", id, "MZ")
			}
		}
	}
	for id, c := range certified {
		died[id] = c
		if g := j.f["GA01"][id]; g != nil && g["ZXBZ"] == "0" && j.past(c, 30) {
			j.say("XV-07", "registered", "person", id, "GA")
		}
	}
	relief, cards := j.by("MZ02", "GMSFHM"), j.by("CL01", "GMSFHM")
	for id, d := range died {
		if r := j.f["RS02"][id]; r != nil && r["DYZTDM"] == "1" && j.past(d, 30) {
			j.say("XV-04", "paid", "person", id, "RS")
		}
		j.survivors(id, d)
		if !j.past(d, 30) {
			continue
		}
		if y := j.f["YB01"][id]; y["ZGYBZTDM"] == "1" || y["JMYBZTDM"] == "1" {
			j.say("XV-05", "yb01", "person", id, "YB")
		}
		for _, m := range relief[id] {
			if j.inForce(m["ZZRQ"]) {
				j.say("XV-05", "mz02", "person", id, "MZ")
			}
		}
	}
	for id, rows := range relief {
		for _, m := range rows {
			if m["JZLBDM"] != "4" || !j.inForce(m["ZZRQ"]) {
				continue
			}
			if d := died[id]; d != "" && j.past(d, 30) {
				j.say("XV-19", "dead", "person", id, "MZ")
			}
			if !slices.ContainsFunc(cards[id], func(c record) bool { return c["YXQ"] >= j.today }) {
				j.say("XV-19", "expired", "person", id, "MZ")
			}
		}
	}
}

// survivors: XV-20, of somebody who died on a day.
func (j *judgement) survivors(id, died string) {
	if !j.past(died, 30) {
		return
	}
	partners := j.by("GA01", "POGMSFHM")[id]
	for _, g := range partners {
		if strings.HasPrefix(g["HYZKDM"], "2") && g["ZXBZ"] == "0" {
			j.say("XV-20", "book", "marriage", id, "GA")
		}
	}
	if len(partners) > 0 {
		return
	}
	for _, m := range append(j.by("MZ01", "NFGMSFHM")[id], j.by("MZ01", "NVFGMSFHM")[id]...) {
		if m["HYZKDM"] == "20" {
			j.say("XV-20", "register", "marriage", id, "MZ")
		}
	}
}

// weddings: XV-08 and XV-09 of one person. before is where the rows say what
// this person was before the marriage.
func (j *judgement) weddings(id string, rows []record) {
	open, denied := 0, false
	before := func(r record) string { return either(r["NFGMSFHM"] == id, r["NFHQDM"], r["NVFHQDM"]) }
	var last record
	when := func(r record) string { return either(r["LHRQ"] != "", r["LHRQ"], r["DJRQ"]) + r["DJRQ"] + r["DJZH"] }
	for _, r := range rows {
		if last == nil || when(r) > when(last) {
			last = r
		}
		over := false
		for _, l := range rows {
			if l["DJRQ"] > r["DJRQ"] {
				over = over || before(l) == "30" || before(l) == "40"
				denied = denied || r["HYZKDM"] == "20" && before(l) == "10"
			}
		}
		if r["HYZKDM"] == "20" && !over {
			open++
		}
	}
	if open > 1 {
		j.say("XV-09", "double", "person", id, "MZ")
	}
	if denied {
		j.say("XV-09", "stated", "person", id, "MZ")
	}
	g := j.f["GA01"][id]
	if g == nil || g["ZXBZ"] != "0" {
		return
	}
	switch book, status := g["HYZKDM"], last["HYZKDM"]; {
	case book == "10", status == "40" && book == "21", status == "30" && strings.HasPrefix(book, "2"):
		j.say("XV-08", "marital", "person", id, "GA")
	case status == "20" && book == "40", status == "40" && strings.HasPrefix(book, "2"):
		j.say("XV-08", "elsewhere", "person", id, "GA")
	}
}

// households: XV-08, XV-09, XV-11.
func (j *judgement) households() {
	weddings := j.by("MZ01", "NFGMSFHM")
	for id, rows := range j.by("MZ01", "NVFGMSFHM") {
		weddings[id] = append(weddings[id], rows...)
	}
	for id, rows := range weddings {
		j.weddings(id, rows)
	}
	cars, homes, heads, jobs := j.by("GA03", "SYRGMSFHM"), j.by("ZR01", "QLRGMSFHM"), j.by("SC01", "FDDBRZJHM"), j.by("RS01", "GMSFHM")
	for _, m := range j.f["MZ02"] {
		if m["JZLBDM"] != "1" || !j.inForce(m["ZZRQ"]) {
			continue
		}
		id := m["GMSFHM"]
		for _, c := range cars[id] {
			if c["ZTDM"] == "1" && c["HPZLDM"] < "07" {
				j.say("XV-11", "ga03", "person", id, "MZ")
			}
		}
		dwellings := map[string]bool{}
		for _, h := range homes[id] {
			if h["YTDM"] == "1" {
				dwellings[h["BDCDYH"]] = true
			}
		}
		if len(dwellings) >= 2 {
			j.say("XV-11", "zr01", "person", id, "MZ")
		}
		for _, e := range heads[id] {
			if e["DJZTDM"] == "1" && e["TYSHXYDM"][:2] != "92" && e["TYSHXYDM"][:2] != "93" {
				j.say("XV-11", "sc01", "person", id, "MZ")
			}
		}
		for _, w := range jobs[id] {
			if base, _ := strconv.ParseFloat(w["JFJS"], 64); w["CBZTDM"] == "1" && base > 3000 {
				j.say("XV-11", "rs01", "person", id, "MZ")
			}
		}
	}
}

// firms: XV-02, XV-12, XV-13, XV-14.
func (j *judgement) firms() {
	owners := map[string]string{}
	for _, d := range []string{"MZ04", "RS03", "SC01", "SC02", "SP01", "SW01", "SW02"} {
		for code := range j.by(d, "TYSHXYDM") {
			if owners[code] == "" || d < owners[code] {
				owners[code] = d
			}
		}
	}
	for code, d := range owners {
		if !goodCode(code) {
			j.say("XV-02", "code", "enterprise", code, d[:2])
		}
	}
	for code, s := range j.f["SC01"] {
		if m := j.f["MZ04"][code]; m != nil && m["DJZTDM"] != "3" && s["DJZTDM"] != "3" {
			j.say("XV-02", "twice", "enterprise", code, "SC")
		}
		for d, active := range map[string]string{"SW01": "NSRZTDM", "RS03": "ZTDM"} {
			r := j.f[d][code]
			if r == nil {
				continue
			}
			grace := !j.past(either(s["HZRQ"] != "", s["HZRQ"], s["CLRQ"]), 30)
			if !grace && (plain(r["JGMC"]) != plain(s["JGMC"]) || plain(r["FDDBRXM"]) != plain(s["FDDBRXM"])) {
				j.say("XV-13", strings.ToLower(d), "enterprise", code, d[:2])
			}
			if s["DJZTDM"] == "3" && r[active] == "1" && (d == "SW01" || !grace) {
				j.say("XV-14", strings.ToLower(d), "enterprise", code, d[:2])
			}
		}
	}
	for _, head := range []struct{ dataset, status, rule, owner string }{{"RS01", "CBZTDM", "rs01", "SW"}, {"ZJ02", "JCZTDM", "zj02", "GJ"}} {
		heads := map[string]int{}
		for _, r := range j.f[head.dataset] {
			if r[head.status] == "1" {
				heads[r["TYSHXYDM"]]++
			}
		}
		for code, rows := range j.by("SW02", "TYSHXYDM") {
			latest := slices.MaxFunc(rows, func(a, b record) int { return strings.Compare(a["SSQ"], b["SSQ"]) })
			said, _ := strconv.Atoi(latest["SBRS"])
			n := heads[code]
			if gap := max(n-said, said-n); n > 0 && gap > 1 && gap*10 > max(said, 1) {
				j.say("XV-12", head.rule, "enterprise", code, head.owner)
			}
			if n == 0 && said > 1 && head.rule == "rs01" {
				j.say("XV-12", "uninsured", "enterprise", code, "RS")
			}
		}
	}
}

// licences: XV-15.
func (j *judgement) licences() {
	open := map[string]bool{}
	for _, l := range j.f["SC02"] {
		if l["YCRQ"] == "" {
			open[l["TYSHXYDM"]] = true
		}
	}
	for _, p := range j.f["SP01"] {
		code := p["TYSHXYDM"]
		if p["XKLXDM"] == "1" && j.inForce(p["YXQZ"]) {
			if open[code] {
				j.say("XV-15", "listed", "enterprise", code, "SP")
			}
			if j.f["SC01"][code]["DJZTDM"] == "3" {
				j.say("XV-15", "cancelled", "enterprise", code, "SP")
			}
		}
		// Seven working days are seven calendar days at least and, holidays and all,
		// under twenty; nothing is planted in between.
		until, published := p["GSRQ"], p["GSRQ"] != ""
		if !published {
			until = j.today
		}
		switch gap := date(until).Sub(date(p["JDRQ"])).Hours() / 24; {
		case gap > 20 && !published:
			j.say("XV-15", "unpublished", "enterprise", code, "SP")
		case gap > 20 && !j.past(until, 31):
			j.say("XV-15", "late", "enterprise", code, "SP")
		case gap > 7 && gap <= 20:
			j.say("XV-15", "unclear", "enterprise", code, "SP")
		}
	}
}

// joins: XV-10, XV-16.
func (j *judgement) joins() {
	registered, standard := j.by("GA01", "CSZBH"), j.by("ZJ01", "BZDZ")
	for id, w := range j.f["WJ01"] {
		if j.past(w["CSRQ"], 90) && registered[id] == nil {
			j.say("XV-10", "unregistered", "birth", id, "GA")
		}
	}
	for _, r := range j.f["GA02"] {
		if r["ZZRQ"] == "" && standard[r["JZDZ"]] == nil {
			j.say("XV-16", "unlisted", "address", r["JZDZ"], "GA")
		}
	}
}

// documents: numbers whose check does not hold, XV-21.
func (j *judgement) documents() {
	for _, c := range j.f["CL01"] {
		n := c["CJZH"]
		if len(n) != 20 {
			continue
		}
		if !goodID(n[:18]) {
			j.say("HM-CL01", "check", "person", c["GMSFHM"], "CL")
		}
		if n != c["GMSFHM"]+c["CJLBDM"]+c["CJDJDM"] {
			j.say("XV-21", "card", "person", c["GMSFHM"], "CL")
		}
	}
	for _, p := range j.f["JY01"] {
		if n := p["XJH"]; len(n) == 19 {
			if !goodID(n[1:]) {
				j.say("HM-JY01", "check", "person", p["GMSFHM"], "JY")
			}
			if n[1:] != p["GMSFHM"] {
				j.say("XV-21", "pupil", "person", p["GMSFHM"], "JY")
			}
		}
	}
	for _, p := range j.f["SP01"] {
		if n := p["XKBH"]; strings.HasPrefix(n, "JY") && !goodLicence(n[2:]) {
			j.say("HM-SP01", "check", "enterprise", p["TYSHXYDM"], "SP")
		}
	}
}

// goodLicence sums the whole number, its check digit included, as the standard
// verifies it: the last remainder is 1.
func goodLicence(s string) bool {
	p := 10
	for i := range len(s) - 1 {
		d := p + int(s[i]-'0')
		for d > 10 {
			d -= 10
		}
		p = 2 * d % 11
	}
	return (p+int(s[len(s)-1]-'0'))%10 == 1
}

// either returns a where c holds, else b.
func either(c bool, a, b string) string {
	if c {
		return a
	}
	return b
}

package synthetic

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestNoise holds that the cities of the default size which TestTruth judges have what
// looks wrong to a rule written in haste and is lawful: of each kind somebody of whom
// nothing is found, read off the rows. (The rarest kinds are one family in a hundred,
// so that not every one of the three has them.) A kind bears the name of the chance
// that makes it; whatever else is left to chance is named in ordinary, so that a new
// kind of noise has its line here too.
func TestNoise(t *testing.T) {
	t.Parallel()
	kinds := map[string]map[string]bool{}
	for _, seed := range truthSeeds {
		c := readTruth(t, Options{Seed: seed, Base: base})
		n := &noise{judgement{f: c.rows[0], now: c.base.Add(12 * time.Hour), today: c.base.Format(time.DateOnly)}, map[string]bool{}, kinds}
		for id := range c.findings[0] {
			n.found[strings.Fields(id)[3]] = true
		}
		n.people()
		n.married()
		n.dead()
		n.onRelief()
		n.firms()
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		t.Logf("%-20s %d", kind, len(kinds[kind]))
		if len(kinds[kind]) == 0 {
			t.Errorf("nobody is of the kind %q", kind)
		}
	}
	for _, name := range chances(t) {
		_, measured := kinds[name]
		if ordinary := slices.Contains(ordinary, name); measured == ordinary {
			t.Errorf("%q is left to chance: measured %v, ordinary %v, want one of them", name, measured, ordinary)
		}
	}
}

// ordinary are the chances that decide what no rule takes for a contradiction.
var ordinary = []string{
	"allowance", "branch", "carA", "carB", "carD", "carE", "carI", "cremated", "fined", "first", "fleet", "fund", "licenceX", "licenceY",
	"limited", "mortgage", "poor", "premises", "rents", "scrapE", "sole", "withchildren", "works10", "works18", "works9",
}

// chances are the names of all that is left to chance.
func chances(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("world/*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`\.chance\((?:b, )?"([^"]+)"`).FindAllSubmatch(text, -1) {
			names[string(m[1])] = true
		}
	}
	if len(names) < 50 {
		t.Fatalf("%d chances are read off the source", len(names))
	}
	return slices.Sorted(maps.Keys(names))
}

// noise counts who is of a kind, of those of whom nothing is found.
type noise struct {
	judgement
	found map[string]bool
	kinds map[string]map[string]bool
}

// is says that a subject is of a kind, if it is.
func (n *noise) is(kind, subject string, so bool) {
	if n.kinds[kind] == nil {
		n.kinds[kind] = map[string]bool{}
	}
	if so && !n.found[subject] {
		n.kinds[kind][subject] = true
	}
}

func (n *noise) people() {
	book, lives, jobs := n.f["GA01"], n.by("GA02", "GMSFHM"), n.by("RS01", "GMSFHM")
	known, standard, named := n.by("GA01", "CSZBH"), n.by("ZJ01", "BZDZ"), n.by("GA01", "XM")
	resident := func(id string) bool {
		return slices.ContainsFunc(lives[id], func(r record) bool { return n.inForce(r["ZZRQ"]) })
	}
	for id, rows := range jobs {
		works, others := 0, 0
		for _, r := range rows {
			if r["CBZTDM"] == "1" {
				works++
				if firm := n.f["SC01"][r["TYSHXYDM"]]; firm != nil && firm["FDDBRXM"] != r["XM"] { // not his own
					others++
				}
			}
		}
		n.is("two jobs", id, book[id] != nil && others > 1)
		n.is("migrant", id, book[id] == nil && works > 0 && resident(id) && len(named[rows[0]["XM"]]) > 0)
		n.is("moved away", id, works > 0 && book[id]["ZXYY"] == "2")
		n.is("left", id, works == 0 && slices.ContainsFunc(rows, func(r record) bool { return r["CBZTDM"] == "3" }))
		n.is("spelt otherwise at work", id, book[id] != nil && rows[0]["XM"] != book[id]["XM"])
	}
	for id, y := range n.f["YB01"] {
		n.is("spelt otherwise at the insurance", id, book[id] != nil && y["XM"] != book[id]["XM"])
	}
	for id, rows := range n.by("JY01", "GMSFHM") {
		states := map[string]int{}
		for _, r := range rows {
			states[r["ZTDM"]]++
		}
		n.is("moved", id, states["1"] == 1 && states["2"] == 1)
		n.is("guest", id, book[id] == nil && states["1"] > 0 && resident(id))
	}
	for number, r := range n.f["WJ01"] {
		n.is("newborn", number, known[number] == nil && !n.past(r["CSRQ"], 90))
	}
	for id, rows := range lives {
		n.is("lived", id, slices.ContainsFunc(rows, func(r record) bool { return !n.inForce(r["ZZRQ"]) && standard[r["JZDZ"]] == nil }))
	}
	for id, g := range book {
		n.is("unstated", id, g["HYZKDM"] == "")
	}
}

func (n *noise) married() {
	weddings := n.by("MZ01", "NFGMSFHM")
	for id, rows := range n.by("MZ01", "NVFGMSFHM") {
		weddings[id] = append(weddings[id], rows...)
	}
	for id, rows := range weddings {
		for _, first := range rows {
			for _, again := range rows {
				if again["HYZKDM"] != "20" || again["DJZH"] == first["DJZH"] {
					continue
				}
				divorced := first["HYZKDM"] == "40" && first["LHRQ"] <= again["DJRQ"]
				n.is("again", id, divorced)
				n.is("again on the day", id, divorced && first["LHRQ"] == again["DJRQ"])
				n.is("numbered before", id, divorced && again["DJZH"] < first["DJZH"])
				n.is("courted", id, first["HYZKDM"] == "20" && first["DJRQ"] < again["DJRQ"] && again["NFHQDM"] == "40")
				n.is("widow again", id, first["HYZKDM"] == "30" && again["NVFHQDM"] == "30" && n.f["GA01"][id]["HYZKDM"] == "22")
			}
		}
	}
}

func (n *noise) dead() {
	burnt, relief, partners := n.by("MZ03", "GMSFHM"), n.by("MZ02", "GMSFHM"), n.by("GA01", "POGMSFHM")
	weddings := n.by("MZ01", "NFGMSFHM")
	for id, rows := range n.by("WJ02", "GMSFHM") {
		died, g := rows[0]["SWRQ"], n.f["GA01"][id]
		paid := n.f["RS02"][id]["DYZTDM"] == "1"
		if rows[0]["CXBZ"] == "1" {
			n.is("death revoked", id, g["ZXBZ"] == "0" && paid)
			continue
		}
		n.is("died lately", id, !n.past(died, 30) && g["ZXBZ"] == "0" && paid)
		n.is("suspended", id, n.f["YB01"][id]["ZGYBZTDM"] == "2")
		for _, r := range burnt[id] {
			n.is("a day off", id, r["SWRQ"] != "" && r["SWRQ"] != died)
			n.is("undated", id, r["SWRQ"] == "")
		}
		for _, r := range relief[id] {
			n.is("lateRelief", id, r["ZZRQ"] != "" && r["ZZRQ"] < died)
			n.is("relief ended after the death", id, r["ZZRQ"] > died && !n.inForce(r["ZZRQ"]))
		}
		for _, g := range partners[id] {
			n.is("registered wedding", g["GMSFHM"], n.past(died, 30) && g["HYZKDM"] == "30" && slices.ContainsFunc(weddings[id], func(m record) bool { return m["HYZKDM"] == "20" }))
		}
	}
}

func (n *noise) onRelief() {
	cars, homes, heads, jobs := n.by("GA03", "SYRGMSFHM"), n.by("ZR01", "QLRGMSFHM"), n.by("SC01", "FDDBRZJHM"), n.by("RS01", "GMSFHM")
	allowances := n.by("MZ02", "GMSFHM")
	for _, m := range n.f["MZ02"] {
		if m["JZLBDM"] != "1" || !n.inForce(m["ZZRQ"]) {
			continue
		}
		id := m["GMSFHM"]
		n.is("two certificates", id, len(homes[id]) > 1)
		n.is("scrapG", id, slices.ContainsFunc(cars[id], func(r record) bool { return r["ZTDM"] == "3" }))
		n.is("helps out", id, slices.ContainsFunc(jobs[id], func(r record) bool { return r["CBZTDM"] == "1" }))
		n.is("own stall", id, slices.ContainsFunc(heads[id], func(r record) bool { return r["DJZTDM"] == "1" && strings.HasPrefix(r["TYSHXYDM"], "92") }))
	}
	for id, cards := range n.by("CL01", "GMSFHM") {
		over := slices.ContainsFunc(allowances[id], func(m record) bool { return m["JZLBDM"] == "4" && !n.inForce(m["ZZRQ"]) })
		n.is("lapsed", id, over && cards[0]["YXQ"] < n.today)
	}
}

func (n *noise) firms() {
	lists, papers, declared, jobs := n.by("SC02", "TYSHXYDM"), n.by("SP01", "TYSHXYDM"), n.by("SW02", "TYSHXYDM"), n.by("RS01", "TYSHXYDM")
	for code, rows := range declared {
		latest := slices.MaxFunc(rows, func(a, b record) int { return strings.Compare(a["SSQ"], b["SSQ"]) })
		insured := count(n.f["RS01"], func(r record) bool { return r["TYSHXYDM"] == code && r["CBZTDM"] == "1" })
		said, _ := strconv.ParseFloat(latest["SBRS"], 64)
		n.is("rehired", code, insured > 0 && said == insured+1)
	}
	for code, s := range n.f["SC01"] {
		licensed, punished := 0, 0
		for _, p := range papers[code] {
			switch {
			case p["XKLXDM"] == "2":
				punished++
			case n.inForce(p["YXQZ"]):
				licensed++
			}
		}
		over := s["DJZTDM"] == "3"
		n.is("cancelled, and so is its licence", code, over && len(papers[code]) > 0 && licensed == 0)
		n.is("insuredY", code, over && n.f["RS03"][code]["ZTDM"] == "2")
		n.is("insured before it has anybody", code, !over && n.f["RS03"][code]["ZTDM"] == "1" && n.f["RS03"][code]["CBRS"] == "0" && len(jobs[code]) == 0)
		n.is("abnormal", code, !over && n.f["SW01"][code]["NSRZTDM"] == "2")
		n.is("spelt otherwise at the tax office", code, n.f["SW01"][code] != nil && n.f["SW01"][code]["JGMC"] != s["JGMC"])
		n.is("without a number of its head", code, s["FDDBRZJHM"] == "")
		n.is("headed by a foreigner", code, strings.HasPrefix(s["FDDBRZJHM"], "E"))
		for _, l := range lists[code] {
			n.is("listed", code, l["YCRQ"] == "" && licensed == 0 && punished > 0)
			n.is("relisted", code, l["YCRQ"] != "" && !over)
		}
	}
	for code, m := range n.f["MZ04"] {
		n.is("dissolved", code, m["DJZTDM"] == "3" && n.f["SW01"][code]["NSRZTDM"] == "3")
	}
}

package synthetic

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// TestProportions holds the city against the ranges that README.md gives, with
// where they are from: each line of its table is a measure of this test, and
// each measure has a line.
func TestProportions(t *testing.T) {
	t.Parallel()
	c := readTruth(t, Options{Seed: 1, Base: base})
	got := proportions(c.rows[0], c.base)
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, line := range regexp.MustCompile(`(?m)^\| ([^|]+) \| ([\d.]+) to ([\d.]+) \|`).FindAllStringSubmatch(string(page), -1) {
		name := line[1]
		value, measured := got[name]
		from, err1 := strconv.ParseFloat(line[2], 64)
		to, err2 := strconv.ParseFloat(line[3], 64)
		told++
		t.Logf("%-60s %8.2f  (%s to %s)", name, value, line[2], line[3])
		switch {
		case err1 != nil || err2 != nil || !measured:
			t.Errorf("README.md: nothing measures %q", name)
		case value < from || value > to:
			t.Errorf("%s: %.2f, README.md says %s to %s", name, value, line[2], line[3])
		}
	}
	if told != len(got) {
		t.Errorf("README.md has %d of the %d proportions", told, len(got))
	}
}

// proportions measures the city; most are for a thousand living people who are
// registered in it.
func proportions(f facts, today time.Time) map[string]float64 {
	out := map[string]float64{}
	ages(f, today, out)
	people := count(f["GA01"], func(r record) bool { return r["ZXBZ"] == "0" })
	per := func(name, dataset string, of func(record) bool) { out[name] = 1000 * count(f[dataset], of) / people }
	lastYear := func(d string) bool { return d != "" && date(d).After(today.AddDate(-1, 0, 0)) }
	per("births a year, of 1,000", "WJ01", func(r record) bool { return lastYear(r["CSRQ"]) })
	per("deaths a year, of 1,000", "WJ02", func(r record) bool { return r["CXBZ"] == "0" && lastYear(r["SWRQ"]) })
	per("with medical insurance, of 1,000", "YB01", func(r record) bool { return r["ZGYBZTDM"] == "1" || r["JMYBZTDM"] == "1" })
	per("employees' insurances in force, of 1,000", "RS01", func(r record) bool { return r["CBZTDM"] == "1" })
	per("pensioners, of 1,000", "RS02", func(r record) bool { return r["DYZTDM"] == "1" })
	per("on subsistence allowance, of 1,000", "MZ02", func(r record) bool { return r["JZLBDM"] == "1" && r["ZZRQ"] == "" })
	per("with a disability card, of 1,000", "CL01", func(record) bool { return true })
	per("pupils, of 1,000", "JY01", func(r record) bool { return r["ZTDM"] == "1" })
	per("cars, of 1,000", "GA03", func(r record) bool { return r["ZTDM"] == "1" })
	active := func(r record) bool { return r["DJZTDM"] == "1" }
	per("market entities, of 1,000", "SC01", active)
	sole := count(f["SC01"], func(r record) bool { return active(r) && r["TYSHXYDM"][:2] == "92" })
	out["sole traders, of 100 market entities"] = 100 * sole / count(f["SC01"], active)
	insurers := count(f["RS03"], func(r record) bool { return r["ZTDM"] == "1" })
	out["insured employers with nobody insured, of 100"] = 100 * count(f["RS03"], func(r record) bool { return r["ZTDM"] == "1" && r["CBRS"] == "0" }) / insurers
	authorities := map[string]float64{}
	most, penalties := 0.0, 0.0
	for _, r := range f["SP01"] {
		if r["XKLXDM"] == "2" {
			penalties++
			authorities[r["JDJGDM"]]++
			most = max(most, authorities[r["JDJGDM"]])
		}
	}
	out["authorities that punish"] = float64(len(authorities))
	out["penalties of one authority at most, of 100"] = 100 * most / max(penalties, 1)
	impossible(f, out)
	return out
}

func count(rows map[string]record, of func(record) bool) float64 {
	n := 0.0
	for _, r := range rows {
		if of(r) {
			n++
		}
	}
	return n
}

func ages(f facts, today time.Time, out map[string]float64) {
	var all, young, old, men, adults, married float64
	for _, r := range f["GA01"] {
		if r["ZXBZ"] != "0" {
			continue
		}
		all++
		age := int(today.Sub(date(r["CSRQ"])).Hours() / 24 / 365.25)
		switch {
		case age < 15:
			young++
		case age >= 60:
			old++
		}
		if r["XBDM"] == "1" {
			men++
		}
		if age >= 15 {
			adults++
			if strings.HasPrefix(r["HYZKDM"], "2") {
				married++
			}
		}
	}
	out["aged 0 to 14, of 100"] = 100 * young / all
	out["aged 60 and more, of 100"] = 100 * old / all
	out["men, to 100 women"] = 100 * men / (all - men)
	out["married, of 100 aged 15 and more"] = 100 * married / adults
}

// impossible counts what no register can hold.
func impossible(f facts, out map[string]float64) {
	early := 0.0
	for _, m := range f["MZ01"] {
		for field, age := range map[string]int{"NFGMSFHM": 22, "NVFGMSFHM": 20} {
			born, err := time.ParseInLocation("20060102", m[field][6:14], schemas.Zone)
			if err == nil && born.AddDate(age, 0, 0).After(date(m["DJRQ"])) {
				early++
			}
		}
	}
	out["marriages under age"] = early
	household, differ := map[string]string{}, 0.0
	for _, m := range f["MZ02"] {
		mine := m["JZLBDM"] + m["QSRQ"] + m["ZZRQ"] + m["JTSR"]
		if other, known := household[m["JTBH"]]; known && other != mine {
			differ++
		}
		household[m["JTBH"]] = mine
	}
	out["households on relief whose members' rows differ"] = differ
}

package resolve_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

var (
	somePeople = []string{"539902198503120013", "539902198503120021", "539903199001010173"}
	someFirms  = []string{"91539900MADE00011B", "91539902MADE0002X0"}
)

// utterance draws what a department may say about its rows: upserts that move a
// row between people, change its values, and deletions.
func utterance(t *rapid.T, dataset string, n int) string {
	person := rapid.SampledFrom(somePeople).Draw(t, "person")
	other := rapid.SampledFrom(somePeople).Draw(t, "other")
	firm := rapid.SampledFrom(someFirms).Draw(t, "firm")
	row := rapid.IntRange(1, 2).Draw(t, "row")
	day := rapid.IntRange(1, 28).Draw(t, "day")
	// Commit times are the department's own and differ between rows.
	at := start.Add(time.Duration(n*7+row) * time.Second).Format(time.RFC3339)
	yes := rapid.SampledFrom([]string{"0", "1"}).Draw(t, "yes")
	line := map[string]string{
		"GA01": fmt.Sprintf("GMSFHM=%s XM=%s CSRQ=1985-03-%02d XBDM=1 HYZKDM=%s ZXBZ=%s", person, rapid.SampledFrom([]string{"张三", "李四"}).Draw(t, "name"), day, rapid.SampledFrom([]string{"10", "20", "-"}).Draw(t, "marital"), yes),
		"GA02": fmt.Sprintf("GMSFHM=%s DJH=J%d JZDXZQHDM=53990%d JZDZ=云岭市岭东区%d号 QSRQ=2025-01-%02d LXDH=1990000%04d", person, row, row+1, day, day, day),
		"MZ01": fmt.Sprintf("DJZH=M%d NFGMSFHM=%s NVFGMSFHM=%s HYZKDM=%s DJRQ=2025-02-%02d", row, person, other, rapid.SampledFrom([]string{"20", "40"}).Draw(t, "state"), day),
		"WJ02": fmt.Sprintf("ZMBH=W%d GMSFHM=%s SWRQ=2025-03-%02d CXBZ=%s", row, person, day, yes),
		"MZ03": fmt.Sprintf("HHZH=H%d GMSFHM=%s HHRQ=2025-03-%02d SWRQ=2025-03-%02d", row, person, day, day),
		"RS01": fmt.Sprintf("GMSFHM=%s TYSHXYDM=%s XM=张三 CBZTDM=%s", person, firm, rapid.SampledFrom([]string{"1", "3"}).Draw(t, "insured")),
		"RS02": fmt.Sprintf("GMSFHM=%s DYZTDM=%s LXDH=1990001%04d", person, rapid.SampledFrom([]string{"1", "3"}).Draw(t, "pension"), day),
		"SC01": fmt.Sprintf("TYSHXYDM=%s JGMC=云岭某某公司 FDDBRXM=张三 FDDBRZJHM=%s DJZTDM=%s", firm, person, rapid.SampledFrom([]string{"1", "3"}).Draw(t, "status")),
		"SW02": fmt.Sprintf("TYSHXYDM=%s SSQ=20250%d SBRS=%d", firm, row, day%3),
		"GA03": fmt.Sprintf("HPHM=云Z1234%d HPZLDM=02 SYRGMSFHM=%s CLXH=型号%d", row, person, day),
		"MZ02": fmt.Sprintf("JTBH=F%d GMSFHM=%s JZLBDM=%s", row, person, rapid.SampledFrom([]string{"1", "4"}).Draw(t, "relief")),
	}[dataset]
	op := "u"
	if rapid.IntRange(0, 5).Draw(t, "delete") == 0 {
		op = "d"
	}
	return fmt.Sprintf("%s %s %s @at=%s @seq=%d", dataset, op, line, at, n+1)
}

// TestAnyInterleaving: however the departments' changes are merged, split into
// batches, repeated and replayed, the city ends with the same golden records,
// views, findings and explanations.
func TestAnyInterleaving(t *testing.T) {
	c := newCity(t)
	rapid.Check(t, func(rt *rapid.T) {
		datasets := []string{"GA01", "GA02", "MZ01", "WJ02", "MZ03", "RS01", "RS02", "SC01", "SW02", "GA03", "MZ02"}
		said := make(map[string][]string)
		for _, d := range datasets {
			for n := range rapid.IntRange(0, 6).Draw(rt, d) {
				said[d] = append(said[d], utterance(rt, d, n))
			}
		}
		want := ""
		for run := range 3 {
			c.Forget(start)
			merge(rt, c, datasets, said, run > 0)
			got := ending(rt, c)
			if run > 0 && got != want {
				rt.Fatalf("run %d ends differently:\n%s", run, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
			}
			want = got
		}
	})
}

// merge feeds the departments' streams in a drawn order, in drawn batches; with
// faults, changes come twice and batches are replayed.
func merge(rt *rapid.T, c *stagetest.City, datasets []string, said map[string][]string, faults bool) {
	next := make(map[string]int)
	var batch, last []string
	take := func(lines []string) {
		var records []bus.Record
		for _, line := range lines {
			r, err := c.Change(line)
			if err != nil {
				rt.Fatal(err)
			}
			records = append(records, r)
		}
		if err := c.Take(records...); err != nil {
			rt.Fatal(err)
		}
	}
	for {
		var open []string
		for _, d := range datasets {
			if next[d] < len(said[d]) {
				open = append(open, d)
			}
		}
		if len(open) == 0 {
			break
		}
		d := rapid.SampledFrom(open).Draw(rt, "next")
		batch = append(batch, said[d][next[d]])
		if faults && rapid.IntRange(0, 5).Draw(rt, "twice") == 0 {
			batch = append(batch, said[d][next[d]])
		}
		next[d]++
		if rapid.IntRange(0, 2).Draw(rt, "cut") == 0 {
			take(batch)
			if faults && len(last) > 0 && rapid.IntRange(0, 4).Draw(rt, "replay") == 0 {
				take(last)
			}
			batch, last = nil, batch
		}
	}
	take(batch)
	if err := c.Advance(start.Add(time.Hour)); err != nil {
		rt.Fatal(err)
	}
}

// ending writes down what the compacted topics hold in the end, without
// versions and times, which tell of the way and not of the end.
func ending(rt *rapid.T, c *stagetest.City) string {
	final := make(map[string]string)
	for _, r := range c.Out {
		if r.Topic == contract.Quarantine {
			continue
		}
		name := string(r.Topic) + " " + string(r.Key)
		delete(final, name)
		if r.Value == nil {
			continue
		}
		rec, err := c.Decode(r.Value)
		if err != nil {
			rt.Fatal(err)
		}
		if r.Topic == contract.Findings {
			if rec.Get("state").Str() != "open" {
				continue
			}
			final[name] = stagetest.Text(rec, "opened_at", "due", "ver", "reopened")
			continue
		}
		final[name] = stagetest.Text(rec, schemas.VersionColumn, schemas.AtColumn)
	}
	lines := make([]string, 0, len(final))
	for k, v := range final {
		lines = append(lines, k+v)
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

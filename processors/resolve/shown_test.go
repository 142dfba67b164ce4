package resolve_test

import (
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Whatever rule a city writes, a finding's evidence and an explanation show of a
// field what its element's mask leaves: here every dataset speaks about one
// person and one enterprise, and every field of theirs is looked at.
func TestShownByTheElement(t *testing.T) {
	c := newCity(t)
	clear := map[string]map[string]bool{} // dataset.field -> values said
	for _, line := range []string{
		"GA01 GMSFHM=539902198503120013 XM=张三 XBDM=2 MZDM=14 CSRQ=1985-03-13 HJDZ=云岭市岭东区东关街道人民路1号 HYZKDM=10 ZXBZ=0",
		"WJ02 GMSFHM=539902198503120013 ZMBH=W1 SWRQ=2025-11-07 CXBZ=0",
		"MZ03 GMSFHM=539902198503120013 HHZH=H1 HHRQ=2025-11-03 SWRQ=2025-10-21",
		"MZ01 DJZH=J1 NFGMSFHM=539902198503120013 NVFGMSFHM=539902198503120021 HYZKDM=40 DJRQ=2011-05-17 LHRQ=2019-08-23",
		"MZ02 GMSFHM=539902198503120013 JTBH=JT000777 JZLBDM=4 QSRQ=2021-02-09 ZZRQ=2099-04-11",
		"CL01 CJZH=53990219850312001344 GMSFHM=539902198503120013 CJLBDM=4 CJDJDM=4 YXQ=2024-06-19",
		"RS02 GMSFHM=539902198503120013 DYZTDM=1 LXDH=19900007777",
		"YB01 GMSFHM=539902198503120013 XM=李四 ZGYBZTDM=1 JMYBZTDM=1 JZDZ=云岭市岭东区东关街道金丝路77号",
		"SC01 TYSHXYDM=91539900MADE00012B JGMC=云岭金丝商贸有限公司 FDDBRXM=王五 FDDBRZJHM=539902198503120013 ZS=云岭市岭东区东关街道银丝路3号 DJZTDM=3",
		"SP01 TYSHXYDM=91539900MADE00012B JDSWH=云岭许字〔2026〕7号 JDRQ=2026-01-05 GSRQ=2026-02-27 XKLXDM=1 YXQZ=2031-12-24",
		"SC02 TYSHXYDM=91539900MADE00012B LRH=云市监列〔2025〕9号 LRYY=未按期公示年报",
	} {
		words := strings.Fields(line)
		for _, word := range words[1:] {
			name, value, _ := strings.Cut(word, "=")
			at := words[0] + "." + name
			if clear[at] == nil {
				clear[at] = map[string]bool{}
			}
			clear[at][value] = true
		}
		take(t, c, line)
	}
	if err := c.Advance(start.Add(1000 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	shown, public := 0, map[string]bool{}
	check := func(place, dataset, field, value string) {
		d, err := c.Catalogue.Dataset(dataset)
		if err != nil || d.Layout.Index(field) < 0 {
			return // an aggregate
		}
		f := d.Fields[d.Layout.Index(field)]
		masked := f.Element.Mask != "" || f.Level >= "L3"
		said := clear[dataset+"."+field][value]
		if masked && said {
			t.Errorf("%s shows %q of %s.%s, whose element %q has the mask %q", place, value, dataset, field, f.Element.ID, f.Element.Mask)
		}
		shown++
		public[dataset+"."+field] = public[dataset+"."+field] || said
	}
	for _, r := range c.Out {
		topic := string(r.Topic)
		if r.Value == nil || topic != "findings" && !strings.HasSuffix(topic, "."+schemas.ExplainView) {
			continue
		}
		rec, err := c.Decode(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		rows := "evidence"
		if topic != "findings" {
			rows = "cells"
		}
		for _, e := range rec.Get(rows).Records() {
			check(topic, e.Get("dataset").Str(), e.Get("field").Str(), e.Get("value_masked").Str())
			if rows == "cells" {
				for _, l := range e.Get("losers").Records() {
					check(topic+" losers", l.Get("dataset").Str(), e.Get("field").Str(), l.Get("value_masked").Str())
				}
			}
		}
	}
	if shown < 30 {
		t.Errorf("%d values were looked at, want more than 30", shown)
	}
	for _, at := range []string{"SP01.JDSWH", "SC02.LRYY", "SC01.JGMC", "SC01.ZS", "SP01.JDRQ", "GA01.HYZKDM"} {
		if !public[at] {
			t.Errorf("%s is public by its element and hidden", at)
		}
	}
}

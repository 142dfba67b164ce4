package route_test

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A clear view shows a name as its source spells it. Two spellings of one name are
// one name behind every mask, digest and token, and in keys and links.
func TestSpellingIsKept(t *testing.T) {
	c := newCity(t)
	last := func(out []bus.Record, topic contract.Topic) (schemas.Record, string) {
		t.Helper()
		for i := range out {
			if r := out[len(out)-1-i]; r.Topic == topic {
				rec, err := c.Decode(r.Value)
				if err != nil {
					t.Fatal(err)
				}
				return rec, string(r.Key)
			}
		}
		return schemas.Record{}, ""
	}
	const wide, narrow = "云岭市（岭东）商贸有限公司", "云岭市(岭东)商贸有限公司"
	say(t, c, "SW01 TYSHXYDM=91539900MADE00011B FDDBRXM=买买提•阿卜杜拉 NSRZTDM=1 JGMC="+wide)
	first := c.Drain()
	clear, _ := last(first, "shared.SW01.clear")
	if got := clear.Get("JGMC").Str(); got != wide {
		t.Errorf("the clear view shows %q, want %q", got, wide)
	}
	say(t, c, "SW01 TYSHXYDM=91539900MADE00011B FDDBRXM=买买提·阿卜杜拉 NSRZTDM=1 JGMC="+narrow)
	second := c.Drain()
	if clear, _ = last(second, "shared.SW01.clear"); clear.Get("JGMC").Str() != narrow {
		t.Errorf("a new spelling does not reach the clear view: %q", clear.Get("JGMC").Str())
	}
	for _, topic := range []contract.Topic{"shared.SW01.verify", "shared.SW01.partial"} {
		was, _ := last(first, topic)
		is, _ := last(second, topic)
		if was.IsZero() {
			t.Fatalf("nothing in %s", topic)
		}
		for i, col := range was.Layout().Columns {
			if col.Name != "JGMC" && !is.IsZero() && !was.Value(i).Equal(is.Value(i)) || col.Name == "JGMC" && topic == "shared.SW01.verify" && !is.IsZero() && !was.Value(i).Equal(is.Value(i)) {
				t.Errorf("%s tells two spellings of %s apart", topic, col.Name)
			}
		}
	}
	say(t, c, "GA02 GMSFHM=539902198503120013 DJH=R1 JZDZ=云岭市岭东区东关街道１号")
	say(t, c, "ZJ01 JZWBM=B1 BZDZ=云岭市岭东区东关街道1号")
	addresses := map[string]int{}
	for _, r := range c.Drain() {
		if r.Topic == contract.Claims("address") {
			addresses[string(r.Key)]++
		}
	}
	if addresses["云岭市岭东区东关街道1号"] != 2 || len(addresses) != 1 {
		t.Errorf("two spellings of one address are %d subjects", len(addresses))
	}
}

// A row whose key is spelled otherwise is still the same row.
func TestSpellingOfAKey(t *testing.T) {
	c := newCity(t)
	say(t, c, "SC02 TYSHXYDM=91539900MADE00011B LRH=云市监列〔2026〕第7号 LRYY=未按期公示（年报）")
	d, err := c.Catalogue.Dataset("SC02")
	if err != nil {
		t.Fatal(err)
	}
	first := c.Drain()
	r, err := c.Change("SC02 TYSHXYDM=91539900MADE00011B LRH=云市监列〔2026〕第7号 LRYY=未按期公示（年报）")
	if err != nil {
		t.Fatal(err)
	}
	rec, err := c.Decode(r.Value)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]schemas.Value, rec.Len())
	for i := range values {
		values[i] = rec.Value(i)
	}
	values[d.Layout.Index("LRH")] = schemas.Text("云市监列 〔2026〕第７号")
	if r.Value, err = c.Encode(d, schemas.NewRecord(d.Layout, values)); err != nil {
		t.Fatal(err)
	}
	if err := c.Take(r); err != nil {
		t.Fatal(err)
	}
	for _, one := range c.Drain() {
		if one.Topic == contract.Quarantine {
			t.Error("the row is refused for the spelling of its key")
		}
		for _, was := range first {
			if was.Topic == one.Topic && string(was.Key) != string(one.Key) {
				t.Errorf("%s: the row has another key in its other spelling", one.Topic)
			}
		}
	}
}

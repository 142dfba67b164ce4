package resolve_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestRenew puts another catalogue, which lacks a rule, over two entities that
// nobody touches: golden records, views and the withdrawn finding come out under
// it, with the time of the last claim; a second time there is nothing to do.
func TestRenew(t *testing.T) {
	c := newCity(t)
	take(t, c, "GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-12 XBDM=1", "RS01 GMSFHM=539902198503120013 TYSHXYDM=91539900MADE00011B XM=李四",
		"GA01 GMSFHM=539902198503120021 XM=王五 CSRQ=1985-03-12 XBDM=2")
	latest := map[string]time.Time{}
	for _, r := range c.Drain() {
		if r.Topic == "resolved.person" {
			latest[string(r.Key)] = r.Time
		}
	}
	cat := another(t)
	before := c.Resolve["person"].Stage.(processors.Renewer).Generation(start)
	renewed(t, c, "person", cat)
	if after := c.Resolve["person"].Stage.(processors.Renewer).Generation(start); bytes.Equal(before, after) {
		t.Error("the generation of another catalogue is the same")
	}
	out, err := c.Resolve["person"].Renew()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, r := range out {
		name := string(r.Topic)
		if r.Value == nil {
			name = "-" + name
		}
		counts[name]++
		if string(r.Header("cat")) != "another12345" {
			t.Errorf("record of %s has header cat %q", r.Topic, r.Header("cat"))
		}
		if want := latest[string(r.Key)]; strings.HasPrefix(string(r.Topic), "resolved") && !r.Time.Equal(want) {
			t.Errorf("golden record bears %v instead of the last claim's %v", r.Time, want)
		}
	}
	for topic, want := range map[string]int{
		"resolved.person": 2, "shared.person.explain": 2, "shared.person.partial": 2, "shared.person.clear": 2, "shared.person.verify": 2, "-" + string(contract.Findings): 1,
	} {
		if counts[topic] != want {
			t.Errorf("%d records of %s, want %d", counts[topic], topic, want)
		}
	}
	state := c.Resolve["person"].State()
	if out, err = c.Resolve["person"].Renew(); err != nil || len(out) > 0 {
		t.Errorf("renewed again: %d records, %v", len(out), err)
	}
	for key, value := range c.Resolve["person"].State() {
		if state[key] != value {
			t.Errorf("renewed again: state changed under %q", key)
		}
	}
}

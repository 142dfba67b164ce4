package route_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// TestLeftByAnElderBuild: rows of a dataset that left under a build which kept them, and of
// one of which nobody knows any more what it was, go too; so does a mark that the row was
// refused, and that a copy is complete.
func TestLeftByAnElderBuild(t *testing.T) {
	for name, known := range map[string]bool{"known": true, "unknown": false} {
		c := newCity(t)
		for _, line := range []string{
			"GA01 GMSFHM=539902198503120013 XM=金丝雀 CSRQ=1985-03-12 XBDM=1", "GA01 GMSFHM=539902198503120021 XM=王五 CSRQ=1985-03-12 XBDM=2",
			"GA01 GMSFHM=539902198503120021 CSRQ=2999-01-01",
		} {
			say(t, c, line)
		}
		if err := c.Complete("GA01"); err != nil {
			t.Fatal(err)
		}
		marks := refused(c)
		if len(marks) != 1 {
			t.Fatalf("%d rows are marked refused, want one", len(marks))
		}
		cat, err := manifest.Load(yunling.Files())
		if err != nil {
			t.Fatal(err)
		}
		d, err := cat.Dataset("GA01")
		if err != nil {
			t.Fatal(err)
		}
		cat.Datasets = slices.DeleteFunc(cat.Datasets, func(o *schemas.Dataset) bool { return o == d })
		cat.Index()
		if known {
			cat.Lineage.Lost = map[string]*schemas.Dataset{"GA01": d}
		}
		keys, err := keyring.New("intl", map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if c.Route.Stage, err = route.New(cat, c.Codec, keys).Stage(); err != nil {
			t.Fatal(err)
		}
		if err := c.Advance(c.Now()); err != nil {
			t.Fatal(err)
		}
		out, err := c.Route.Renew()
		if err != nil {
			t.Fatal(err)
		}
		retractions := 0
		for _, r := range out {
			switch {
			case r.Topic == contract.Refused && r.Value == nil:
				delete(marks, string(r.Key))
			case r.Topic == contract.Claims("person"):
				retractions++
			case r.Value != nil:
				t.Errorf("%s: %s is told something", name, r.Topic)
			}
		}
		if len(marks) > 0 || (retractions > 0) != known {
			t.Errorf("%s: %d marks stand, %d claims are retracted", name, len(marks), retractions)
		}
		for key, value := range c.Route.State() {
			if strings.Contains(value, "金丝雀") || !strings.Contains(key, "\x00") {
				t.Errorf("%s: the state still holds %q", name, key)
			}
		}
	}
}

// refused drains a city and returns the rows that are marked refused.
func refused(c *stagetest.City) map[string]bool {
	out := map[string]bool{}
	for _, r := range c.Drain() {
		if r.Topic == contract.Refused {
			if out[string(r.Key)] = r.Value != nil; r.Value == nil {
				delete(out, string(r.Key))
			}
		}
	}
	return out
}

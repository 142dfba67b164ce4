package resolve_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

var (
	beforeRotation = []string{
		"GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-12 XBDM=1", "RS01 GMSFHM=539902198503120013 TYSHXYDM=91539900MADE00011B XM=李四",
		"GA01 GMSFHM=539902198503120021 XM=王五 CSRQ=1985-03-12 XBDM=2", "GA01 GMSFHM=53990219850312003X XM=赵六 CSRQ=1985-03-12 XBDM=1",
		"GA01 GMSFHM=539902198503120048 XM=钱七 CSRQ=1985-03-12 XBDM=2", "RS02 GMSFHM=539902198503120048 DYZTDM=1", "RS02 GMSFHM=539902198503120021 DYZTDM=1",
		"GA01 GMSFHM=539902198503120056 XM=孙八 CSRQ=1985-03-12 XBDM=1", "GA01 d GMSFHM=539902198503120056",
	}
	// Some are touched before renewing comes to them: changed, deleted, said again.
	amidRotation = []string{
		"GA01 GMSFHM=539902198503120021 XM=王五六 CSRQ=1985-03-12 XBDM=2", "GA01 d GMSFHM=53990219850312003X", "RS02 d GMSFHM=539902198503120048",
		"GA01 GMSFHM=539902198503120056 XM=孙八 CSRQ=1985-03-12 XBDM=1", "RS02 GMSFHM=539902198503120021 DYZTDM=2",
	}
)

// TestRotation makes another version of the key current while people are known and
// some change: in the end every shared topic and every finding is what a city says
// that never had another key, nothing stands under a token of the old one, and who
// was moved is told where to. Then the same back again.
func TestRotation(t *testing.T) {
	c := newCity(t)
	rotate(t, c, 1)
	take(t, c, beforeRotation...)
	out := c.Drain()
	for _, to := range []int{2, 1} {
		rotate(t, c, to)
		lines := amidRotation
		if to == 1 {
			lines = beforeRotation
		}
		take(t, c, lines...)
		said := c.Drain()
		if err := c.Renew(); err != nil {
			t.Fatal(err)
		}
		renewed := c.Drain()
		for _, r := range renewed {
			if v, err := c.Catalogue.View(strings.TrimPrefix(string(r.Topic), "shared.")); r.Topic != contract.Findings && (err != nil || !v.KeyMask) {
				t.Errorf("%s, where no token stands, says again what it said", r.Topic)
			}
		}
		said = append(said, renewed...)
		moves(t, said)
		out = append(out, said...)
		if err := c.Renew(); err != nil {
			t.Fatal(err)
		}
		if again := c.Drain(); len(again) > 0 {
			t.Errorf("renewed again under key %d: %d records", to, len(again))
		}

		always := newCity(t)
		rotate(t, always, to)
		take(t, always, beforeRotation...)
		take(t, always, amidRotation...)
		if to == 1 {
			take(t, always, beforeRotation...)
		}
		want := contents(t, always, always.Drain())
		got := contents(t, c, out)
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if got[key] != want[key] {
				t.Errorf("under key %d %s is\n%s\nbut where no other key was ever in use\n%s", to, key, got[key], want[key])
			}
		}
		for _, key := range slices.Sorted(maps.Keys(got)) {
			if _, ok := want[key]; !ok {
				t.Errorf("under key %d %s is left over", to, key)
			}
		}
	}
}

// rotate makes a version of the key the current one of all steps.
func rotate(t *testing.T, c *stagetest.City, version int) {
	t.Helper()
	keys, err := keyring.New(keyring.Intl, map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef"), 2: []byte("fedcba9876543210fedcba9876543210")}, version)
	if err != nil {
		t.Fatal(err)
	}
	if c.Route.Stage, err = route.New(c.Catalogue, c.Codec, keys).Stage(); err != nil {
		t.Fatal(err)
	}
	for _, e := range c.Catalogue.Entities {
		if c.Resolve[e.ID].Stage, err = resolve.New(c.Catalogue, c.Codec, keys, e.ID).Stage(); err != nil {
			t.Fatal(err)
		}
	}
}

// moves checks that each deletion which says where its record is now has that
// record beside it, of the same version.
func moves(t *testing.T, said []bus.Record) {
	t.Helper()
	n := 0
	for _, r := range said {
		to := r.Header("moved")
		if to == nil {
			continue
		}
		n++
		if r.Value != nil || !slices.ContainsFunc(said, func(o bus.Record) bool {
			return o.Topic == r.Topic && string(o.Key) == string(to) && o.Value != nil && string(o.Header("ver")) == string(r.Header("ver"))
		}) {
			t.Errorf("%s: %s is said to have moved to %s, where it is not", r.Topic, r.Key, to)
		}
	}
	if n == 0 {
		t.Error("nobody moved")
	}
}

// contents is what stands in the shared topics and in findings in the end, by
// topic and key.
func contents(t *testing.T, c *stagetest.City, out []bus.Record) map[string]string {
	t.Helper()
	all := map[string]string{}
	topics := map[contract.Topic]bool{}
	for _, r := range out {
		topics[r.Topic] = true
	}
	for topic := range topics {
		if topic != contract.Findings && !strings.HasPrefix(string(topic), "shared.") {
			continue
		}
		final, err := c.Final(out, topic)
		if err != nil {
			t.Fatal(err)
		}
		for key, r := range final {
			all[string(topic)+" "+key] = stagetest.Text(r, "ver", "version")
		}
	}
	return all
}

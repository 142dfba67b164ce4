package route_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/lineage"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// TestRenew puts another catalogue over rows that nobody sends again: each says
// all that it says under it, with the time of its last change and a higher
// version; a deleted row stays silent, and a second time there is nothing to do.
func TestRenew(t *testing.T) {
	c := newCity(t)
	for _, line := range []string{
		"GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-12 XBDM=1 @at=2026-02-01T08:00:00Z", "GA01 GMSFHM=539902198503120021 XM=王五 CSRQ=1985-03-12 XBDM=2",
		"GA01 d GMSFHM=539902198503120021",
	} {
		r, err := c.Change(line)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Take(r); err != nil {
			t.Fatal(err)
		}
	}
	said := map[contract.Topic]bus.Record{} // last, of the row that is left
	for _, r := range c.Drain() {
		if r.Value != nil && (said[r.Topic].Key == nil || string(said[r.Topic].Key) == string(r.Key)) {
			said[r.Topic] = r
		}
	}
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	cat.Version = "another12345"
	keys, err := keyring.New("intl", map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if c.Route.Stage, err = route.New(cat, c.Codec, keys).Stage(); err != nil {
		t.Fatal(err)
	}
	out, err := c.Route.Renew()
	if err != nil {
		t.Fatal(err)
	}
	views := 0
	for _, r := range out {
		before, ok := said[r.Topic]
		if !ok || string(before.Key) != string(r.Key) || !before.Time.Equal(r.Time) || string(before.Value) != string(r.Value) {
			t.Errorf("%s: the row does not say what it said, or not of the same time", r.Topic)
		}
		if strings.HasPrefix(string(r.Topic), "shared.") {
			views++
			if string(r.Header("cat")) != "another12345" || string(r.Header("ver")) <= string(before.Header("ver")) {
				t.Errorf("%s: header cat %q, ver %s after %s", r.Topic, r.Header("cat"), r.Header("ver"), before.Header("ver"))
			}
		}
	}
	if d, err := cat.Dataset("GA01"); err != nil || views != len(d.Views) || views == len(out) {
		t.Errorf("%d views of %v and %d claims were said again: %v", views, d, len(out)-views, err)
	}
	if out, err = c.Route.Renew(); err != nil || len(out) > 0 {
		t.Errorf("renewed again: %d records, %v", len(out), err)
	}
}

// TestWithdraw: of a view that the catalogue has no more what stands is taken back, of each
// row when it is renewed and of one that is deleted before that; afterwards no more is said.
func TestWithdraw(t *testing.T) {
	c := newCity(t)
	before := c.Catalogue.Version
	take := func(line string) []bus.Record {
		t.Helper()
		r, err := c.Change(line)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Take(r); err != nil {
			t.Fatal(err)
		}
		return c.Drain()
	}
	const zhang, wang = "539902198503120013", "539902198503120021"
	stands := map[string]map[string]uint64{} // view, record key -> version
	note := func(out []bus.Record) (taken []string) {
		for _, r := range out {
			view, shared := strings.CutPrefix(string(r.Topic), "shared.")
			if !shared {
				continue
			}
			version, _ := contract.ParseVersion(r.Header(contract.Version))
			if stands[view] == nil {
				stands[view] = map[string]uint64{}
			}
			if r.Value != nil {
				stands[view][string(r.Key)] = version
				continue
			}
			if version <= stands[view][string(r.Key)] {
				t.Errorf("%s is taken back by version %d, and stands by %d", view, version, stands[view][string(r.Key)])
			}
			delete(stands[view], string(r.Key))
			taken = append(taken, view)
		}
		return taken
	}
	note(take("GA01 GMSFHM=" + zhang + " XM=张三 CSRQ=1985-03-12 XBDM=1"))
	note(take("GA01 GMSFHM=" + wang + " XM=王五 CSRQ=1985-03-12 XBDM=2"))

	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	cat.Version = "another12345"
	d, err := cat.Dataset("GA01")
	if err != nil {
		t.Fatal(err)
	}
	gone := d.Views
	d.Views = nil
	cat.Index()
	cat.Lineage = lineage.Of(cat, []contract.Applied{{Version: before}, {Version: cat.Version}}, func(contract.Applied) (*schemas.Catalogue, error) { return c.Catalogue, nil })
	keys, err := keyring.New("intl", map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	step := route.New(cat, c.Codec, keys)
	for _, v := range gone {
		if !slices.Contains(step.To, contract.Shared(v.ID)) {
			t.Errorf("the step does not say that it writes to %s", v.ID)
		}
	}
	if c.Route.Stage, err = step.Stage(); err != nil {
		t.Fatal(err)
	}
	if taken := note(take("GA01 d GMSFHM=" + wang)); len(taken) != len(gone) || len(gone) == 0 {
		t.Errorf("of the row that was deleted %q was taken back, of %d views", taken, len(gone))
	}
	out, err := c.Route.Renew()
	if err != nil {
		t.Fatal(err)
	}
	note(out)
	for view, left := range stands {
		if strings.HasPrefix(view, "GA01.") && len(left) > 0 {
			t.Errorf("%s still holds %d records", view, len(left))
		}
	}
	if taken := note(take("GA01 GMSFHM=" + zhang + " XM=张四 CSRQ=1985-03-12 XBDM=1")); len(taken) > 0 {
		t.Errorf("it is taken back again: %q", taken)
	}
}

// TestWithdrawDataset: of a dataset that is taken away as a whole all that stands in its
// views is taken back, once; when it returns, none of it is there.
func TestWithdrawDataset(t *testing.T) {
	c := newCity(t)
	first := c.Catalogue
	for _, line := range []string{"GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-12 XBDM=1", "GA01 GMSFHM=539902198503120021 XM=王五 CSRQ=1985-03-12 XBDM=2"} {
		r, err := c.Change(line)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Take(r); err != nil {
			t.Fatal(err)
		}
	}
	stands := map[string]uint64{} // topic and key -> version
	note := func(out []bus.Record) (taken, shown int) {
		t.Helper()
		for _, r := range out {
			if r.Topic != "shared.GA01.partial" {
				continue
			}
			version, _ := contract.ParseVersion(r.Header(contract.Version))
			if version <= stands[string(r.Key)] {
				t.Errorf("version %d comes after %d", version, stands[string(r.Key)])
			}
			if stands[string(r.Key)] = version; r.Value == nil {
				taken++
			} else {
				shown++
			}
		}
		return taken, shown
	}
	if _, shown := note(c.Drain()); shown != 2 {
		t.Fatalf("%d rows are shown, want 2", shown)
	}
	past := []contract.Applied{{Version: first.Version}}
	loaded := map[string]*schemas.Catalogue{first.Version: first}
	become := func(version string, change func(*schemas.Catalogue)) []bus.Record {
		t.Helper()
		cat, err := manifest.Load(yunling.Files())
		if err != nil {
			t.Fatal(err)
		}
		cat.Version = version
		change(cat)
		cat.Index()
		past = append(past, contract.Applied{Version: version})
		loaded[version] = cat
		cat.Lineage = lineage.Of(cat, past, func(a contract.Applied) (*schemas.Catalogue, error) { return loaded[a.Version], nil })
		keys, err := keyring.New("intl", map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if c.Route.Stage, err = route.New(cat, c.Codec, keys).Stage(); err != nil {
			t.Fatal(err)
		}
		out, err := c.Route.Renew()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	without := func(cat *schemas.Catalogue) {
		cat.Datasets = slices.DeleteFunc(cat.Datasets, func(d *schemas.Dataset) bool { return d.ID == "GA01" })
	}
	if taken, shown := note(become("without00001", without)); taken != 2 || shown != 0 {
		t.Errorf("taken back %d, shown %d, want 2 and none", taken, shown)
	}
	if taken, shown := note(become("without00002", without)); taken != 0 || shown != 0 {
		t.Errorf("once more: taken back %d, shown %d", taken, shown)
	}
	if taken, shown := note(become("with00000003", func(*schemas.Catalogue) {})); taken != 0 || shown != 0 {
		t.Errorf("when it returns: taken back %d, shown %d", taken, shown)
	}
}

package route_test

import (
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
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

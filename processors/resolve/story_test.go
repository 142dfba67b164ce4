package resolve_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// start is when every story begins: a Monday, 10:00 in Shanghai.
var start = time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)

func newKeys(t testing.TB) *keyring.Keyring {
	t.Helper()
	k, err := keyring.New("intl", map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newCity(t testing.TB) *stagetest.City {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	return newCityOf(t, cat)
}

func newCityOf(t testing.TB, cat *schemas.Catalogue) *stagetest.City {
	t.Helper()
	keys := newKeys(t)
	c, err := stagetest.NewCity(cat, start,
		func(c *codec.Codec) processors.Step { return route.New(cat, c, keys) },
		func(c *codec.Codec, entity string) processors.Step { return resolve.New(cat, c, keys, entity) })
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	return c
}

// without has a city forget what it was told, but for which datasets are complete: all but the absent ones.
func without(t testing.TB, c *stagetest.City, absent ...string) {
	t.Helper()
	c.Forget(start)
	var here []string
	for _, d := range c.Catalogue.Datasets {
		if !slices.Contains(absent, d.ID) {
			here = append(here, d.ID)
		}
	}
	if err := c.Complete(here...); err != nil {
		t.Fatal(err)
	}
}

// TestStories runs testdata/*.txt over the whole sample city. Commands:
//
//	city [absent=(datasets)]    begin anew; of the absent datasets no complete copy has come
//	complete datasets           a first complete copy of them has come
//	change [show=(topics)]      one change a line, one batch; prints what was emitted
//	changes [show=(topics)]     the same, one batch a line
//	advance by=…|to=… [show=]   move the clock, fire timers
//
// show lists topics or beginnings of topics; findings are shown if it is left out. Of golden records and views about=(fields) lists what the
// story is about, and nothing else is shown: TestANewFieldRewritesNoStory.
func TestStories(t *testing.T) { tell(t, newCity) }

// TestANewFieldRewritesNoStory tells them again over a city whose persons have one more golden field, from a column that the police always
// send, and show it in a view. Every line stays as it is: a story says only what it is about.
func TestANewFieldRewritesNoStory(t *testing.T) {
	if f := flag.Lookup("rewrite"); f != nil && f.Value.String() == "true" {
		t.Skip("TestStories writes them")
	}
	if raced {
		t.Skip("without the race detector: the last part of make test")
	}
	files := fstest.MapFS{}
	if err := fs.WalkDir(yunling.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(yunling.Files(), path)
		files[path] = &fstest.MapFile{Data: data}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	person := files["entities/person.yaml"]
	for _, r := range []struct{ before, add string }{
		{"  - {name: XBDM, element: sex}\n", "  - {name: XINDM, title: 新项, english: New item, element: region}\n"},
		{"      XBDM: [{dataset: GA01}]\n", "      XINDM: [{dataset: GA01, columns: {XINDM: HJDXZQHDM}}]\n"},
		{"XBDM, CSRQ, HJDXZQHDM, HJDZ, JZDXZQHDM", "XINDM, "},
	} {
		if !bytes.Contains(person.Data, []byte(r.before)) {
			t.Fatalf("entities/person.yaml has no %q", r.before)
		}
		person.Data = bytes.ReplaceAll(person.Data, []byte(r.before), []byte(r.add+r.before))
	}
	tell(t, func(t testing.TB) *stagetest.City {
		t.Helper()
		cat, err := manifest.Load(files)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := cat.Entity("person"); err != nil || !slices.ContainsFunc(e.Fields, func(f *schemas.GoldenField) bool { return f.Name == "XINDM" }) {
			t.Fatalf("persons have no new field, %v", err)
		}
		return newCityOf(t, cat)
	})
}

// tell runs the stories over cities that begin makes.
func tell(t *testing.T, begin func(t testing.TB) *stagetest.City) {
	t.Helper()
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		c := begin(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "city":
				c = begin(t)
				if len(d.CmdArgs) > 0 {
					without(t, c, d.CmdArgs[0].Vals...)
				}
				return ""
			case "complete":
				var ids []string
				for _, a := range d.CmdArgs {
					ids = append(ids, a.Key)
				}
				if err := c.Complete(ids...); err != nil {
					d.Fatalf(t, "%v", err)
				}
			case "change", "changes":
				var batch []bus.Record
				for line := range strings.SplitSeq(d.Input, "\n") {
					if line = strings.TrimSpace(line); line == "" {
						continue
					}
					r, err := c.Change(line)
					if err != nil {
						d.Fatalf(t, "%s: %v", line, err)
					}
					if batch = append(batch, r); d.Cmd == "change" {
						continue
					}
					if err := c.Take(batch...); err != nil {
						d.Fatalf(t, "%v", err)
					}
					batch = nil
				}
				if len(batch) > 0 {
					if err := c.Take(batch...); err != nil {
						d.Fatalf(t, "%v", err)
					}
				}
			case "advance":
				to := c.Now()
				for _, a := range d.CmdArgs {
					switch a.Key {
					case "by":
						by, err := time.ParseDuration(a.Vals[0])
						if err != nil {
							d.Fatalf(t, "%v", err)
						}
						to = to.Add(by)
					case "to":
						at, err := time.ParseInLocation(time.DateOnly, a.Vals[0], time.FixedZone("", 8*3600))
						if err != nil {
							d.Fatalf(t, "%v", err)
						}
						to = at
					}
				}
				if err := c.Advance(to); err != nil {
					d.Fatalf(t, "%v", err)
				}
			default:
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			return show(c, d)
		})
	})
}

// show prints what was emitted to the topics asked for.
func show(c *stagetest.City, d *datadriven.TestData) string {
	wanted := []string{"findings", "quarantine"}
	about := []string{}
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "show":
			wanted = a.Vals
		case "about":
			about = a.Vals
		}
	}
	var out []bus.Record
	for _, r := range c.Drain() {
		for _, w := range wanted {
			if strings.HasPrefix(string(r.Topic), w) {
				out = append(out, r)
				break
			}
		}
	}
	text := c.Render(out, about, "id", "title", "advice", "subject", "severity", "entity", "_ver", "_at", "ver", "digest", "row_token", "at", "department", "detail")
	if text == "" {
		return fmt.Sprintln("-")
	}
	return text
}

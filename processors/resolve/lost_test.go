package resolve_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

const lostEmployer = "91539900MADE00011B"

var (
	// beforeLoss contradicts itself in a name, a day of birth and in how many an
	// enterprise insures: one, where three are declared.
	beforeLoss = []string{
		"GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-13 XBDM=1", "YB01 GMSFHM=539902198503120013 XM=张三",
		"RS01 GMSFHM=539902198503120013 TYSHXYDM=" + lostEmployer + " XM=李四 CBZTDM=1",
		"RS01 GMSFHM=539902198503120021 TYSHXYDM=" + lostEmployer + " XM=王五 CBZTDM=3",
		"SC01 TYSHXYDM=" + lostEmployer + " JGMC=云岭商贸有限公司", "SW02 TYSHXYDM=" + lostEmployer + " SSQ=202601 SBRS=3",
	}
	// afterLoss is what comes once the process has started again; of "renewed" all is
	// computed afresh first, and all rows count.
	afterLoss = map[string][]string{
		"another row": {"WJ02 GMSFHM=539902198503120013 ZMBH=W1 SWRQ=2025-11-07 CXBZ=0", "SW01 TYSHXYDM=" + lostEmployer},
		"changed": {
			"RS01 GMSFHM=539902198503120013 TYSHXYDM=" + lostEmployer + " XM=张三 CBZTDM=3",
			"RS01 GMSFHM=539902198503120021 TYSHXYDM=" + lostEmployer + " XM=王五 CBZTDM=1",
		},
		"deleted": {"RS01 d GMSFHM=539902198503120013 TYSHXYDM=" + lostEmployer, "GA01 d GMSFHM=539902198503120013"},
		"renewed": {"RS01 d GMSFHM=539902198503120021 TYSHXYDM=" + lostEmployer},
	}
)

// The registry has lost the schemas under which the rows of dossiers, and those that
// are only counted, were stored, and the process starts again: whatever comes then,
// golden records, views, findings and counts are those of a city that lost nothing.
func TestSchemasLost(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(afterLoss)) {
		t.Run(name, func(t *testing.T) {
			want, got := lossStory(t, name, nil), lossStory(t, name, func(a *afterwards) { a.city.LoseSchemas() })
			got.is(t, want)
			if len(got.told) > 0 {
				t.Errorf("rows that can be read are in quarantine: %v", got.told)
			}
		})
	}
}

// A stored row that no schema fits is told to quarantine under the name of its
// dataset, also one that is only counted. It is not an absent one: golden record,
// views and findings of its subject stay as they were, until the source has said it
// again; then all is as if nothing had been lost.
func TestRowsLost(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(afterLoss)) {
		t.Run(name, func(t *testing.T) {
			want := lossStory(t, name, nil)
			var before map[string]string
			got := lossStory(t, name, func(a *afterwards) {
				before = maps.Clone(a.stand)
				cut(a.city.Route, func(key string) bool { return key[4] == 0 })
				for _, d := range a.city.Resolve {
					cut(d, func(key string) bool { return (key[0] == 'e' || key[0] == 'a') && strings.Count(key, "\x00") == 2 })
				}
				a.city.LoseSchemas()
			})
			for key, text := range before {
				if strings.HasPrefix(key, "shared.RS01") || strings.HasPrefix(key, "shared.GA01") {
					continue // the row's own
				}
				if got.stand[key] != text {
					t.Errorf("lost, %s is\n%s\nwhere it was\n%s", key, got.stand[key], text)
				}
			}
			if name == "renewed" {
				for dataset, rows := range map[string]int{"GA01": 1, "YB01": 1, "SC01": 1, "SW02": 1, "RS01": 4} { // RS01 speaks of two persons and twice of the enterprise
					if len(got.told[dataset]) != rows {
						t.Errorf("quarantine is told of %d rows of %s, want %d", len(got.told[dataset]), dataset, rows)
					}
				}
			}
			want.say(t, beforeLoss...)
			got.say(t, beforeLoss...)
			got.is(t, want)
		})
	}
}

// cut spoils stored rows, so that under no schema they are whole.
func cut(d *stagetest.Driver, row func(key string) bool) {
	for key, value := range d.State() {
		if len(key) > 4 && row(key) {
			d.Set(key, []byte(value[:len(value)-1]))
		}
	}
}

// afterwards is what stands of a city in the end, by topic and key, and what its
// quarantine was told of stored rows, by dataset.
type afterwards struct {
	city  *stagetest.City
	stand map[string]string
	told  map[string]map[string]bool
}

// lossStory says beforeLoss, starts the process again after the loss, and says what
// came then.
func lossStory(t *testing.T, name string, lose func(*afterwards)) *afterwards {
	t.Helper()
	a := &afterwards{newCity(t), map[string]string{}, map[string]map[string]bool{}}
	a.say(t, beforeLoss...)
	if lose != nil {
		lose(a)
	}
	rotate(t, a.city, 1)
	if name == "renewed" {
		cat := another(t)
		e, err := cat.Entity("enterprise")
		if err != nil {
			t.Fatal(err)
		}
		e.Aggregates[0].Where = ""
		renewed(t, a.city, "enterprise", cat)
		renewed(t, a.city, "person", another(t))
		if err := a.city.Renew(); err != nil {
			t.Fatal(err)
		}
	}
	a.say(t, afterLoss[name]...)
	return a
}

// say takes lines, lets rules that wait have their time, and reads what came of it.
func (a *afterwards) say(t *testing.T, lines ...string) {
	t.Helper()
	take(t, a.city, lines...)
	if err := a.city.Advance(a.city.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, r := range a.city.Drain() {
		key := string(r.Topic) + " " + string(r.Key)
		if r.Value == nil {
			delete(a.stand, key)
			continue
		}
		rec, err := a.city.Decode(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		if r.Topic != contract.Quarantine {
			a.stand[key] = stagetest.Text(rec, "_ver", "_at", "ver", "version", "at", "opened_at", "due", "reopened")
			if r.Topic == contract.Findings && rec.Get("state").Str() != "open" {
				delete(a.stand, key) // how often it was opened and closed on the way is another story
			}
			continue
		}
		dataset := rec.Get("dataset").Str()
		if !strings.HasPrefix(rec.Get("source").Str(), "resolve.") {
			continue // the images of route are lost too, see its own tests
		}
		if reason := rec.Get("reason").Str(); reason != contract.ReasonSchema {
			t.Errorf("quarantine is told %q of a row of %s, want %q", reason, dataset, contract.ReasonSchema)
		}
		if a.told[dataset] == nil {
			a.told[dataset] = map[string]bool{}
		}
		a.told[dataset][string(r.Key)] = true
	}
}

// is reports where two cities differ.
func (a *afterwards) is(t *testing.T, want *afterwards) {
	t.Helper()
	for key, text := range want.stand {
		if a.stand[key] != text {
			t.Errorf("%s is\n%s\nbut where nothing was lost\n%s", key, a.stand[key], text)
		}
	}
	for key := range a.stand {
		if _, ok := want.stand[key]; !ok {
			t.Errorf("%s stands only where schemas were lost", key)
		}
	}
	if len(want.stand) < 10 {
		t.Errorf("%d records stand, want more", len(want.stand))
	}
}

package resolve

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// tripping panics over one entity while it is told to, late: when its views are about
// to be published.
type tripping struct {
	*keyring.Keyring
	over string
}

func (k *tripping) Token(audience, value string) string {
	if value == k.over && strings.HasPrefix(audience, "key:") {
		panic("token of " + value)
	}
	return k.Keyring.Token(audience, value)
}

// faulty is the sample city with a step that may fail over one person.
type faulty struct {
	*testing.T
	city *stagetest.City
	keys *tripping

	trip    bool   // over the rows of sick that are counted
	edition []byte // of the step
}

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.New("intl", map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{T: t, keys: &tripping{Keyring: ring}}
	f.city, err = stagetest.NewCity(cat, time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC),
		func(c *codec.Codec) processors.Step { return route.New(cat, c, ring) },
		func(c *codec.Codec, entity string) processors.Step {
			step := New(cat, c, ring, entity)
			step.Stage = func() (processors.Stage, error) {
				s, err := newStage(cat, c, f.keys, entity)
				if err != nil {
					return nil, err
				}
				f.edition = s.edition
				for i := range s.aggregates {
					where := s.aggregates[i].where
					s.aggregates[i].where = func(r *claim.Row) bool {
						if f.trip && strings.Contains(r.Key, sick) {
							panic("row of " + r.Key)
						}
						return where(r)
					}
				}
				return s, nil
			}
			return step
		})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// say lets departments say lines, in one batch, and returns what came of it by topic.
func (f *faulty) say(lines ...string) map[contract.Topic][]bus.Record {
	f.Helper()
	var batch []bus.Record
	for _, line := range lines {
		r, err := f.city.Change(line)
		if err != nil {
			f.Fatal(err)
		}
		batch = append(batch, r)
	}
	if err := f.city.Take(batch...); err != nil {
		f.Fatalf("the step ended: %v", err)
	}
	return f.drain()
}

func (f *faulty) drain() map[contract.Topic][]bus.Record {
	out := map[contract.Topic][]bus.Record{}
	for _, r := range f.city.Drain() {
		if !strings.HasPrefix(string(r.Topic), "raw.") && !strings.HasPrefix(string(r.Topic), "claims.") && !strings.HasPrefix(string(r.Topic), "shared.GA") {
			out[r.Topic] = append(out[r.Topic], r)
		}
	}
	return out
}

// finally is what the city says of itself in the end, but for versions.
func (f *faulty) finally(records ...map[contract.Topic][]bus.Record) map[string]string {
	f.Helper()
	out := map[string]string{}
	for _, step := range records {
		for topic, all := range step {
			if topic == contract.Quarantine {
				continue
			}
			for _, r := range all {
				out[string(topic)+"/"+string(r.Key)] = regexp.MustCompile(`_ver=\d+ `).ReplaceAllString(f.city.Render([]bus.Record{r}, nil, "version"), "")
			}
		}
	}
	return out
}

const (
	sick    = "539902198503120013"
	healthy = "539902199001010011"
)

// An entity over which the program fails is put aside: the step goes on with the
// others, its views stay as they were, quarantine is told once and without a value,
// and when the fault is gone, within an hour of it, the entity is what it would have
// been without.
func TestAnEntityThatCannotBeComputed(t *testing.T) {
	row := func(number, name string) string {
		return "GA01 GMSFHM=" + number + " CSRQ=" + number[6:10] + "-" + number[10:12] + "-" + number[12:14] + " XBDM=1 XM=" + name
	}
	story := func(f *faulty, trip bool) []map[contract.Topic][]bus.Record {
		steps := []map[contract.Topic][]bus.Record{f.say(row(sick, "甲一"), row(healthy, "乙一"))}
		if trip {
			f.keys.over = sick
		}
		steps = append(steps, f.say(row(sick, "甲二"), row(healthy, "乙二")), f.say(row(sick, "甲三")))
		return steps
	}
	well := newFaulty(t)
	want := well.finally(story(well, false)...)

	f := newFaulty(t)
	steps := story(f, true)
	told := 0
	for i, step := range steps[1:] {
		for topic, all := range step {
			for _, r := range all {
				switch {
				case topic == contract.Quarantine:
					told++
					rec, err := f.city.Decode(r.Value)
					if err != nil {
						t.Fatal(err)
					}
					if text := rec.Get("reason").Str() + rec.Get("detail").Str() + rec.Get("locator").Str(); !strings.Contains(text, contract.ReasonInternal) || !strings.Contains(text, "aside_test.go:") || strings.Contains(string(r.Value), sick) {
						t.Errorf("quarantine is told %q", text)
					}
				case strings.HasPrefix(string(topic), "shared.person.") && string(r.Key) == f.keys.Keyring.Token("key:"+strings.TrimPrefix(string(topic), "shared."), sick), string(r.Key) == sick:
					t.Errorf("step %d: half of what follows is in %s", i, topic)
				}
			}
		}
	}
	if told != 1 {
		t.Errorf("quarantine was told %d times, want once", told)
	}
	if beside := steps[1][contract.Resolved("person")]; len(beside) != 1 || string(beside[0].Key) != healthy {
		t.Errorf("beside it %d golden records were published, want the other person's", len(beside))
	}

	if err := f.city.Advance(f.city.Now().Add(retryAside + time.Minute)); err != nil { // tried again, in vain
		t.Fatal(err)
	}
	if again := f.drain(); len(again) != 0 {
		t.Errorf("an attempt in vain says %v", again)
	}
	f.keys.over = ""
	if err := f.city.Advance(f.city.Now().Add(retryAside + time.Minute)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, f.finally(append(steps, f.drain())...)); diff != "" {
		t.Errorf("healed, it is not what it would have been (-want +got):\n%s", diff)
	}
	if again := f.say(row(sick, "甲三")); len(again) != 0 {
		t.Errorf("nothing has changed, and it says %v", again)
	}
}

// A claim over which the program fails goes to quarantine, and only it: counts are
// those of the claims that were taken.
func TestAClaimThatCannotBeCounted(t *testing.T) {
	const employer = "91539902MADE0002X0"
	row := func(number, state string) string {
		return "RS01 GMSFHM=" + number + " TYSHXYDM=" + employer + " XM=甲 CBZTDM=" + state
	}
	counted := func(f *faulty, trip bool) (head, int) {
		f.say(row(healthy, "1"))
		f.trip = trip
		told := len(f.say(row(sick, "1"), row("539902198503120021", "1"))[contract.Quarantine])
		f.trip = false
		f.say(row(sick, "2")) // mended, and of another state
		var h head
		stored := f.city.Resolve["enterprise"].State()[string(appendEntity(nil, prefixDossier, employer))]
		if err := h.parse([]byte(stored), f.edition, map[string]string{}); err != nil {
			t.Fatal(err)
		}
		return h, told
	}
	want, _ := counted(newFaulty(t), false)
	got, told := counted(newFaulty(t), true)
	if told != 1 {
		t.Errorf("quarantine was told %d times, want once", told)
	}
	if want.counted != 3 || got.counted != want.counted || !cmp.Equal(want.sums, got.sums) {
		t.Errorf("counted %d %v, want %d %v", got.counted, got.sums, want.counted, want.sums)
	}
}

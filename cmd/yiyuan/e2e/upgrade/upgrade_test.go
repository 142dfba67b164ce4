package upgrade

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// TestUpgradeFromTheFirstRelease starts this build on what the first release left when
// it was killed, with claims that nobody had resolved and that are older by their own
// time than claims are kept. Nothing is lost, nothing comes twice, also if it is killed on
// the way; what is delivered afterwards is added to it; the spelling that the first
// release took away is back once the sources have been read again.
func TestUpgradeFromTheFirstRelease(t *testing.T) {
	e2e.InTurn(t)
	lay := map[string]func(t *testing.T) *landed{
		"embedded": func(t *testing.T) *landed { t.Helper(); w := unpack(t); w.embedded(); return w },
		"kafka":    func(t *testing.T) *landed { t.Helper(); w := unpack(t); w.replayed(); return w },
	}
	for _, on := range []string{"embedded", "kafka"} {
		t.Run(on, func(t *testing.T) {
			w := lay[on](t)
			if on == "kafka" {
				w.warned(t)
			}
			w.open()
			w.goesOn(on == "embedded")
		})
		t.Run(on+", killed", func(t *testing.T) {
			if on == "embedded" {
				e2e.LongOnly(t) // on Kafka it is killed at the same places
			}
			w := lay[on](t)
			w.killed()
			w.open()
			w.goesOn(on == "embedded")
		})
	}
}

// warned holds what the doctor says before the first start.
func (w *landed) warned(t *testing.T) {
	t.Helper()
	e2e.WantJudged(t, e2e.DoctorSays(t, w.configure()), "kafka.upgrade", e2e.Warned, "there is no way back")
}

// killed starts it and kills it on the way: while topics are altered, right after the
// mark was set, and while all is published again.
func (w *landed) killed() {
	w.Helper()
	resolved := contract.Resolved("person")
	before := int64(-1)
	for life, far := range []func(b *bus.Bus) bool{
		func(*bus.Bus) bool { return true },
		func(b *bus.Bus) bool {
			marked := false
			err := b.Replay(w.Context(), contract.Bus, func(r bus.Record) error {
				marked = marked || string(r.Key) == contract.MarkKey && r.Value != nil
				return nil
			})
			return err == nil && marked // an error says that the topic is not there yet
		},
		func(b *bus.Bus) bool {
			ends, err := b.EndOffsets(w.Context(), resolved)
			now := int64(0)
			for _, end := range ends[resolved] {
				now += end
			}
			if err == nil && before < 0 {
				before = now
			}
			return err == nil && now > before
		},
	} {
		w.process = e2e.Launch(w, "run", "--config", w.configure())
		b := e2e.Connect(w, w.process, strings.Split(w.kafka, ","), w.prefix)
		e2e.Await(w, fmt.Sprintf("life %d", life), func() string {
			w.process.Alive()
			if far(b) {
				return ""
			}
			return "not so far"
		})
		w.process.Kill()
		b.Close()
	}
}

// goesOn holds the city against what was delivered: as it was left, with what comes
// afterwards, and once its sources have been read again.
func (w *landed) goesOn(embedded bool) {
	w.Helper()
	j := e2e.VisitUnder(w, e2e.Keys(w), e2e.CatalogueIn(w, w.dir+"/catalogue"), strings.Split(w.kafka, ","), w.prefix, 0, time.Time{})
	j.Compacted = !embedded // Kafka may compact what is as old as the fixture
	e2e.Await(w, "topics are kept as they must be", func() string {
		w.process.Alive()
		kept, err := j.Bus.Examine(j.Ctx, contract.Claims("person"), contract.Claims("enterprise"), contract.Quarantine)
		if err != nil {
			return err.Error()
		}
		for topic, k := range kept {
			if k.RetentionMS != -1 || k.Dated == "CreateTime" {
				return fmt.Sprintf("%s keeps its records for %d ms by %s", topic, k.RetentionMS, k.Dated)
			}
		}
		return ""
	})
	w.equal(j, "as it was left", normalised)
	if w.differs(j, exact) == "" {
		w.Error("all is spelt as it was delivered: the fixture does not show what the first release took away")
	}

	again := w.first("ga-1.csv")
	again.Name = "ga-1-again.csv"
	w.delivers(again)
	w.delivers(delivery{Source: "ga-files", Dataset: "GA01", Name: "ga-4.csv", Rows: []map[string]string{
		with(again.Rows[2], "HJDZ", "云岭市岭西区金桥街道河滨路2号"), with(again.Rows[7], "GMSFHM", "539902198903129770", "XM", "新来的", "CSRQ", "1989-03-12"),
	}})
	retried := w.first("k2")
	w.pushes(retried, true) // of before the upgrade
	retried.Key, retried.Rows = "k4", []map[string]string{with(retried.Rows[0], "YDY", "3200.00")}
	w.delivers(retried)
	w.equal(j, "with what came afterwards", normalised)

	w.readAgain(j)
	w.equal(j, "read again", exact)
	if !embedded {
		return
	}
	w.process.Stop()
	w.open()
	w.equal(e2e.VisitUnder(w, e2e.Keys(w), e2e.CatalogueIn(w, w.dir+"/catalogue"), strings.Split(w.kafka, ","), w.prefix, 0, time.Time{}), "compacted and started once more", exact)
}

// readAgain has the whole tables of both departments read again, as CHANGELOG says, and
// the made-up one, which this build makes otherwise and does not go on with.
func (w *landed) readAgain(j *e2e.Journey) {
	w.Helper()
	e2e.Await(w, "the made-up source stands still", func() string {
		if s := e2e.Statuses(j.Ctx, w, j)["cl-live"]; s.State != contract.StateFailed || s.Do != contract.ResyncCommand("cl-live") {
			return fmt.Sprintf("%s: %s", s.State, s.Do)
		}
		return ""
	})
	made := delivery{Source: "cl-live", Dataset: "CL01", Replace: true}
	for _, r := range e2e.ReadTruth(w, synthetic.Options{Seed: 5, Size: world.Tiny, Base: time.Date(2026, 11, 22, 0, 0, 0, 0, schemas.Zone), Calm: true}).Before {
		if r.Dataset != made.Dataset {
			continue
		}
		row := map[string]string{}
		for name, v := range r.Fields {
			if v != nil {
				row[name] = fmt.Sprint(v)
			}
		}
		made.Rows = append(made.Rows, row)
	}
	w.said = append(w.said, made)
	w.resync(j, "cl-live", func() {})
	for _, d := range []delivery{{Source: "ga-files", Dataset: "GA01", Name: "ga-all.csv"}, {Source: "sc-files", Dataset: "SC01", Name: "sc-all.csv", Replace: true}} {
		rows, _ := w.known()
		for _, key := range slices.Sorted(maps.Keys(rows[d.Dataset])) {
			if row := rows[d.Dataset][key]; row != nil {
				d.Rows = append(d.Rows, row)
			}
		}
		w.resync(j, d.Source, func() { w.delivers(d) })
	}
}

// resync has a source read again, which brings whatever brings does. Whether rows that
// did not come again may go, it asks; the answer is yes.
func (w *landed) resync(j *e2e.Journey, name string, brings func()) {
	w.Helper()
	order := func(more ...string) {
		w.Helper()
		args := append([]string{"source", "resync", name, "--gateway", "http://" + w.admin}, more...)
		if out, err := exec.CommandContext(e2e.Bounded(w), "yiyuan", args...).CombinedOutput(); err != nil {
			w.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	order()
	brings()
	asked := false
	e2e.Await(w, "resync of "+name, func() string {
		w.process.Alive()
		s := e2e.Statuses(j.Ctx, w, j)[name]
		if s.State == contract.StateHeld && s.Resync != nil && !asked {
			asked = true
			order("--accept-deletes", strconv.FormatInt(s.Resync.Found, 10))
		}
		if s.Resync != nil || s.Epoch == 0 || s.Lost != "" {
			return fmt.Sprintf("%s in epoch %d, still at it: %v, lost: %s", s.State, s.Epoch, s.Resync != nil, s.Lost)
		}
		return ""
	})
}

// with returns a row with some of its cells said otherwise.
func with(row map[string]string, cells ...string) map[string]string {
	row = maps.Clone(row)
	for i := 0; i < len(cells); i += 2 {
		row[cells[i]] = cells[i+1]
	}
	return row
}

// exact and normalised are how cells are compared: what has one written form in that
// form, names and addresses as they were spelt, or in their normal form.
func exact(e *schemas.Element, text string) string {
	if schemas.Spelled(e.Kind) {
		return text
	}
	return normalised(e, text)
}

func normalised(e *schemas.Element, text string) string {
	v, err := element.Parse(e, text)
	if err != nil {
		return text // a wrong check digit
	}
	return element.Render(e, v)
}

// equal waits until what is on the bus and what is answered equal the deliveries.
func (w *landed) equal(j *e2e.Journey, when string, as func(*schemas.Element, string) string) {
	w.Helper()
	e2e.Await(w, when, func() string {
		w.process.Alive()
		return w.differs(j, as)
	})
	e2e.Drain(j.Ctx, w, j)
	if diff := w.differs(j, as); diff != "" {
		w.Errorf("%s: %s", when, diff)
	}
}

// differs tells a difference between the deliveries and the bus.
func (w *landed) differs(j *e2e.Journey, as func(*schemas.Element, string) string) string {
	rows, times := w.known()
	for _, id := range connected {
		if diff := w.rawDiffers(j, id, rows[id], times[id], as); diff != "" {
			return diff
		}
	}
	for _, about := range []struct{ entity, dataset string }{{"person", "GA01"}, {"enterprise", "SC01"}} {
		e, err := j.Cat.Entity(about.entity)
		if err != nil {
			w.Fatal(err)
		}
		golden := w.golden(j, e)
		for key, row := range rows[about.dataset] {
			cells, there := golden[key]
			if row == nil && there {
				return fmt.Sprintf("%s is gone and has a golden record", key)
			}
			for _, f := range e.Fields {
				if said := row[f.Name]; said != "" && as(f.Element, cells[f.Name].Value) != as(f.Element, said) {
					return fmt.Sprintf("golden %s of %s is %q, was delivered as %q", f.Name, key, cells[f.Name].Value, said)
				}
			}
		}
	}
	if diff := w.worldDiffers(j); diff != "" {
		return diff
	}
	return w.answersDiffer(rows, as, j)
}

// worldDiffers tells a difference in what was found and what was refused.
func (w *landed) worldDiffers(j *e2e.Journey) string {
	found := &e2e.Outcome{Open: map[string]string{}, Certain: map[string]string{}, Closed: map[string]bool{}}
	if err := found.ReadFindings(j); err != nil {
		w.Fatal(err)
	}
	wrong := e2e.FindingName("XV-01", "id", "person", j.Keys.Token("finding", w.first("ga-1.csv").Rows[3]["GMSFHM"]))
	if len(found.Open) != 1 || found.Open[wrong] != "GA" || len(found.Closed) > 0 {
		return fmt.Sprintf("found are %v, closed %v, want %s", found.Open, found.Closed, wrong)
	}
	reader, times := j.Codec.Reader(contract.QuarantineLayout), map[string]int{}
	err := j.Bus.Replay(j.Ctx, contract.Quarantine, func(r bus.Record) error {
		if r.Value == nil {
			return nil // it settles others
		}
		rec, err := reader.Decode(j.Ctx, r.Value)
		if err == nil {
			times[strings.Join([]string{rec.Get("source").Str(), rec.Get("dataset").Str(), rec.Get("field").Str(), rec.Get("reason").Str()}, " ")]++
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	bad := 0
	for _, d := range w.said {
		bad += len(d.Bad)
	}
	want := map[string]int{"ga-files GA01 XM missing": bad, "ga-files GA01 HJDZ missing": bad}
	if !maps.Equal(times, want) {
		return fmt.Sprintf("quarantine holds %v, want %v", times, want)
	}
	return ""
}

// golden reads the golden records of an entity. Each is published again once after the
// upgrade though it says what it said before, and otherwise only when it says more.
func (w *landed) golden(j *e2e.Journey, e *schemas.Entity) map[string]map[string]e2e.Cell {
	w.Helper()
	reader, out := j.Codec.Reader(e.ResolvedLayout()), map[string]map[string]e2e.Cell{}
	versions, stories, idle := map[string]int64{}, map[string]string{}, map[string]int{}
	err := j.Bus.Replay(j.Ctx, contract.Resolved(e.ID), func(r bus.Record) error {
		key, version := string(r.Key), e2e.HeaderVersion(r)
		if version <= versions[key] {
			w.Errorf("version %d of %s follows %d", version, key, versions[key])
		}
		versions[key] = version
		if r.Value == nil {
			delete(out, key)
			delete(stories, key)
			return nil
		}
		rec, err := reader.Decode(j.Ctx, r.Value)
		if err != nil {
			return err
		}
		if story := e2e.Tell(e, rec); story != stories[key] {
			stories[key] = story
		} else if idle[key]++; idle[key] > 1 {
			w.Errorf("%s was published %d times for nothing", key, idle[key])
		}
		out[key] = e2e.CellsOf(e, rec)
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// rawDiffers tells a difference between a raw topic and what was delivered.
func (w *landed) rawDiffers(j *e2e.Journey, id string, want map[string]map[string]string, times map[string]int, as func(*schemas.Element, string) string) string {
	d, err := j.Cat.Dataset(id)
	if err != nil {
		w.Fatal(err)
	}
	reader, have, count, seen := j.Codec.Reader(d.Layout), map[string]map[string]string{}, map[string]int{}, map[string]bool{}
	refused := map[string]int{}
	err = j.Bus.Replay(j.Ctx, contract.Raw(id), func(r bus.Record) error {
		if row, ok := contract.RefusedRow(r.Key); ok {
			refused[string(row)]++
			return nil
		}
		key, pos := string(r.Key), string(r.Header(contract.Pos))
		if seen[pos] {
			w.Errorf("raw.%s holds %s twice", id, pos)
		}
		seen[pos] = true
		count[key]++
		if have[key] = nil; r.Value == nil {
			return nil
		}
		rec, err := reader.Decode(j.Ctx, r.Value)
		if err != nil {
			return err
		}
		have[key] = map[string]string{}
		for _, f := range d.Fields {
			if v := rec.Get(f.Name); !v.IsNull() {
				have[key][f.Name] = element.Render(f.Element, v)
			}
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	if marks := w.refused(id); !maps.Equal(refused, marks) {
		return fmt.Sprintf("raw.%s says that newer rows were refused: %v, want %v", id, refused, marks)
	}
	for key := range have {
		// Of one that was made up and taken back, or was refused and did not come again, a deletion stands there.
		if _, known := want[key]; !known && (have[key] != nil || id != "CL01" && w.refused(id)[key] == 0) {
			return fmt.Sprintf("raw.%s holds %s, which nobody delivered", id, key)
		}
	}
	for key, row := range want {
		if (count[key] > times[key] || count[key] < times[key] && !j.Compacted) && id != "CL01" { // of that one only the last rows are known
			return fmt.Sprintf("raw.%s holds %s %d times, it was delivered %d times", id, key, count[key], times[key])
		}
		if (row == nil) != (have[key] == nil) {
			return fmt.Sprintf("raw.%s: %s is there: %v, delivered: %v", id, key, have[key] != nil, row != nil)
		}
		for _, f := range d.Fields {
			if as(f.Element, have[key][f.Name]) != as(f.Element, row[f.Name]) {
				return fmt.Sprintf("raw.%s: %s of %s is %q, was delivered as %q", id, f.Name, key, have[key][f.Name], row[f.Name])
			}
		}
	}
	return ""
}

// refused is how often this build was given bad rows of a dataset, by key; the release
// before did not say in raw.* that it had refused one.
func (w *landed) refused(id string) map[string]int {
	times := map[string]int{}
	for _, d := range w.said[w.before:] {
		for _, i := range d.Bad {
			if d.Dataset == id {
				times[d.Rows[i][keyOf[id]]]++
			}
		}
	}
	return times
}

// answersDiffer tells a difference between what the gateway answers and the deliveries.
func (w *landed) answersDiffer(rows map[string]map[string]map[string]string, as func(*schemas.Element, string) string, j *e2e.Journey) string {
	view, err := j.Cat.View("SC01.clear")
	if err != nil {
		w.Fatal(err)
	}
	for key, row := range rows["SC01"] {
		status, data := w.looksUp("SC01.clear", key)
		if row == nil {
			if status != http.StatusNotFound {
				return fmt.Sprintf("SC01.clear of %s, which is gone: %d %v", key, status, data)
			}
			continue
		}
		for _, f := range view.Fields {
			of := view.Dataset.Fields[f.Index].Element
			if status != http.StatusOK || row[f.Name] != "" && as(of, fmt.Sprint(data[f.Name])) != as(of, row[f.Name]) {
				return fmt.Sprintf("SC01.clear of %s: %d, %s is %v, was delivered as %q", key, status, f.Name, data[f.Name], row[f.Name])
			}
		}
	}
	for key, row := range rows["GA01"] {
		status, data := w.looksUp("person.partial", key)
		if name := []rune(fmt.Sprint(data["XM"])); status != http.StatusOK || name[0] != []rune(row["XM"])[0] || data["HJDXZQHDM"] != row["HJDXZQHDM"] {
			return fmt.Sprintf("person.partial of %s: %d %v", key, status, data)
		}
	}
	return ""
}

func (w *landed) looksUp(view, key string) (status int, data map[string]any) {
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, "http://"+w.gateway+"/v1/lookup/"+view+"/"+key, nil)
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer SJ")
	req.Header.Set("X-Purpose", "SUPERVISE")
	said := e2e.Reply(http.DefaultClient.Do(req))
	var answer struct{ Data map[string]any }
	if err := json.Unmarshal([]byte(said.Body), &answer); err != nil && said.Status == http.StatusOK {
		w.Fatal(err)
	}
	return said.Status, answer.Data
}

package gateway_test

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// refused is the record by which route says that a row of a person was refused.
func (w *world) refused(dataset, row string, since time.Time, persons ...string) bus.Record {
	w.t.Helper()
	writer, err := w.codec.Writer(w.t.Context(), contract.Refused.Subject(), contract.RefusedLayout)
	must(w.t, err)
	for i, p := range persons {
		persons[i] = hex.EncodeToString(w.keys.Digest(contract.RefusedSubjectLabel("person"), p))
	}
	r := bus.Record{Topic: contract.Refused, Partition: bus.ByKey, Key: []byte(hex.EncodeToString(w.keys.Digest(contract.RefusedRowLabel(dataset), row))), Time: since}
	r.Value, err = writer.Append(nil, schemas.NewRecord(contract.RefusedLayout, []schemas.Value{schemas.Text(dataset), schemas.Millis(since), schemas.Text(contract.JoinNames(persons))}))
	must(w.t, err)
	return r
}

// Where a newer row was refused, every answer that shows what was known before says
// so, and so does the answer that there is nothing: of the datasets that the caller
// was granted something of, and until it is settled.
func TestRefused(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	const gljt, jdgl, supervise = "key-RS-GLJT", "key-SJ-JDGL", "SUPERVISE"
	since := time.UnixMilli(1_790_000_005_000)
	one := func(key string) *reply { return w.get("/v1/lookup/person.partial/"+key, gljt, "GLJT") }
	eventually(t, "the record is there", func() bool { return one(zhang).status == http.StatusOK })
	if r := one(zhang); !strings.Contains(r.text, `"refused":[]`) {
		t.Errorf("nothing is refused, and the answer is %s", r.text)
	}
	// A vehicle's row is of another key than its owner; RS02 shows in no granted field.
	w.publish([]string{"GA01"}, w.shared("GA01.partial", zhang, 1, map[string]schemas.Value{"XM": schemas.Text("张*")}),
		w.refused("GA01", zhang, since, zhang), w.refused("GA03", "云A0001|02", since.Add(time.Minute), zhang), w.refused("RS02", zhang, since, zhang),
		w.refused("GA01", li, since, li))
	told := `"refused":[{"dataset":"GA01","since":"2026-09-21T22:13:25.000+08:00","message":"GA01（`
	eventually(t, "all of it has come through, each in a partition of its own", func() bool {
		r := one(zhang)
		return strings.Contains(r.text, told) && strings.Contains(r.text, `"dataset":"GA03"`) && strings.Contains(one(li).text, told) &&
			w.get("/v1/lookup/GA01.partial/"+zhang, jdgl, supervise).status == http.StatusOK
	})
	r := one(zhang)
	if !strings.Contains(r.text, `"dataset":"GA03"`) || strings.Contains(r.text, "RS02") || !strings.Contains(r.text, "张**") {
		t.Errorf("the lookup is answered %s", r.text)
	}
	if r := w.post("/v1/lookup/person.partial", gljt, "GLJT", map[string]any{"key": zhang, "fields": []string{"GA03"}}); strings.Contains(r.text, `"dataset":"GA01"`) || !strings.Contains(r.text, `"dataset":"GA03"`) {
		t.Errorf("of the vehicles alone is told %s", r.text)
	}
	if r := w.get("/v1/lookup/GA01.partial/"+zhang, jdgl, supervise); r.status != http.StatusOK || !strings.Contains(r.text, told) || strings.Contains(r.text, "GA03") {
		t.Errorf("the dataset's own view is answered %s", r.text)
	}
	for _, path := range []string{"/v1/lookup/person.partial/", "/v1/lookup/GA01.partial/"} {
		if r := w.get(path+li, jdgl, supervise); r.status != http.StatusNotFound || !strings.Contains(r.text, `"refused":[{"dataset":"GA01"`) {
			t.Errorf("of a key whose only row was refused %s answers %s", path, r.text)
		}
	}
	batch := w.post("/v1/lookup", gljt, "GLJT", map[string]any{"view": "person.partial", "keys": []string{"x", zhang, li}})
	results, _ := batch.body["results"].([]any)
	if len(results) != 3 || !strings.Contains(batch.text, `"found":false,"refused":[{"dataset":"GA01"`) || strings.Count(batch.text, `"refused"`) != 2 || strings.Count(batch.text, `"dataset":"GA03"`) != 1 {
		t.Errorf("the batch is answered %s", batch.text)
	}
	w.publish([]string{"GA01"}, w.verifiable("person.verify", zhang, 1, map[string]string{"GMSFHM": zhang, "XM": "张三", "HJDZ": "云岭市岭东区一街道1号"}))
	said := map[string]string{"XM": "张三", "HJDZ": "云岭市岭东区一街道1号"}
	eventually(t, "what matches is told, as of before", func() bool {
		r := w.verify(zhang, said)
		return r.status == http.StatusOK && strings.Contains(r.text, `{"match":true,"refused":[{"dataset":"GA01"`)
	})
	if r := w.verify(li, said); !strings.Contains(r.text, `{"match":false,"as_of"`) {
		t.Errorf("a no tells that a row of the key was refused: %s", r.text)
	}
	for topic, key := range map[string]string{"GA01": zhang, "RS02": zhang} {
		settled := w.refused(topic, key, since)
		settled.Value = nil
		w.publish([]string{"GA01"}, settled)
	}
	eventually(t, "it is settled", func() bool { return !strings.Contains(one(zhang).text, `"dataset":"GA01"`) })
	if r := one(zhang); !strings.Contains(r.text, `"dataset":"GA03"`) {
		t.Errorf("another row's mark has gone too: %s", r.text)
	}
	// A gateway that starts knows it again before it calls anything current.
	w.stop()
	w.serve()
	w.ready()
	eventually(t, "an answer is current", func() bool { r := one(zhang); return r.status == http.StatusOK && r.body["as_of"] != nil })
	if r := one(zhang); !strings.Contains(r.text, `"dataset":"GA03"`) {
		t.Errorf("after a restart: %s", r.text)
	}
}

// refusedRows is how many rows of a dataset the metric shows as refused.
func (w *world) refusedRows(dataset string) float64 {
	w.t.Helper()
	families, err := w.gather.Gather()
	must(w.t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "yiyuan_gateway_refused_rows" && m.GetLabel()[0].GetValue() == dataset {
				return m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

// Of a dataset with more refused rows than are kept every answer says that it may be
// old; when few are left each is told again.
func TestManyRefused(t *testing.T) {
	w := start(t, func(c *gateway.Config) { c.RefusedKept, c.RefusedAnew = 2, 50*time.Millisecond })
	w.person(1, "张**")
	w.ready()
	const gljt, nobody = "key-RS-GLJT", "539902198503120099"
	since := time.UnixMilli(1_790_000_005_000)
	ask := func(key string) string { return w.get("/v1/lookup/person.partial/"+key, gljt, "GLJT").text }
	eventually(t, "the record is there", func() bool { return strings.Contains(ask(zhang), "张**") })
	others := []string{"row-1", "row-2", "row-3"}
	var records []bus.Record
	for _, row := range others {
		records = append(records, w.refused("GA01", row, since))
	}
	records = append(records, w.refused("GA01", zhang, since, zhang))
	w.publish([]string{"GA01"}, records...)
	const told, more = `"refused":[{"dataset":"GA01","since":"2026-09-21T22:13:25.000+08:00"`, `"more":true}]`
	eventually(t, "four rows are refused, two more than are kept", func() bool {
		return w.refusedRows("GA01") == 4
	})
	if zhang, none := ask(zhang), ask(nobody); !strings.Contains(zhang, told) || !strings.Contains(zhang, "张**") || !strings.Contains(none, told) || !strings.Contains(none, more) {
		t.Errorf("one whose row was refused is answered %s, another %s", zhang, none)
	}
	for _, row := range others[:2] {
		settled := w.refused("GA01", row, since)
		settled.Value = nil
		w.publish([]string{"GA01"}, settled)
	}
	eventually(t, "what is left is told row by row", func() bool {
		one := ask(zhang)
		return strings.Contains(one, told) && !strings.Contains(one, more) && !strings.Contains(ask(nobody), "GA01")
	})
	if got := w.refusedRows("GA01"); got != 2 {
		t.Errorf("%v rows are left", got)
	}
}

// While the topic cannot be read, and is read anew after that, what stands refused is
// not answered as if it were not.
func TestRefusedWhileTheBusIsAway(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	told := func() bool {
		return strings.Contains(w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT").text, `"refused":[{"dataset":"GA01"`)
	}
	w.publish([]string{"GA01"}, w.refused("GA01", zhang, time.UnixMilli(1_790_000_005_000), zhang))
	eventually(t, "the lookup says so", told)
	begun, away := w.log.refused.Load(), make(chan struct{})
	w.log.away.Store(&away)
	(*w.log.cut.Load())()
	eventually(t, "the topic is begun anew", func() bool { return w.log.refused.Load() > begun })
	if !told() {
		t.Error("while it cannot be read the row is answered as if nothing were refused")
	}
	close(away)
	settled := w.refused("GA01", zhang, time.UnixMilli(1_790_000_005_000))
	settled.Value = nil
	w.publish([]string{"GA01"}, settled)
	eventually(t, "it is settled", func() bool { return !told() })
}

package gateway_test

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
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
	eventually(t, "the lookup says so", func() bool { return strings.Contains(one(zhang).text, told) })
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

package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// rejected is the record by which a source says that a row was refused, "" = not known
// which, the n-th that it said.
func (w *world) rejected(dataset, key, source string, n uint64, reason string) bus.Record {
	w.t.Helper()
	r := contract.Rejection{Dataset: dataset, Field: "X", Reason: reason, Detail: "不行 / no", Source: source, At: time.UnixMilli(1_790_000_000_000), Locator: fmt.Sprintf("t@%d", n), Digest: "d"}
	if key != "" {
		r.Name(w.keys, key, source, schemas.Sequence{Major: n})
	}
	writer, err := w.codec.Writer(w.t.Context(), contract.Quarantine.Subject(), contract.QuarantineLayout)
	must(w.t, err)
	value, err := writer.Append(nil, r.Record())
	must(w.t, err)
	return bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(r.Key()), Value: value}
}

// settles is the record by which route says that the row has been taken since.
func (w *world) settles(dataset, key, source string, upTo, by uint64) bus.Record {
	w.t.Helper()
	pos := func(n uint64) string {
		return string(contract.AppendPos(nil, source, schemas.Sequence{Major: n}))
	}
	s := contract.Settlement{Row: w.keys.DigestHex("refused.row:"+dataset, key), How: contract.SettledAccepted, Refused: pos(upTo), By: pos(by), Locator: "raw." + dataset + "/0@7"}
	value, err := s.Append(nil)
	must(w.t, err)
	return bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(s.Key()), Headers: []bus.Header{{Key: "settled", Value: value}}}
}

// listed is a page of the work list.
type listed struct {
	Entries []struct {
		ID, Dataset, From, Row, State, Department, Do, Locator string
		RowKey                                                 []struct{ Field, Value string } `json:"row_key"`
		Settled                                                *struct{ How, By, Locator string }
	}
	Total, Open int
	Next        string
	ByReason    map[string]int `json:"by_reason"`
}

func (w *world) list(query, key, purpose string) (listed, *reply) {
	w.t.Helper()
	var out listed
	r := w.get("/v1/quarantine?"+query, key, purpose)
	if r.status == http.StatusOK {
		must(w.t, json.Unmarshal([]byte(r.text), &out))
	}
	return out, r
}

// TestQuarantineIsAWorkList: it keeps its order and what is settled over restarts of the
// gateway, a page that was begun before goes on after, and each filter holds.
func TestQuarantineIsAWorkList(t *testing.T) {
	w := start(t)
	w.ready()
	const row = "91539900MADE00011B|L1"
	for n := range uint64(20) {
		w.publish([]string{"SC02"}, w.rejected("SC02", fmt.Sprintf("91539900MADE00011B|L%d", n), "sc", 10+n, contract.ReasonInvalid))
	}
	w.publish([]string{"GA01"}, w.rejected("GA01", "", "ga", 1, contract.ReasonMissing), w.rejected("SC02", "", "sc", 40, contract.ReasonMissing))
	w.publish([]string{"SC02"}, w.settles("SC02", row, "sc", 11, 50))
	all := func() (ids []string, page listed) {
		page, _ = w.list("limit=500", supervisor, "")
		for _, e := range page.Entries {
			ids = append(ids, e.ID)
		}
		return ids, page
	}
	eventually(t, "all are listed", func() bool {
		ids, page := all()
		return len(ids) == 22 && page.Open == 21
	})
	before, page := all()
	if diff := cmp.Diff(map[string]int{contract.ReasonInvalid: 20, contract.ReasonMissing: 2}, page.ByReason); diff != "" {
		t.Error(diff)
	}
	locators := make([]string, 20) // of those of SC02 whose row is known, in the order in which each was published
	for i := range locators {
		locators[i] = fmt.Sprintf("t@%d", 29-i)
	}
	var got []string
	for _, e := range page.Entries {
		if e.Row != "" {
			got = append(got, e.Locator)
		}
		if (e.Row == "") != strings.Contains(e.Do, "不知是哪一行") && e.State == "open" {
			t.Errorf("%s: to be settled by %s", e.ID, e.Do)
		}
	}
	if diff := cmp.Diff(locators, got); diff != "" {
		t.Errorf("not by time (-want +got):\n%s", diff)
	}
	for query, want := range map[string]int{
		"source=ga": 1, "source=sc": 21, "source=nobody": 0, "dataset=SC02": 21, "reason=missing": 2, "state=settled": 1, "state=open": 21, "state=open&dataset=SC02&reason=invalid": 19,
	} {
		if p, r := w.list(query, supervisor, ""); p.Total != want || len(p.Entries) != want {
			t.Errorf("%s: %d of %d, want %d: %.200s", query, len(p.Entries), p.Total, want, r.text)
		}
	}
	first, _ := w.list("limit=9", supervisor, "")
	w.stop()
	w.serve()
	w.publish([]string{"SC02"}, w.rejected("SC02", "91539900MADE00011B|L99", "sc", 60, contract.ReasonInvalid))
	eventually(t, "what came meanwhile is listed", func() bool {
		ids, _ := all()
		return len(ids) == 23
	})
	after, page := all()
	if diff := cmp.Diff(before, after[1:]); diff != "" {
		t.Errorf("the order after a restart (-before +after):\n%s", diff)
	}
	if settled, _ := w.list("state=settled", supervisor, ""); page.Open != 22 || len(settled.Entries) != 1 || *settled.Entries[0].Settled != (struct{ How, By, Locator string }{"accepted", "sc", "raw.SC02/0@7"}) {
		t.Errorf("%d are open after a restart, settled is %+v", page.Open, settled.Entries)
	}
	var turned []string
	for p := first; ; {
		for _, e := range p.Entries {
			turned = append(turned, e.ID)
		}
		if p.Next == "" {
			break
		}
		p, _ = w.list("limit=9&cursor="+p.Next, supervisor, "")
	}
	if diff := cmp.Diff(before, turned); diff != "" {
		t.Errorf("pages that were begun before the restart (-want +got):\n%s", diff)
	}
	families, err := w.gather.Gather()
	must(t, err)
	told := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if strings.HasPrefix(f.GetName(), "yiyuan_gateway_quarantine_") {
				told[f.GetName()+" "+m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	if told["yiyuan_gateway_quarantine_records SC02 sc"] != 21 || told["yiyuan_gateway_quarantine_records GA01 ga"] != 1 || told["yiyuan_gateway_quarantine_oldest_seconds SC02 sc"] <= 0 || len(told) != 4 {
		t.Errorf("metrics tell %v", told)
	}
}

// TestRowsOfQuarantine: a row's key is shown to whom a grant shows it in clear, for that
// grant's purpose, and whoever is shown it stands in the audit beside whom it names; all
// others see a token, of their own datasets or as supervisors. It is in no log.
func TestRowsOfQuarantine(t *testing.T) {
	w := start(t)
	const key = "91539900MADE00011B|L1"
	grant := func(view string, quota int, until time.Time, fields ...string) access.Grant {
		return access.Grant{View: view, Fields: fields, Purposes: []string{"QYZX"}, Quota: quota, Until: until}
	}
	never, past := time.Time{}, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	app := func(id, department string, grants ...access.Grant) access.Application {
		return access.Application{ID: id, Title: id, Department: department, KeyDigest: access.DigestKey("key-" + id), Grants: grants}
	}
	sees := app("SEES", "SJ", grant("SC02.clear", 0, never, "*"))
	sees.Purposes = []string{access.Supervise}
	must(t, w.access.Replace(append(demoAccess(),
		app("OWNER", "SC", grant("SC02.clear", 0, never, "TYSHXYDM", "LRH")), app("HALF", "SC", grant("SC02.clear", 0, never, "TYSHXYDM")), app("QUOTA", "SC", grant("SC02.clear", 9, never, "*")),
		app("PAST", "SC", grant("SC02.clear", 0, past, "*")), app("VERIFY", "SC", grant("SC02.verify", 0, never, "*")), app("OTHER", "MZ", grant("SC02.clear", 0, never, "*")), sees,
		app("GA", "GA", access.Grant{View: "GA01.partial", Fields: []string{"*"}, Purposes: []string{"QYZX"}}))))
	w.ready()
	w.publish([]string{"SC02", "GA01"}, w.rejected("SC02", key, "sc", 10, contract.ReasonInvalid), w.rejected("GA01", zhang, "ga", 10, contract.ReasonInvalid))
	eventually(t, "both are listed", func() bool {
		p, _ := w.list("", supervisor, "")
		return p.Total == 2
	})
	for _, one := range []struct {
		key, purpose string
		datasets     []string
		clear        bool
	}{
		{supervisor, "", []string{"GA01", "SC02"}, false},
		{supervisor, "SUPERVISE", []string{"GA01", "SC02"}, false},
		{"key-SEES", "", []string{"GA01", "SC02"}, false},
		{"key-SEES", "QYZX", []string{"GA01", "SC02"}, true},
		{"key-OWNER", "QYZX", []string{"SC02"}, true},
		{"key-OWNER", "", []string{"SC02"}, false},
		{"key-OWNER", "GLJT", []string{"SC02"}, false},
		{"key-HALF", "QYZX", []string{"SC02"}, false},
		{"key-QUOTA", "QYZX", []string{"SC02"}, false},
		{"key-PAST", "QYZX", []string{"SC02"}, false},
		{"key-VERIFY", "QYZX", []string{"SC02"}, false},
		{"key-OTHER", "QYZX", nil, false},
		{"key-GA", "QYZX", []string{"GA01"}, false},
	} {
		who := one.key + " for " + one.purpose
		p, r := w.list("", one.key, one.purpose)
		var datasets []string
		for _, e := range p.Entries {
			datasets = append(datasets, e.Dataset)
			if len(e.Row) != 32 || e.Department != e.Dataset[:2] {
				t.Errorf("%s: the row of %s is %q, of %s", who, e.Dataset, e.Row, e.Department)
			}
			if clear := len(e.RowKey) > 0; clear != (one.clear && e.Dataset == "SC02") || clear && (e.RowKey[0].Field+"="+e.RowKey[0].Value != "TYSHXYDM=91539900MADE00011B" || e.RowKey[1].Value != "L1") {
				t.Errorf("%s: %s is shown as %v", who, e.Dataset, e.RowKey)
			}
		}
		slices.Sort(datasets)
		if r.status != http.StatusOK || !slices.Equal(datasets, one.datasets) || p.Total != len(one.datasets) {
			t.Errorf("%s: answered %d, of %v, want %v", who, r.status, datasets, one.datasets)
		}
		if strings.Contains(r.text, "91539900MADE00011B") != one.clear || strings.Contains(r.text, zhang) {
			t.Errorf("%s: %s", who, r.text)
		}
		e := w.entry(r)
		if !one.clear {
			if len(e.Subjects) > 0 || e.Rows > 0 {
				t.Errorf("%s: audited as %+v", who, e)
			}
			continue
		}
		asked := w.entry(w.get("/v1/lookup/SC02.clear/"+strings.ReplaceAll(key, "|", "%7C"), one.key, one.purpose))
		if e.Rows != 1 || len(asked.Subjects) == 0 || len(e.Subjects) != len(asked.Subjects) || e.Subjects[0].Digest != asked.Subjects[0].Digest || !slices.Equal(e.Fields, []string{"TYSHXYDM", "LRH"}) || e.Purpose != one.purpose {
			t.Errorf("%s: audited as %+v, a look-up of the row as %+v", who, e, asked)
		}
	}
	if r := w.get("/v1/quarantine", "", ""); r.status != http.StatusUnauthorized {
		t.Errorf("a stranger is answered %d", r.status)
	}
	if logs := w.logs.String(); strings.Contains(logs, "91539900MADE00011B") || strings.Contains(logs, zhang) {
		t.Error("a key is in the log")
	}
}

// TestSettledByAPerson: of which row nobody knows a person says when it is settled: a
// supervisor, or one of the department whose dataset it is, and the list says who it was.
func TestSettledByAPerson(t *testing.T) {
	w := start(t)
	must(t, w.access.Replace(append(demoAccess(), access.Application{ID: "SC", Title: "SC", Department: "SC", KeyDigest: access.DigestKey("key-SC")})))
	w.ready()
	w.publish([]string{"SC02"}, w.rejected("SC02", "", "sc", 1, contract.ReasonMissing), w.rejected("SC02", "", "sc", 2, contract.ReasonMissing))
	var p listed
	eventually(t, "both are listed", func() bool {
		p, _ = w.list("", supervisor, "")
		return p.Total == 2
	})
	settle := func(i int, key string) *reply {
		return w.post("/v1/quarantine/settle", key, "", map[string]any{"id": p.Entries[i].ID})
	}
	for key, want := range map[string]int{"": 401, "key-RS-GLJT": 404, "key-GUESS": 401} {
		if r := settle(0, key); r.status != want {
			t.Errorf("%q is answered %d", key, r.status)
		}
	}
	w.log.fail.Store(true)
	if r := settle(0, supervisor); r.status != http.StatusServiceUnavailable {
		t.Errorf("without an audit: %d", r.status)
	}
	w.log.fail.Store(false)
	for i, key := range []string{supervisor, "key-SC"} {
		r := settle(i, key)
		if e := w.entry(r); r.status != http.StatusOK || !strings.Contains(r.text, `"how":"person"`) || e.Operation != "settle" || e.Reason != "ok" {
			t.Errorf("%s is answered %d %s, audited as %+v", key, r.status, r.text, e)
		}
	}
	holds := func(when string) {
		eventually(t, when, func() bool {
			p, _ := w.list("state=settled", supervisor, "")
			return p.Total == 2 && p.Entries[0].Settled.By+p.Entries[1].Settled.By == map[bool]string{true: "SJ-JDGLSC", false: "SCSJ-JDGL"}[p.Entries[0].Settled.By == "SJ-JDGL"]
		})
	}
	holds("both are settled")
	if r := settle(0, "key-SC"); r.status != http.StatusOK || !strings.Contains(r.text, `"by":"SJ-JDGL"`) {
		t.Errorf("settled twice: %d %s", r.status, r.text)
	}
	w.stop()
	w.serve(func(*gateway.Config) {})
	holds("both are settled after a restart")
}

package gateway_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

const supervisor = "key-SJ-JDGL"

func rows(l *schemas.Layout, column string, values ...map[string]schemas.Value) schemas.Value {
	inner := l.Columns[l.Index(column)].Rows
	var out []schemas.Record
	for _, v := range values {
		row := make([]schemas.Value, len(inner.Columns))
		for i, c := range inner.Columns {
			if value, ok := v[c.Name]; ok {
				row[i] = value
			} else if !c.Nullable {
				row[i] = zero(c)
			}
		}
		out = append(out, schemas.NewRecord(inner, row))
	}
	return schemas.Table(out)
}

// finding builds a record of the topic findings about a person's marital status.
func (w *world) finding(id, state, person string, opened time.Time) bus.Record {
	w.t.Helper()
	l := contract.FindingLayout
	values := map[string]schemas.Value{
		"id": schemas.Text(id), "rule": schemas.Text("XV-08"), "case": schemas.Text("stale"), "title": schemas.Text("婚姻状况不一致"), "entity": schemas.Text("person"),
		"subject": schemas.Text(w.keys.Token("finding", person)), "subject_masked": schemas.Text("539902************"), "severity": schemas.Text("medium"),
		"state": schemas.Text(state), "owner": schemas.Text("GA"), "opened_at": schemas.Millis(opened), "due": schemas.Day(opened), "advice": schemas.Text("请核对"),
		"evidence": rows(l, "evidence",
			map[string]schemas.Value{"dataset": schemas.Text("GA01"), "field": schemas.Text("CSRQ"), "value_masked": schemas.Text("1985年")},
			map[string]schemas.Value{"dataset": schemas.Text("MZ01"), "field": schemas.Text("HYZKDM"), "value_masked": schemas.Text("20")}),
	}
	row := make([]schemas.Value, len(l.Columns))
	for i, c := range l.Columns {
		if v, ok := values[c.Name]; ok {
			row[i] = v
		} else if !c.Nullable {
			row[i] = zero(c)
		}
	}
	writer, err := w.codec.Writer(w.t.Context(), "findings-value", l)
	must(w.t, err)
	value, err := writer.Append(nil, schemas.NewRecord(l, row))
	must(w.t, err)
	return bus.Record{Topic: contract.Findings, Partition: bus.ByKey, Key: []byte(id), Value: value, Time: opened}
}

func TestFindingsAndDisputes(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	base := time.UnixMilli(1_790_000_000_000)
	var records []bus.Record
	for i := range 7 {
		state := "open"
		if i%2 == 1 {
			state = "closed"
		}
		records = append(records, w.finding("f"+string(rune('0'+i)), state, li, base.Add(time.Duration(i)*time.Minute)))
	}
	records = append(records, w.finding("zhang", "open", zhang, base))
	w.publish(nil, records...)
	w.ready()
	eventually(t, "findings are folded", func() bool { return w.get("/v1/findings", supervisor, "").body["total"] == float64(8) })
	if r := w.get("/v1/findings?state=open&rule=XV-08&owner=GA&severity=medium", supervisor, ""); r.body["total"] != float64(5) {
		t.Errorf("total = %v: %s", r.body["total"], r.text)
	}
	var seen []string
	var cursor, query string
	for {
		r := w.get("/v1/findings?limit=3"+query, supervisor, "")
		list, _ := r.body["findings"].([]any)
		for _, f := range list {
			one, _ := f.(map[string]any)
			id, _ := one["id"].(string)
			seen = append(seen, id)
			if one["owner_title"] != "公安局" {
				t.Errorf("owner_title = %v", one["owner_title"])
			}
		}
		if cursor, _ = r.body["next"].(string); cursor == "" {
			break
		}
		query = "&cursor=" + cursor
	}
	if got := strings.Join(seen, " "); got != "f6 f5 f4 f3 f2 f1 f0 zhang" {
		t.Errorf("pages hold %s", got)
	}
	if r := w.get("/v1/findings/zhang", supervisor, ""); r.status != 200 || r.body["due"] != "2026-09-21" {
		t.Errorf("one finding: %d %s", r.status, r.text)
	}
	// The answer about Zhang is flagged in the field in doubt that was granted, and only there.
	disputed := func() string {
		r := w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT")
		text, err := json.Marshal(r.body["disputed"])
		must(t, err)
		return string(text)
	}
	eventually(t, "the field in doubt is flagged", func() bool { return disputed() == `["CSRQ"]` })
	w.publish(nil, w.finding("zhang", "closed", zhang, base))
	eventually(t, "the flag goes", func() bool { return disputed() == `[]` })
	w.publish(nil, bus.Record{Topic: contract.Findings, Partition: bus.ByKey, Key: []byte("f0")})
	eventually(t, "a deleted finding goes", func() bool { return w.get("/v1/findings/f0", supervisor, "").status == http.StatusNotFound })
}

func TestExplain(t *testing.T) {
	w := start(t)
	l := schemas.ExplainLayout
	w.publish(nil, w.shared("person.explain", zhang, 3, map[string]schemas.Value{"cells": rows(l, "cells", map[string]schemas.Value{
		"field": schemas.Text("HYZKDM"), "title": schemas.Text("婚姻状况"), "value_masked": schemas.Text("20"), "dataset": schemas.Text("MZ01"), "department": schemas.Text("MZ"),
		"reason": schemas.Text("数源"), "at": schemas.Int(1),
		"losers": rows(l.Columns[0].Rows, "losers", map[string]schemas.Value{"dataset": schemas.Text("GA01"), "department": schemas.Text("GA"), "reason": schemas.Text("次序靠后")}),
	})}))
	w.ready()
	var r *reply
	eventually(t, "the explanation is there", func() bool {
		r = w.get("/v1/explain/person/"+zhang, supervisor, "SUPERVISE")
		return r.status == 200
	})
	if r.body["key_masked"] != "539902************" || !strings.Contains(r.text, `"losers":[{"dataset":"GA01"`) || !strings.Contains(r.text, `"value":null`) {
		t.Errorf("explained %s", r.text)
	}
	if e := w.entry(r); e.Operation != "explain" || e.View != "person.explain" || e.Rows != 1 {
		t.Errorf("audited as %+v", e)
	}
}

func TestPages(t *testing.T) {
	topology := gateway.Topology{Steps: []gateway.Step{{Name: "route", From: []string{"raw.GA01"}, To: []string{"claims.person"}}}, Mermaid: "flowchart LR"}
	w := start(t, func(c *gateway.Config) {
		c.OpenConsole, c.Topology = true, topology
		c.DemoApps = []gateway.DemoApp{{ID: "SJ-JDGL", Key: supervisor, Views: []string{"person.partial"}}}
		c.DemoSamples = func() map[string]string { return map[string]string{"person.partial": zhang} }
	})
	w.publish([]string{"GA01", "RS01"}, w.shared("GA01.partial", zhang, 1, nil), w.shared("GA01.partial", li, 1, map[string]schemas.Value{"XM": schemas.Text("李**")}))
	rejection := contract.Rejection{Dataset: "GA01", Field: "CSRQ", Reason: contract.ReasonInvalid, Detail: "日期无效 / invalid date", Source: "ga", At: time.Now(), Locator: "a.csv:1"}
	writer, err := w.codec.Writer(t.Context(), "quarantine-value", contract.QuarantineLayout)
	must(t, err)
	value, err := writer.Append(nil, rejection.Record())
	must(t, err)
	w.publish([]string{"GA01", "RS01"}, bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(rejection.Key()), Value: value})
	w.ready()
	eventually(t, "the dataset is fresh and has a row", func() bool {
		r := w.get("/v1/catalogue/datasets/GA01", "", "")
		return r.body["state"] == "fresh" && r.body["rows"] == float64(1)
	})
	for path, want := range map[string][]string{
		"/v1/catalogue":                 {`"name":"云岭市"`, `"id":"GA01"`, `"state":"fresh"`, `"state":"unknown"`, `"id":"person"`, `"id":"GLJT"`, `"id":"XV-04"`},
		"/v1/catalogue/datasets/GA01":   {`"mask":{"partial":"clear","verify":"digest"}`, `"source":true`, `"entity_title":"自然人"`, `"id":"XV-07"`},
		"/v1/catalogue/entities/person": {`"group":"residence"`, `"element_title":"性别"`, `{"value":"1","title":"男"`, `"dataset":"MZ01"`, `"flag":"非权威"`, `"basis":"云岭市一数一源责任清单(2026年)"`},
		"/v1/indicators":                {`"id":"realtime"`, `"id":"realtime_shareable"`, `"id":"departments"`, `"id":"datasets"`, `"id":"mutual_checking"`, `"denominator":24`, `"denominator":23`},
		"/v1/flow":                      {`"quarantined":1`, `"kind":"test"`, `"id":"GA01"`},
		"/v1/quarantine":                {`"locator":"a.csv:1"`, `"by_reason":{"invalid":1}`},
		"/v1/topology":                  {`"name":"route"`, `"mermaid":"flowchart LR"`},
		"/v1/console/apps":              {supervisor, `"samples":{"person.partial":"` + zhang},
		"/openapi.json":                 {`"openapi":"3.1.0"`, `/v1/lookup/{view}/{key}`, `/v1/verify`, `"Problem"`},
		"/livez":                        {"ok"},
	} {
		eventually(t, path, func() bool { return w.get(path, "", "").status == 200 })
		r := w.get(path, "", "")
		for _, text := range want {
			if !strings.Contains(r.text, text) {
				t.Errorf("%s lacks %s: %.2000s", path, text, r.text)
			}
		}
	}
	if r := w.get("/v1/me", "key-RS-GLJT", ""); !strings.Contains(r.text, `"key_title":"公民身份号码"`) || !strings.Contains(r.text, `"id":"GLJT"`) {
		t.Errorf("me: %s", r.text)
	}
	page := w.get("/", "", "")
	if !strings.Contains(page.header.Get("Content-Security-Policy"), "default-src 'self'") || page.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("console headers: %v", page.header)
	}
	for _, path := range []string{"/healthz", "/catalogue/GA01", "/metrics", "/v2/lookup", "/assets/none.js", "/index.html/x", "/v1"} {
		if r := w.get(path, "", ""); r.status != 404 || r.code() != "YIYUAN-4042" {
			t.Errorf("%s answered %d %.80s", path, r.status, r.text)
		}
	}
}

func TestEvents(t *testing.T) {
	w := start(t, func(c *gateway.Config) { c.MaxStreams = 1 })
	w.ready()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/v1/events", nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+supervisor)
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	flows := 0
	for flows < 2 && lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var page map[string]any
			must(t, json.Unmarshal([]byte(data), &page))
			flows++
		}
	}
	if flows != 2 {
		t.Errorf("%d events, then %v", flows, lines.Err())
	}
	if r := w.get("/v1/events", supervisor, ""); r.status != http.StatusTooManyRequests {
		t.Errorf("a second stream answered %d", r.status)
	}
}

// TestRevocation takes an application away and looks how long it is served.
func TestRevocation(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	const at = "/v1/lookup/person.partial/" + zhang
	eventually(t, "the record is there", func() bool { return w.get(at, "key-RS-GLJT", "GLJT").status == 200 })
	must(t, w.access.Replace(demoAccess()[1:]))
	if r := w.get(at, "key-RS-GLJT", "GLJT"); r.status != http.StatusUnauthorized {
		t.Errorf("answered %d after the revocation", r.status)
	}
}

// TestIndicatorFallsWhenASourceStops is the demonstration's own trick.
func TestIndicatorFallsWhenASourceStops(t *testing.T) {
	w := start(t)
	var ids []string
	var records []bus.Record
	for _, d := range w.cat.Datasets {
		ids = append(ids, d.ID)
	}
	w.publish(ids, records...)
	w.ready()
	value := func() float64 {
		r := w.get("/v1/indicators", supervisor, "")
		list, _ := r.body["indicators"].([]any)
		if len(list) == 0 {
			return -1
		}
		first, _ := list[0].(map[string]any)
		v, _ := first["value"].(float64)
		return v
	}
	eventually(t, "17 of 24", func() bool { v := value(); return v > 17.0/24-0.001 && v < 17.0/24+0.001 })
	must(t, w.source.Publish(t.Context(), nil, contract.SourceStatus{Position: "p", Datasets: ids, State: "stopped"}))
	eventually(t, "none", func() bool { return value() == 0 })
}

package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// page is the OpenAPI page, as a program reads it that makes its types of it.
type page struct{ root map[string]any }

// at follows a $ref.
func (p page) at(s map[string]any) map[string]any {
	ref, is := s["$ref"].(string)
	if !is {
		return s
	}
	var here any = p.root
	for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		here = here.(map[string]any)[name]
	}
	return p.at(here.(map[string]any))
}

// faults says where an answer is not as its schema has it.
func (p page) faults(place string, s map[string]any, v any) (out []string) {
	s = p.at(s)
	var types []string
	switch t := s["type"].(type) {
	case string:
		types = []string{t}
	case []any:
		for _, one := range t {
			types = append(types, one.(string))
		}
	default:
		return nil // anything
	}
	is := "null"
	switch v := v.(type) {
	case string:
		is = "string"
	case bool:
		is = "boolean"
	case json.Number:
		is = "number"
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil && slices.Contains(types, "integer") {
			is = "integer"
		}
	case []any:
		is = "array"
	case map[string]any:
		is = "object"
	}
	if !slices.Contains(types, is) {
		return []string{fmt.Sprintf("%s is %s, described as %v", place, is, types)}
	}
	switch v := v.(type) {
	case string:
		if _, err := time.Parse(time.RFC3339, v); err != nil && s["format"] == "date-time" {
			out = append(out, place+" is no date-time")
		}
	case []any:
		items, _ := s["items"].(map[string]any)
		for i, one := range v {
			out = append(out, p.faults(fmt.Sprintf("%s[%d]", place, i), items, one)...)
		}
	case map[string]any:
		properties, _ := s["properties"].(map[string]any)
		required, _ := s["required"].([]any)
		for _, name := range required {
			if _, there := v[name.(string)]; !there {
				out = append(out, place+"."+name.(string)+" is missing")
			}
		}
		for name, one := range v {
			if described, is := properties[name].(map[string]any); is {
				out = append(out, p.faults(place+"."+name, described, one)...)
			} else if rest, said := s["additionalProperties"]; said && rest == false {
				out = append(out, place+"."+name+" is not described")
			}
		}
	}
	return out
}

// TestAnswersAreAsDescribed asks everything while a dataset of the views has never come,
// and holds what is answered against the OpenAPI page: as_of is null then, and so may
// whatever else be that is not known.
func TestAnswersAreAsDescribed(t *testing.T) {
	w := start(t)
	l := schemas.ExplainLayout
	w.person(1, "张*")
	w.publish(nil, w.shared("person.explain", zhang, 1, map[string]schemas.Value{"cells": rows(l, "cells", map[string]schemas.Value{
		"field": schemas.Text("XM"), "dataset": schemas.Text("GA01"), "at": schemas.Int(1), "losers": rows(l.Columns[0].Rows, "losers", map[string]schemas.Value{"dataset": schemas.Text("MZ01")}),
	})}), w.finding("f", "open", zhang, time.Now()))
	w.ready()
	eventually(t, "all is there", func() bool {
		return w.get("/v1/explain/person/"+zhang, supervisor, "SUPERVISE").status == http.StatusOK && w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT").status == http.StatusOK
	})
	p := page{}
	must(t, json.Unmarshal([]byte(w.get("/openapi.json", supervisor, "").text), &p.root))
	nobody := "539902199001011239"
	asked := 0
	for path, methods := range p.root["paths"].(map[string]any) {
		for method, o := range methods.(map[string]any) {
			if path == "/v1/events" { // no JSON
				continue
			}
			for _, who := range []string{zhang, nobody, "1"} {
				ask := strings.NewReplacer("/datasets/{id}", "/datasets/GA01", "/entities/{id}", "/entities/person", "{view}", "person.partial", "{entity}", "person", "{key}", who, "{id}", "f").Replace(path)
				body := ""
				if method == "post" {
					body = map[string]string{
						"/v1/lookup": `{"view":"person.partial","keys":["` + who + `","` + zhang + `"]}`,
						"/v1/verify": `{"view":"person.verify","key":"` + who + `","fields":{"XM":"a","HJDZ":"b"}}`,
					}[path]
					if body == "" {
						body = `{"key":"` + who + `"}`
					}
				}
				key, purpose := "key-RS-GLJT", "GLJT"
				if !strings.Contains(path, "lookup") && !strings.Contains(path, "verify") {
					key, purpose = supervisor, "SUPERVISE"
				}
				r := w.do(strings.ToUpper(method), ask, key, purpose, body)
				responses := o.(map[string]any)["responses"].(map[string]any)
				said, as := responses[strconv.Itoa(r.status)], "application/json"
				if r.status != http.StatusOK {
					said, as = responses["default"], "application/problem+json"
				}
				schema := p.at(said.(map[string]any)["content"].(map[string]any)[as].(map[string]any)["schema"].(map[string]any))
				var v any
				d := json.NewDecoder(strings.NewReader(r.text))
				d.UseNumber()
				must(t, d.Decode(&v))
				t.Logf("%s %s: answered %d", method, path, r.status)
				asked++
				for _, fault := range p.faults("answer", schema, v) {
					t.Errorf("%s %s, answered %d: %s", method, path, r.status, fault)
				}
				if r.status == http.StatusOK && who == zhang && strings.Contains(path, "explain") && !strings.Contains(r.text, `"as_of":null`) {
					t.Errorf("%s %s: as_of is known: %s", method, path, r.text)
				}
			}
		}
	}
	if asked < 40 {
		t.Errorf("%d questions: too few for this to be all", asked)
	}
}

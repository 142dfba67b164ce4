package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// demonstrated runs the demonstration as a program would, until it is ready: its one line, and the city that the line tells of.
// Its departments change little: at the usual rate it takes more than a core with the race
// detector, all the while that others' tests run beside it.
func demonstrated(t *testing.T, options ...string) (p *e2e.Process, line []byte, city e2e.DemoCity) {
	t.Helper()
	p = e2e.Launch(t, append([]string{"demo", "--json", "--listen", "127.0.0.1:0", "--rate", "5"}, options...)...)
	t.Cleanup(func() {
		if p.Running() {
			p.Stop()
		}
	})
	e2e.Await(t, "the ready line", func() string {
		if !p.Running() {
			t.Fatalf("demo ended by itself: %v", p.Err)
		}
		if !bytes.HasSuffix(p.Stdout.Bytes(), []byte("\n")) {
			return "no line yet"
		}
		return ""
	})
	line = p.Stdout.Bytes()
	if err := json.Unmarshal(line, &city); err != nil {
		t.Fatalf("the line is not JSON: %v", err)
	}
	return p, line, city
}

// TestDemoForPrograms runs the demonstration as a program would: one line on
// standard output, all that stands in it works, a row that is refused is told to be
// old until it is mended, and the 70 % indicator follows a department that stops and
// comes back.
func TestDemoForPrograms(t *testing.T) {
	p, line, city := demonstrated(t, "--correct-after", "1h")
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(line, &keys); err != nil {
		t.Fatalf("the line is not JSON: %v", err)
	}
	for _, key := range []string{"gateway", "console", "kafka", "registry", "push", "admin", "truth", "apps", "samples"} {
		if raw := string(keys[key]); raw == "" || raw == "null" || raw == `""` {
			t.Errorf("the line lacks %q", key)
		}
	}
	askEverything(t, city)
	r := returnsOf(t, city)
	r.isRefused()
	r.isMended()
	blanksAreRefused(t, city)
	t.Run("dashboard", func(t *testing.T) {
		metrics := scrape(t, city.Admin)
		metrics.answersTheDashboard()
		metrics.raisesNoAlarm()
	})
	stopAndStart(t, city, "YB") // the department that also has a push source
	if !bytes.Equal(p.Stdout.Bytes(), line) {
		t.Error("more than one line was printed")
	}
	p.Stop()
}

// blanksAreRefused pushes rows that differ from a good one in a required text or code
// that holds nothing to be seen, and the good one.
func blanksAreRefused(t *testing.T, city e2e.DemoCity) {
	t.Helper()
	const number = "539902198503120013"
	good := map[string]string{"GMSFHM": number, "XM": "张三", "ZGYBZTDM": "1", "JMYBZTDM": "0", "CBD": "539902"}
	push := func(field, value string) (int, string) {
		row := maps.Clone(good)
		row[field] = value
		body, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		return e2e.Request(t, http.MethodPost, city.Push+"/v1/push/YB01", city.PushKeys["YB"], "", string(body))
	}
	for _, field := range []string{"XM", "ZGYBZTDM"} {
		for _, blank := range []string{"", " ", "\u3000", "\u200b\ufeff", "\u3164"} {
			if status, answer := push(field, blank); status != http.StatusUnprocessableEntity || !strings.Contains(answer, field) || !strings.Contains(answer, "missing") || strings.Contains(answer, number) {
				t.Errorf("%s=%q: %d %s", field, blank, status, answer)
			}
		}
	}
	if status, answer := push("XM", good["XM"]); status != http.StatusOK && status != http.StatusAccepted {
		t.Errorf("the row without a blank: %d %s", status, answer)
	}
}

// askEverything asks as every application for every view it has, by the sample,
// for each of its purposes that opens the view.
func askEverything(t *testing.T, city e2e.DemoCity) {
	t.Helper()
	cat := e2e.SampleCatalogue(t)
	asked := 0
	for _, app := range city.Apps {
		if app.ID == "" || app.Key == "" || app.Department == "" || len(app.Purposes) == 0 || len(app.Views) == 0 {
			t.Errorf("application %q is not whole", app.ID)
		}
		for _, id := range app.Views {
			v, err := cat.View(id)
			if err != nil {
				t.Fatal(err)
			}
			key := city.Samples[id]
			if key == "" {
				t.Errorf("no sample for %s", id)
				continue
			}
			var answers []string
			good := slices.ContainsFunc(app.Purposes, func(purpose string) bool {
				method, address, body := http.MethodGet, city.Gateway+"/v1/lookup/"+id+"/"+url.PathEscape(key), ""
				switch owner, name, _ := strings.Cut(id, "."); {
				case v.Only == "verify":
					b, err := json.Marshal(map[string]any{"view": id, "key": key, "fields": nobodys(cat, v)})
					if err != nil {
						t.Fatal(err)
					}
					method, address, body = http.MethodPost, city.Gateway+"/v1/verify", string(b)
				case name == "explain":
					address = city.Gateway + "/v1/explain/" + owner + "/" + url.PathEscape(key)
				}
				status, answer := e2e.Request(t, method, address, app.Key, purpose, body)
				answers = append(answers, fmt.Sprintf("%s: %d %s", purpose, status, answer))
				return status == http.StatusOK
			})
			if !good {
				t.Errorf("%s cannot ask for %s: %q", app.ID, id, answers)
			}
			asked++
		}
	}
	if asked < 30 {
		t.Errorf("only %d views were asked for", asked)
	}
	if status, _ := e2e.Request(t, http.MethodGet, city.Gateway+"/v1/lookup/person.partial/"+city.Samples["person.partial"], city.Apps[0].Key, "", ""); status != http.StatusForbidden {
		t.Errorf("without a purpose: %d, want 403", status)
	}
}

// nobodys are well-formed values of a verification view's fields that are nobody's,
// but for its first, which is the key or a part of it.
func nobodys(cat *schemas.Catalogue, v *schemas.View) map[string]string {
	out := map[string]string{}
	elements := map[string]*schemas.Element{}
	if d, err := cat.Dataset(v.Owner); err == nil {
		for _, f := range d.Fields {
			elements[f.Name] = f.Element
		}
	}
	if e, err := cat.Entity(v.Owner); err == nil {
		for _, f := range e.Fields {
			elements[f.Name] = f.Element
		}
	}
	for _, f := range v.Fields[1:] {
		e := elements[f.Name]
		switch e.Kind {
		case "id_number":
			out[f.Name] = "539902190001010019"
		case "uscc":
			out[f.Name] = "91539900MADE00011B"
		case "date":
			out[f.Name] = "1901-02-03"
		case "code":
			for _, c := range e.Codes {
				out[f.Name] = c.Value
			}
		case "region":
			out[f.Name] = "539902"
		case "amount", "count":
			out[f.Name] = "7"
		case "bank_card":
			out[f.Name] = "6200000000000000005"
		case "phone":
			out[f.Name] = "19900000000"
		case "plate":
			out[f.Name] = "云Z00000"
		case "identifier":
			out[f.Name] = "NOBODY0001"
		default:
			out[f.Name] = "无此人"
		}
		if out[f.Name] == "" {
			delete(out, f.Name)
		}
	}
	return out
}

// stopAndStart stops a department's source and starts it again: what the indicator counts
// follows. How many count at first hangs on the machine, for a probe that took too long is
// held against a dataset for a day; that the source has stopped does not.
func stopAndStart(t *testing.T, city e2e.DemoCity, department string) {
	t.Helper()
	stopped := func() (ids []string, value float64) {
		status, body := e2e.Request(t, http.MethodGet, city.Gateway+"/v1/indicators", "", "", "")
		var page struct {
			Indicators []struct {
				ID          string  `json:"id"`
				Value       float64 `json:"value"`
				Target      float64 `json:"target"`
				Met         *bool   `json:"met"`
				Numerator   int     `json:"numerator"`
				Denominator int     `json:"denominator"`
				Items       []struct {
					ID      string `json:"id"`
					Counted bool   `json:"counted"`
					WhyEN   string `json:"why_en"`
				} `json:"items"`
			} `json:"indicators"`
		}
		if status != http.StatusOK {
			t.Fatalf("indicators: %d %s", status, body)
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Indicators {
			if i.ID != "realtime" {
				continue
			}
			if (i.Met == nil) != (i.Value >= i.Target) || i.Met != nil && *i.Met {
				t.Errorf("after minutes %.3f is met: %v, want no verdict above the target and no below it", i.Value, i.Met)
			}
			counted := 0
			for _, item := range i.Items {
				switch {
				case item.Counted:
					counted++
				case item.WhyEN == "its source has stopped":
					ids = append(ids, item.ID)
				}
			}
			if counted != i.Numerator || len(i.Items) != i.Denominator || i.Value != float64(counted)/float64(len(i.Items)) {
				t.Errorf("%d of %d count, told %d of %d, %.3f", counted, len(i.Items), i.Numerator, i.Denominator, i.Value)
			}
			return ids, i.Value
		}
		t.Fatal("there is no indicator realtime")
		return nil, 0
	}
	turn := func(verb string, down bool) {
		t.Helper()
		if status, body := e2e.Request(t, http.MethodPost, city.Admin+"/sources/"+strings.ToLower(department)+"-live/"+verb, "", "", ""); status != http.StatusOK {
			t.Fatalf("%s: %d %s", verb, status, body)
		}
		began := time.Now()
		e2e.Await(t, "the indicator after "+verb, func() string {
			if ids, value := stopped(); (len(ids) > 0) != down {
				return fmt.Sprintf("%v stand, %.3f", ids, value)
			}
			return ""
		})
		ids, value := stopped()
		for _, id := range ids {
			if !strings.HasPrefix(id, department) {
				t.Errorf("%s %s: %s stands", verb, department, id)
			}
		}
		t.Logf("%s %s: %.3f after %v", verb, department, value, time.Since(began).Round(time.Millisecond))
	}
	if ids, _ := stopped(); len(ids) > 0 {
		t.Errorf("before anything is stopped %v stand", ids)
	}
	turn("stop", true)
	turn("start", false)
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestDemo tries all that a demonstration says it can do: every sample is
// answered to every application that may ask, for its purpose and for no other,
// and the indicator falls below its line when a department stops and comes back
// with it.
func TestDemo(t *testing.T) {
	city := live(t, demoOptions{seed: 2, rate: 20, correctAfter: time.Hour, correctEvery: time.Second})
	for name, value := range map[string]string{
		"gateway": city.Gateway, "console": city.Console, "kafka": city.Kafka, "registry": city.Registry, "push": city.Push, "admin": city.Admin, "truth": city.Truth,
	} {
		if value == "" {
			t.Errorf("the ready line has no %s", name)
		}
	}
	asked := 0
	for _, app := range city.Apps {
		for _, view := range app.Views {
			if strings.HasSuffix(view, ".verify") || strings.HasSuffix(view, ".explain") {
				continue // asked for by /v1/verify and /v1/explain
			}
			url, best := city.Gateway+"/v1/lookup/"+view+"/"+city.Samples[view], 0
			for _, purpose := range app.Purposes {
				if status, _ := call(t, http.MethodGet, url, app.Key, purpose); best != http.StatusOK {
					best = status
				}
			}
			if best != http.StatusOK {
				t.Errorf("%s may look up %s and was answered %d", app.ID, view, best)
			}
			if status, body := call(t, http.MethodGet, url, app.Key, "NOSUCH"); status != http.StatusForbidden {
				t.Errorf("%s without a purpose of its own: %d %s", app.ID, status, body)
			}
			asked++
		}
	}
	if asked < 5 {
		t.Errorf("only %d views could be asked for", asked)
	}
	realtime := func() (value float64, met bool) {
		_, body := call(t, http.MethodGet, city.Gateway+"/v1/indicators", city.key("SJ-JDGL"), "SUPERVISE")
		var page struct {
			Indicators []struct {
				ID    string
				Value float64
				Met   bool
			}
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		for _, i := range page.Indicators {
			if i.ID == "realtime" {
				return i.Value, i.Met
			}
		}
		t.Fatalf("no such indicator in %s", body)
		return 0, false
	}
	until := func(what string, want bool) {
		await(t, what, time.Minute, func() string {
			value, met := realtime()
			if met == want && (value >= 0.7) == want {
				return ""
			}
			return fmt.Sprintf("%.3f, met: %v", value, met)
		})
	}
	until("the indicator is above its line", true)
	if status, body := call(t, http.MethodPost, city.Admin+"/connectors/ga-live/stop", "", ""); status != http.StatusOK {
		t.Fatalf("stop: %d %s", status, body)
	}
	until("the indicator falls when a department stops", false)
	if status, body := call(t, http.MethodPost, city.Admin+"/connectors/ga-live/start", "", ""); status != http.StatusOK {
		t.Fatalf("start: %d %s", status, body)
	}
	until("the indicator comes back with the department", true)
}

// key returns an application's key.
func (r *ready) key(application string) string {
	for _, a := range r.Apps {
		if a.ID == application {
			return a.Key
		}
	}
	return ""
}

// call sends a request without a body and returns the answer.
func call(t testing.TB, method, url, key, purpose string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("X-Purpose", purpose)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(stripURL(err))
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

package gateway_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/listener/listenertest"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// TestEventsEndWithTheRight: a stream that is open ends at the moment at which a call would
// be refused, by the gateway's own clock, with what that is told; the audit has both.
func TestEventsEndWithTheRight(t *testing.T) {
	authority, dir := listenertest.New(t), t.TempDir()
	begin := time.Now()
	cert, key := authority.Server(begin.Add(48*time.Hour)).Write(t, dir)
	ca := filepath.Join(dir, "clients.pem")
	listenertest.Put(t, ca, authority.PEM)
	own, err := listener.OpenTLS(listener.Files{Cert: cert, Key: key, ClientCA: ca})
	must(t, err)
	var ahead atomic.Int64
	w := start(t, func(c *gateway.Config) {
		c.Shared.Own = map[string]listener.Own{"gateway": {TLS: own}}
		c.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	url := strings.Replace(w.url, "http:", "https:", 1) + "/v1/events"
	all := []string{access.AllFields}
	named, granted, shown := demoAccess()[2], demoAccess()[2], demoAccess()[2]
	named.Until = begin.Add(time.Hour)
	granted.ID, granted.KeyDigest, granted.Purposes = "SJ-SQ", access.DigestKey("key-SJ-SQ"), nil
	granted.Grants = []access.Grant{
		{View: "person.explain", Fields: all, Purposes: []string{access.Supervise}, Until: begin.Add(-time.Hour)},
		{View: "GA01.partial", Fields: all, Purposes: []string{access.Supervise}, Until: begin.Add(2 * time.Hour)},
	}
	shown.ID, shown.KeyDigest, shown.Certificates = "SJ-ZS", [32]byte{}, []string{"dns:sj.example"}
	must(t, w.access.Replace([]access.Application{named, granted, shown}))
	for _, c := range []struct {
		app, key string
		trust    *tls.Config
		ends     time.Duration
		want     *problem.Kind
	}{
		{"SJ-JDGL", supervisor, authority.Trust(), time.Hour, problem.ExpiredKey},
		{"SJ-SQ", "key-SJ-SQ", authority.Trust(), 2 * time.Hour, problem.ExpiredGrant},
		{"SJ-ZS", "", authority.Trust(authority.Client(begin.Add(3*time.Hour), nil, []string{"sj.example"})), 3 * time.Hour, problem.NoKey},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		must(t, err)
		if c.key != "" {
			r.Header.Set("Authorization", "Bearer "+c.key)
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: c.trust}}
		resp, err := client.Do(r)
		must(t, err)
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		var name, last string
		events := map[string]int{}
		for lines.Scan() {
			if is, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = is
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				last = data
				if events[name]++; events["flow"] == 1 {
					ahead.Store(int64(c.ends + time.Second))
				}
				if events["flow"] > 3 {
					t.Fatalf("%s: goes on after its end", c.app)
				}
			}
		}
		must(t, lines.Err())
		must(t, resp.Body.Close())
		var told problem.Problem
		must(t, json.Unmarshal([]byte(last), &told))
		if name != "problem" || events["problem"] != 1 || told.Code != c.want.Code {
			t.Errorf("%s: %v, at last %q %s, want %s", c.app, events, name, last, c.want.Code)
		}
		again, err := client.Do(r)
		must(t, err)
		must(t, again.Body.Close())
		if again.StatusCode != c.want.Status {
			t.Errorf("%s: asked anew answered %d", c.app, again.StatusCode)
		}
		eventually(t, c.app+": its end and why are in the audit", func() bool {
			var ended, refused bool
			ids := map[string]bool{}
			for _, e := range w.entries() {
				if e.Request != resp.Header.Get("X-Request-Id") || e.Operation != "events" {
					continue
				}
				if ids[e.ID] {
					t.Fatalf("%s: two entries with one id", c.app)
				}
				ids[e.ID] = true
				ended = ended || e.Reason == "ended" && e.App == c.app
				refused = refused || e.Decision == "deny" && e.Status == c.want.Status
			}
			return ended && refused
		})
	}
}

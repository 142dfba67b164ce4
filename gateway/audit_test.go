package gateway_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

func TestNoAuditNoAnswer(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	const at = "/v1/lookup/person.partial/" + zhang
	eventually(t, "the record is there", func() bool { return w.get(at, "key-RS-GLJT", "GLJT").status == 200 })
	w.log.fail.Store(true)
	for name, r := range map[string]*reply{
		"lookup":  w.get(at, "key-RS-GLJT", "GLJT"),
		"batch":   w.post("/v1/lookup", "key-RS-GLJT", "GLJT", map[string]any{"view": "person.partial", "keys": []string{zhang}}),
		"denied":  w.get(at, "key-RS-GLJT", ""),
		"absent":  w.get("/v1/lookup/person.partial/"+li, "key-RS-GLJT", "GLJT"),
		"explain": w.get("/v1/explain/person/"+zhang, "key-SJ-JDGL", "SUPERVISE"),
		"verify":  w.post("/v1/verify", "key-RS-GLJT", "GLJT", map[string]any{"view": "person.verify", "key": zhang, "fields": map[string]string{"XM": "张三", "HJDZ": "云岭市"}}),
	} {
		if r.status != http.StatusServiceUnavailable || r.code() != "YIYUAN-5030" {
			t.Errorf("%s: answered %d %s", name, r.status, r.code())
		}
		if strings.Contains(r.text, "张") {
			t.Errorf("%s: data left without an audit entry", name)
		}
	}
	w.log.fail.Store(false)
	if r := w.get(at, "key-RS-GLJT", "GLJT"); r.status != 200 {
		t.Errorf("does not recover: %d", r.status)
	}
}

// TestAuditComesFirst holds the audit entry back and looks at the wire: not a
// byte of the answer may be on it.
func TestAuditComesFirst(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	const at = "/v1/lookup/person.partial/" + zhang
	eventually(t, "the record is there", func() bool { return w.get(at, "key-RS-GLJT", "GLJT").status == 200 })
	hold := make(chan struct{})
	w.log.hold.Store(&hold)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
	must(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer key-RS-GLJT\r\nX-Purpose: GLJT\r\nConnection: close\r\n\r\n", at)
	must(t, err)
	must(t, conn.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Fatal("a byte left before the audit entry was durable")
	}
	w.log.hold.Store(nil)
	close(hold)
	must(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	text, err := io.ReadAll(conn)
	must(t, err)
	if !strings.HasPrefix(string(text), "HTTP/1.1 200") {
		t.Errorf("then answered %.80s", text)
	}
}

// TestMatrix asks every application for every view, field by field.
func TestMatrix(t *testing.T) {
	w := start(t)
	w.ready()
	for _, app := range demoAccess() {
		for _, d := range w.cat.Datasets {
			for _, v := range d.Views {
				w.row(t, app, v)
			}
		}
		for _, e := range w.cat.Entities {
			for _, v := range e.Views {
				w.row(t, app, v)
			}
		}
	}
	denied := 0
	for _, e := range w.entries() {
		if e.Decision == audit.Deny {
			denied++
		}
	}
	if denied != w.denied {
		t.Errorf("%d refusals are in the audit, %d were given", denied, w.denied)
	}
}

// row asks one application for one view, for each field alone.
func (w *world) row(t *testing.T, app access.Application, v *schemas.View) {
	t.Helper()
	purpose := "GLJT"
	for _, g := range app.Grants {
		purpose = g.Purposes[0]
	}
	for _, field := range access.Fields(v) {
		granted := slices.ContainsFunc(app.Grants, func(g access.Grant) bool {
			return g.View == v.ID && g.Until.IsZero() && (slices.Contains(g.Fields, field) || slices.Contains(g.Fields, access.AllFields))
		})
		// A key of the wrong form is enough: what is granted gets as far as the key.
		r := w.get("/v1/lookup/"+v.ID+"/!?fields="+field, "key-"+app.ID, purpose)
		switch {
		case v.Only == "verify" || !granted:
			if r.status != http.StatusForbidden {
				t.Errorf("%s %s %s: answered %d, want 403", app.ID, v.ID, field, r.status)
			}
			w.denied++
		case r.status != http.StatusUnprocessableEntity && r.status != http.StatusNotFound && r.status != http.StatusTooManyRequests:
			t.Errorf("%s %s %s: answered %d %s", app.ID, v.ID, field, r.status, r.code())
		case r.status == http.StatusTooManyRequests:
			w.denied++
		}
		if r.body["data"] != nil {
			t.Errorf("%s %s %s: data were answered", app.ID, v.ID, field)
		}
	}
}

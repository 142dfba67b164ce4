package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestFleetBackfills: what is asked in a body becomes an order of the source's kind, written
// while the source is down for a moment; answers go by number; one that a person has stopped
// stays so, and what cannot be is said.
func TestFleetBackfills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, a := crew(t, nil, "ga", "mz")
		var asks []connectors.Ask
		f.members["ga"].cfg.Reread.Backfill = &connectors.Backfilling{Order: func(_ connectors.Config, ask connectors.Ask) (contract.Backfill, error) {
			asks = append(asks, ask)
			if ask.Table == "none" {
				return contract.Backfill{}, fmt.Errorf("没有这张表 / no such table: %w", connectors.ErrConfig)
			}
			return contract.Backfill{Table: ask.Table}, nil
		}}
		var written []string
		note := func(format string, args ...any) {
			written = append(written, fmt.Sprintf(format, args...)+" while "+states(f)["ga"])
		}
		f.parts.Backfill = func(_ context.Context, _ string, order contract.Backfill) error {
			note("read %s for %s", order.Table, order.By)
			return nil
		}
		f.parts.AcceptBackfill = func(_ context.Context, _ string, id, accept int64) error {
			note("accept %d of %d", accept, id)
			return nil
		}
		f.parts.CancelBackfill = func(_ context.Context, _ string, id int64) error {
			if note("cancel %d", id); id == 9 {
				return connectors.ErrNoBackfill
			}
			return nil
		}
		mux := http.NewServeMux()
		f.Routes(mux)
		post := func(path, body string) (int, string) {
			w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sources/"+path, strings.NewReader(body))
			r.Header.Set(OperatorHeader, "op@host")
			mux.ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		for _, tt := range []struct {
			path, body string
			code       int
			says       string
		}{
			{"ga/backfills", `{"table": "t", "from": ["a", 1.5], "to": [12345678901234567890], "window": "22:00-06:00", "rate": 7}`, 200, `"running"`},
			{"ga/backfills/3/accept?deletes=5", "", 200, `"running"`},
			{"ga/backfills/3/cancel", "", 200, `"running"`},
			{"ga/backfills", `{"table": "none"}`, 422, "no such table"},
			{"ga/backfills", `{"tabel": "t"}`, 422, "a JSON object"},
			{"ga/backfills", `{"table": "t", "from": [null]}`, 422, "a JSON object"},
			{"ga/backfills", `{"table": "t", "from": [{"a": 1}]}`, 422, "a JSON object"},
			{"ga/backfills", ``, 422, "a JSON object"},
			{"ga/backfills", `{"table": "` + strings.Repeat("x", 70_000) + `"}`, 422, "a JSON object"},
			{"ga/backfills/9/cancel", "", 404, ""},
			{"ga/backfills/x/cancel", "", 404, ""},
			{"ga/backfills/3/accept?deletes=-1", "", 422, ""},
			{"ga/backfills/3/accept", "", 422, ""},
			{"mz/backfills", `{"table": "t"}`, 409, "yiyuan source resync mz"},
			{"nobody/backfills", `{"table": "t"}`, 404, ""},
			{"nobody/backfills/1/cancel", "", 404, ""},
		} {
			if code, said := post(tt.path, tt.body); code != tt.code || !strings.Contains(said, tt.says) {
				t.Errorf("%s %.60s = %d %s", tt.path, tt.body, code, said)
			}
			synctest.Wait()
		}
		if want := (connectors.Ask{Table: "t", From: []string{"a", "1.5"}, To: []string{"12345678901234567890"}, Window: "22:00-06:00", Rate: 7}); cmp.Diff(want, asks[0]) != "" {
			t.Errorf("asked %+v", asks[0])
		}
		want := []string{"read t for op@host while stopped", "accept 5 of 3 while stopped", "cancel 3 while stopped", "cancel 9 while stopped"}
		if d := cmp.Diff(want, written); d != "" {
			t.Errorf("written (-want +got):\n%s", d)
		}
		if states(f)["ga"] != "running" {
			t.Errorf("afterwards ga is %s", states(f)["ga"])
		}
		if err := f.Stop(t.Context(), "ga", "op@host"); err != nil {
			t.Fatal(err)
		}
		began := a.begins("ga")
		if err := f.Backfill(t.Context(), "ga", connectors.Ask{Table: "t"}, ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if a.begins("ga") != began || states(f)["ga"] != "stopped" {
			t.Errorf("one that a person has stopped was started for it")
		}
		if err := f.CancelBackfill(t.Context(), "nobody", 1); !errors.Is(err, ErrNotHere) {
			t.Errorf("of nobody: %v", err)
		}
	})
}

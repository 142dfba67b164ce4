package push_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Of a dataset of which no row was ever pushed nobody may say that somebody is not
// in it, over restarts too, unless its source says that it may be empty. A position
// of before this was noted goes on as it did.
func TestAwaited(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	for _, id := range []string{"ZJ02", "ZR01"} {
		d, err := cfg.Catalogue.Dataset(id)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Datasets = append(cfg.Datasets, d)
	}
	s := server(t, push.Config{})
	at := schemas.Position("")
	session := func(when, body, want string) {
		t.Helper()
		src, err := push.Open(s)(t.Context(), cfg, at)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		answered := make(chan reply, 1)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if body != "" {
			front := httptest.NewServer(s.Handler())
			defer front.Close()
			go func() {
				r, _ := client{front.URL, zjKey}.send(ctx, "ZJ01", body)
				answered <- r
			}()
		}
		for {
			b, err := src.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if body != "" && len(b.Changes) == 0 {
				continue
			}
			at = b.After
			if got := strings.Join(b.Awaited, " "); got != want {
				t.Errorf("%s: awaited is %q, want %q", when, got, want)
			}
			if err := src.(connectors.Confirmer).Confirm(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			break
		}
		if body != "" {
			if r := <-answered; r.status != 200 {
				t.Errorf("%s: answered %d %s", when, r.status, r.body)
			}
		}
	}
	session("nothing was ever pushed", "", "ZJ01 ZJ02 ZR01")
	session("a row of one of them", row(1), "ZJ02 ZR01")
	session("after a restart", "", "ZJ02 ZR01")
	noted := at
	cfg.Options = map[string]any{"empty": []any{"ZR01"}}
	session("one may be empty", "", "ZJ02")
	cfg.Options = nil
	at = `2{"epoch":7,"push":12}`
	session("a position that does not say", "", "")
	at = `2{"epoch":7,"push":0}`
	session("one that had taken nothing", "", "ZJ01 ZJ02 ZR01")
	at = noted
	session("and the one before", "", "ZJ02 ZR01")
	cfg.Options = map[string]any{"empty": []any{"GA01"}}
	if _, err := push.Open(s)(t.Context(), cfg, at); err == nil {
		t.Error("a dataset of another source may be empty")
	}
}

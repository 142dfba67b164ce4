package process

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// TestRefusedPushesAreAudited: of every push that a department is refused the audit
// has an entry, of strangers' one a minute and neighbourhood with their number; the
// metric counts them all by code. Neither holds a value of a row or a key.
func TestRefusedPushesAreAudited(t *testing.T) {
	t.Parallel()
	const key, wrong, number = "a-push-key-of-wj-for-tests", "a-key-that-nobody-gave", "539902198503120777"
	var log bytes.Buffer
	cfg := settings.Default()
	cfg.Bus.Embedded.Listen, cfg.Push.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Listeners.TrustedProxies = []string{"127.0.0.1"}                // whose word on where strangers are is taken
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context())) // the audit is read after the parts have ended
	defer stop()
	a, err := New(ctx, cfg, e2e.Keys(t), slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var parts context.Context
	a.Group, parts = errgroup.WithContext(ctx)
	dataset := func(id string) *schemas.Dataset {
		d, err := a.Catalogue.Dataset(id)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	bound := connectors.Config{Name: "wj-push", Kind: "push", Datasets: []*schemas.Dataset{dataset("WJ01"), dataset("GA01")}}
	_, at, err := a.RunConnectors(parts, []connectors.Config{bound}, PushAccess{Keys: []push.Key{{Department: "WJ", Digest: push.KeyDigest(key)}}})
	if err != nil {
		t.Fatal(err)
	}
	send := func(bearer, from, path, body string) (status int, request, text string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", from)
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("X-Request-Id"), string(b)
	}
	const broken = `[{"GMSFHM":"` + number + `"`
	e2e.Await(t, "the source is open", func() string { // until then all are told to wait
		if status, _, text := send(key, "192.0.2.7", "/v1/push/WJ01", broken); status == http.StatusServiceUnavailable {
			return text
		}
		return ""
	})
	type entry struct {
		dataset, code string
		status        int
		request       string
	}
	var want []entry
	for _, c := range []struct {
		path, body, dataset string
		kind                *problem.Kind
	}{
		{"/v1/push/WJ01", broken, "WJ01", problem.PushJSON},
		{"/v1/push/WJ01", broken, "WJ01", problem.PushJSON}, // one each
		{"/v1/push/WJ01", `[{"nobody":"` + number + `"}]`, "WJ01", problem.PushRows},
		{"/v1/push/GA01", `[]`, "GA01", problem.NotProvider},
		{"/v1/push/" + number, `[]`, "", problem.NoPushedDataset},
		{"/v2/" + number, `[]`, "", problem.NoPath},
	} {
		status, request, text := send(key, "192.0.2.7", c.path, c.body)
		if status != c.kind.Status || !strings.Contains(text, c.kind.Code) {
			t.Errorf("%s: answered %d %s, want %s", c.path, status, text, c.kind.Code)
		}
		want = append(want, entry{c.dataset, c.kind.Code, c.kind.Status, request})
	}
	const strangers = 40
	for i := range strangers {
		send([]string{"", wrong}[i%2], fmt.Sprintf("203.0.113.%d", i), "/v1/push/WJ01", broken)
		send([]string{"", wrong}[i%2], "198.51.100.1", "/v1/push/WJ01", broken)
	}
	counted := refusedBy(t, a, "push")
	stop()
	if err := a.Group.Wait(); err != nil {
		t.Fatal(err)
	}

	var got []entry
	var others []audit.Entry
	var bytesOf strings.Builder
	reader := a.Codec.Reader(contract.AuditLayout)
	err = a.Bus.Replay(t.Context(), contract.Audit, func(r bus.Record) error {
		rec, err := reader.Decode(t.Context(), r.Value)
		if err != nil {
			return err
		}
		bytesOf.Write(r.Key)
		bytesOf.Write(r.Value)
		e := audit.ParseEntry(rec)
		if e.Operation != "push" {
			others = append(others, e)
			return nil
		}
		if e.Department != "WJ" || e.Decision != audit.Deny || e.Client != "192.0.2.7" || e.Count != 0 || e.Time.IsZero() || e.Rows != 0 || len(e.Subjects) != 0 {
			t.Errorf("entry of a department's refusal: %+v", e)
		}
		got = append(got, entry{e.View, e.Reason, e.Status, e.Request})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range want { // those from before the source was open stand there too
		if !slices.Contains(got, e) {
			t.Errorf("no entry %+v; there are %v", e, got)
		}
	}
	requests := map[string]bool{}
	for _, e := range got {
		requests[e.request] = true
	}
	if len(requests) != len(got) {
		t.Errorf("a request has two entries: %v", got)
	}
	slices.SortFunc(others, func(a, b audit.Entry) int { return strings.Compare(a.Client, b.Client) })
	var told []string
	for _, e := range others {
		told = append(told, fmt.Sprint(e.Operation, e.Client, e.Count, e.Request, e.Reason, e.Decision))
	}
	if want := []string{
		fmt.Sprint(audit.Stranger, "198.51.100.0/24", strangers, "push", "no_key,unknown_key", audit.Deny),
		fmt.Sprint(audit.Stranger, "203.0.113.0/24", strangers, "push", "no_key,unknown_key", audit.Deny),
	}; !slices.Equal(told, want) {
		t.Errorf("entries of strangers: %q, want %q", told, want)
	}
	all := map[string]float64{problem.NoKey.Code: strangers, problem.UnknownKey.Code: strangers}
	for _, e := range got {
		all[e.code]++
	}
	if fmt.Sprint(counted) != fmt.Sprint(all) {
		t.Errorf("yiyuan_listener_refused_total counts %v, want %v", counted, all)
	}
	a.Close() // whatever still writes the log ends
	for _, secret := range []string{number, key, wrong} {
		if strings.Contains(bytesOf.String(), secret) {
			t.Errorf("the audit holds %s", secret)
		}
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}

// refusedBy is how many requests the metrics say that a listener refused, by code.
func refusedBy(t *testing.T, a *Process, listener string) map[string]float64 {
	t.Helper()
	families, err := a.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "yiyuan_listener_refused_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["listener"] == listener {
				out[labels["code"]] = m.GetCounter().GetValue()
			}
		}
	}
	return out
}

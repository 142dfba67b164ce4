package journey

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A source that cannot log in, one whose server was never there, one whose slot was
// dropped and one that a person has stopped: the command source ls, /v1/flow, the
// metric, the doctor and the console say the same word of each, and none calls
// running what stands still.
func TestOneWordEverywhere(t *testing.T) {
	p := e2e.OpenRealPath(t)
	admin := e2e.FreePort(t)
	t.Setenv("YIYUAN_ADMIN_LISTEN", admin)
	t.Setenv("YIYUAN_GATEWAY_OPEN_CONSOLE", "true")
	stranger, err := url.Parse(p.DSN)
	if err != nil {
		t.Fatal("YIYUAN_TEST_POSTGRES is no URL")
	}
	stranger.User = url.UserPassword("nobody_"+p.Schema, "not-the-word")
	bindAlso(t, p, "locked-pg", stranger.String())
	bindAlso(t, p, "dead-pg", "postgres://u:not-the-word@"+e2e.FreePort(t)+"/d?sslmode=disable")
	city := e2e.Launch(t, "run", "--role", "connectors,gateway", "--config", p.Configure(t, e2e.GatewayRole))

	w := words{t, p, admin}
	w.await(map[string]string{"ga-pg": contract.StateRunning, "ga-files": contract.StateRunning, "locked-pg": contract.StateFailed, "dead-pg": contract.StateFailed})
	p.SQL(t, `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name LIKE 'yiyuan_%[1]s%%' AND active_pid IS NOT NULL`)
	dropSlot(t, p)
	if out, err := exec.CommandContext(e2e.Bounded(t), "yiyuan", "source", "stop", "ga-files", "--gateway", "http://"+admin).CombinedOutput(); err != nil {
		t.Fatalf("source stop: %v\n%s", err, out)
	}
	want := map[string]string{"ga-pg": contract.StateFailed, "ga-files": contract.StateStopped, "locked-pg": contract.StateFailed, "dead-pg": contract.StateFailed}
	w.await(want)

	found := e2e.DoctorSays(t, filepath.Join(p.Dir, e2e.GatewayRole+".yaml"))
	for name, state := range want {
		grade := e2e.Ill
		if state == contract.StateStopped {
			grade = e2e.Warned
		}
		e2e.WantJudged(t, found, "source."+name+".state", grade, state)
	}
	e2e.WantJudged(t, found, "source.ga-pg", e2e.Ill, "slot")
	for _, f := range found {
		if strings.Contains(f.What+f.Do, "not-the-word") {
			t.Errorf("%s shows a password", f.Check)
		}
		e2e.CommandsExist(t, f.Do)
	}
	t.Run("console", func(t *testing.T) { w.console(t, want) })
	city.Kill()
	// The process is gone without a word: whoever asks the bus hears of no source that runs.
	for _, f := range e2e.DoctorSays(t, filepath.Join(p.Dir, e2e.GatewayRole+".yaml")) {
		if strings.HasSuffix(f.Check, ".state") && f.Grade == e2e.Sound {
			t.Errorf("nothing runs, and %s is fine: %s", f.Check, f.What)
		}
	}
}

// words asks everybody who tells how sources do.
type words struct {
	*testing.T
	p     *e2e.RealPath
	admin string
}

// await waits until all say the same.
func (w words) await(want map[string]string) {
	w.Helper()
	tellers := map[string]func() map[string]string{"source ls": w.list, "/v1/flow": w.flow, "metric": w.metric}
	e2e.Await(w, "one word", func() string {
		for teller, ask := range tellers {
			said := ask()
			for name, state := range want {
				if said[name] != state {
					return fmt.Sprintf("%s says %q of %s, want %q", teller, said[name], name, state)
				}
			}
		}
		return ""
	})
}

func (w words) list() map[string]string {
	out, err := exec.CommandContext(e2e.Bounded(w), "yiyuan", "source", "ls", "--json", "--gateway", "http://"+w.admin).Output()
	if err != nil {
		return map[string]string{"error": err.Error()}
	}
	return w.states(out)
}

func (w words) flow() map[string]string { return w.states(w.get("http://" + w.p.Gateway + "/v1/flow")) }

// states reads the sources of an answer. A source that stands still says why and what to do.
func (w words) states(answer []byte) map[string]string {
	w.Helper()
	var page struct {
		Sources []struct {
			Name, State, Reason, Do string
			LastError               string `json:"last_error"`
		}
	}
	if err := json.Unmarshal(answer, &page); err != nil {
		return nil
	}
	said := map[string]string{}
	for _, s := range page.Sources {
		said[s.Name] = s.State
		if contract.StandsStill(s.State) && (s.Reason+s.LastError == "" || s.Do == "") {
			w.Errorf("%s is %s, without why or what to do: %s", s.Name, s.State, answer)
		}
		e2e.CommandsExist(w, s.Do)
	}
	return said
}

func (w words) metric() map[string]string {
	said := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^yiyuan_gateway_source_state\{source="([^"]+)",state="([^"]+)"\} 1$`).FindAllStringSubmatch(string(w.get("http://"+w.admin+"/metrics")), -1) {
		if said[m[1]] != "" {
			w.Errorf("%s is in two states: %s and %s", m[1], said[m[1]], m[2])
		}
		said[m[1]] = m[2]
	}
	return said
}

func (w words) get(address string) []byte {
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, address, nil)
	if err != nil {
		w.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil // not up yet
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil
	}
	return body
}

// console looks at the page of sources: each card bears the Chinese word.
func (w words) console(t *testing.T, want map[string]string) {
	tab := e2e.Chromium(t)
	page := "http://" + w.p.Gateway + "/"
	err := chromedp.Do(tab, chromedp.Navigate(page))
	if err == nil {
		_, err = chromedp.Run(tab, chromedp.Evaluate[any](`localStorage.setItem("yiyuan.lang", "zh"), 0`))
	}
	if err == nil {
		err = chromedp.Do(tab, chromedp.Navigate("about:blank"), chromedp.Navigate(page+"#/sources"))
	}
	if err != nil {
		t.Fatal(err)
	}
	word := map[string]string{contract.StateFailed: "需处理", contract.StateStopped: "已停"}
	e2e.Await(t, "the page of sources", func() string {
		cards, err := chromedp.Run(tab, chromedp.Evaluate[map[string]string](`Object.fromEntries([...document.querySelectorAll("section.source")].map((s) => [s.getAttribute("aria-label"), s.textContent]))`))
		if err != nil {
			return err.Error()
		}
		for name, state := range want {
			if !strings.Contains(cards[name], word[state]) {
				return fmt.Sprintf("the card of %s does not say %s: %s", name, word[state], cards[name])
			}
		}
		if !strings.Contains(cards["ga-pg"], contract.ResyncCommand("ga-pg")+" --dry-run") {
			return "the card of ga-pg does not show the trial of its remedy: " + cards["ga-pg"]
		}
		return ""
	})
	if dir := os.Getenv("YIYUAN_TEST_SHOTS"); dir != "" {
		shot, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "sources-failed.png"), shot, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// bindAlso binds the table of residents of another database as a source of its own.
func bindAlso(t *testing.T, p *e2e.RealPath, name, dsn string) {
	t.Helper()
	file := filepath.Join(p.Dir, name+".dsn")
	if err := os.WriteFile(file, []byte(dsn), 0o600); err != nil {
		t.Fatal(err)
	}
	e2e.Write(t, map[string]any{
		"source": name, "kind": "postgres", "datasets": []string{"GA01"},
		"options": map[string]any{
			"dsn": "file:" + file, "slot": "other_" + p.Schema, "publication": "other_" + p.Schema,
			"tables": map[string]any{p.Schema + ".t_czrk": map[string]any{"dataset": "GA01", "columns": map[string]string{"sfzh": "GMSFHM"}, "absent": []string{"CSZBH", "POGMSFHM"}}},
		},
	}, p.Dir, "sources", name+".yaml")
}

// dropSlot drops the slot of the source as a tidy administrator would, once nobody holds it.
func dropSlot(t *testing.T, p *e2e.RealPath) {
	t.Helper()
	e2e.Await(t, "the slot is dropped", func() string {
		p.SQL(t, `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name LIKE 'yiyuan_%[1]s%%' AND active_pid IS NOT NULL;
DO $$ BEGIN PERFORM pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE 'yiyuan_%[1]s%%' AND NOT active; EXCEPTION WHEN object_in_use THEN NULL; END $$`)
		if count(t, p, `SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'yiyuan_%[1]s%%'`) > 0 {
			return "it is still there"
		}
		return ""
	})
}

// count runs a query of one number.
func count(t *testing.T, p *e2e.RealPath, query string) (n int) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), p.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	if err := db.QueryRow(t.Context(), fmt.Sprintf(query, p.Schema)).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

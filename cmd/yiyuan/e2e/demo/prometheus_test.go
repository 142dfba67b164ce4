package demo

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
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

const dashboardFile = "deploy/grafana/yiyuan.json"

// panel is one of the dashboard's, with what it asks.
type panel struct {
	Title   string `json:"title"`
	Type    string `json:"type"`
	Targets []struct {
		Expr string `json:"expr"`
	} `json:"targets"`
}

func dashboard(t *testing.T) []panel {
	t.Helper()
	text, err := os.ReadFile(e2e.InTree(t, dashboardFile))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []panel `json:"panels"`
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	return board.Panels
}

// TestDashboardShowsEveryMetric: what is counted is looked at, and what is looked at is counted.
func TestDashboardShowsEveryMetric(t *testing.T) {
	page, err := os.ReadFile(e2e.InTree(t, "docs/reference/metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`yiyuan_[a-z0-9_]+`)
	var counted, shown []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(yiyuan_[a-z0-9_]+)`").FindAllStringSubmatch(string(page), -1) {
		counted = append(counted, m[1])
	}
	for _, p := range dashboard(t) {
		for _, target := range p.Targets {
			for _, m := range name.FindAllString(target.Expr, -1) {
				shown = append(shown, regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(m, ""))
			}
		}
	}
	for _, m := range counted {
		if !slices.Contains(shown, m) {
			t.Errorf("%s shows nothing of %s", dashboardFile, m)
		}
	}
	for _, m := range shown {
		if !slices.Contains(counted, m) {
			t.Errorf("%s asks for %s, which is not counted", dashboardFile, m)
		}
	}
}

// TestAlertsFire has promtool read the rules and run their trials, and wants one of each.
func TestAlertsFire(t *testing.T) {
	tool := filepath.Join(filepath.Dir(e2e.Service(t, "YIYUAN_TEST_PROMETHEUS")), "promtool")
	dir := e2e.InTree(t, "deploy/prometheus")
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"check", "config", "prometheus.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.CommandContext(t.Context(), tool, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert string `yaml:"alert"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	text, err := os.ReadFile(filepath.Join(dir, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	trials, err := os.ReadFile(filepath.Join(dir, "alerts_test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if !strings.Contains(string(trials), "  - name: "+r.Alert+"\n") || !strings.Contains(string(trials), "{eval_time: 2h, alertname: "+r.Alert+"}") {
				t.Errorf("alerts_test.yml has no trial of %s, or does not hold it against a healthy city", r.Alert)
			}
		}
	}
}

// silent are the panels of what happens in no healthy city that has just begun.
var silent = []string{
	"脱敏失败而不出的字段", "热备跟上的记录", "未能装入", "被停的核验", "让位的连接", "证书还有多久", "程序缺陷", "停住或等待的步骤", "缓存重建", "重新打开", "设置文件有误",
}

// scraper is a real Prometheus that scrapes a running city.
type scraper struct {
	t       *testing.T
	address string
}

// scrape starts it.
func scrape(t *testing.T, admin string) *scraper {
	t.Helper()
	program := e2e.Service(t, "YIYUAN_TEST_PROMETHEUS")
	dir, address := t.TempDir(), e2e.FreePort(t)
	target, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	file := e2e.Write(t, map[string]any{
		"global":     map[string]any{"scrape_interval": "1s", "evaluation_interval": "1s"},
		"rule_files": []string{e2e.InTree(t, "deploy/prometheus/alerts.yml")},
		"scrape_configs": []any{map[string]any{
			"job_name": "yiyuan", "scheme": target.Scheme, "static_configs": []any{map[string]any{"targets": []string{target.Host}}},
		}},
	}, dir, "prometheus.yml")
	cmd := exec.CommandContext(t.Context(), program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=warn")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the test's context has ended it
	return &scraper{t, address}
}

// ask evaluates an expression now and returns how many series it has.
func (p *scraper) ask(expression string) (int, error) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.address+"/api/v1/query?query="+url.QueryEscape(expression), nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	var out struct {
		Status string `json:"status"`
		Data   struct {
			Result []json.RawMessage `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &out); err != nil || out.Status != "success" {
		return 0, fmt.Errorf("%d %s", answer.StatusCode, text)
	}
	return len(out.Data.Result), nil
}

// answersTheDashboard wants every panel's question answered, and by something, but for what a healthy city does not do.
func (p *scraper) answersTheDashboard() {
	p.t.Helper()
	titles := map[string]bool{}
	for _, panel := range dashboard(p.t) {
		title, _, _ := strings.Cut(panel.Title, " / ")
		titles[title] = true
		for _, target := range panel.Targets {
			expression := strings.ReplaceAll(target.Expr, "$__rate_interval", "1m")
			e2e.Await(p.t, panel.Title, func() string {
				n, err := p.ask(expression)
				switch {
				case err != nil:
					return err.Error()
				case n == 0 && !slices.Contains(silent, title):
					return "no series for " + expression
				}
				return ""
			})
		}
	}
	for _, title := range silent {
		if !titles[title] {
			p.t.Errorf("no panel is called %s", title)
		}
	}
}

// raisesNoAlarm wants every alert looked at, over what has been scraped, and none firing.
func (p *scraper) raisesNoAlarm() {
	p.t.Helper()
	e2e.Await(p.t, "every alert is looked at and silent", func() string {
		if n, err := p.ask("yiyuan_gateway_access_up"); err != nil || n == 0 {
			return fmt.Sprint("nothing is scraped yet: ", err)
		}
		request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.address+"/api/v1/rules", nil)
		if err != nil {
			return err.Error()
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		var out struct {
			Data struct {
				Groups []struct {
					Rules []struct{ Name, State, Health string }
				}
			}
		}
		if err := json.NewDecoder(answer.Body).Decode(&out); err != nil || len(out.Data.Groups) == 0 {
			return fmt.Sprint("no rules: ", err)
		}
		for _, g := range out.Data.Groups {
			for _, r := range g.Rules {
				if r.Health != "ok" || r.State == "firing" {
					return fmt.Sprintf("%s is %s, %s", r.Name, r.State, r.Health)
				}
			}
		}
		return ""
	})
}

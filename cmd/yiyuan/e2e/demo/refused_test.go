package demo

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
)

// returned is the drop folder of a running city's province, and rows that it sends.
type returned struct {
	testing.TB
	city  e2e.DemoCity
	dir   string
	files int
	firm  string // of the row that is there
	month string
	other string // month of a row that is not there
	app   gateway.DemoApp
}

// provinceDataset is what the province gives back.
const provinceDataset = "SW02"

const returnedView = provinceDataset + ".partial"

// returnsOf finds a row that the city has and one that it has not.
func returnsOf(t testing.TB, city e2e.DemoCity) *returned {
	t.Helper()
	r := &returned{TB: t, city: city, dir: filepath.Join(filepath.Dir(city.Truth), "returned", provinceDataset), other: "199001"}
	r.firm, r.month, _ = strings.Cut(city.Samples[returnedView], "|")
	for _, app := range city.Apps {
		if app.ID == "SJ-JDGL" {
			r.app = app
		}
	}
	if r.month == "" || r.app.Key == "" {
		t.Fatalf("no row of %s to ask for", returnedView)
	}
	return r
}

// people is how many a lookup answers of a month, with the rest of the answer.
func (r *returned) people(month string) (people, answer string, status int) {
	r.Helper()
	body, err := json.Marshal(map[string]string{"key": r.firm + "|" + month})
	if err != nil {
		r.Fatal(err)
	}
	status, answer = e2e.Request(r, http.MethodPost, r.city.Gateway+"/v1/lookup/"+returnedView, r.app.Key, "SUPERVISE", string(body))
	var page struct {
		Data map[string]any `json:"data"`
	}
	if err := json.Unmarshal([]byte(answer), &page); err != nil {
		r.Fatalf("%d %s: %v", status, answer, err)
	}
	return fmt.Sprint(page.Data["SBRS"]), answer, status
}

// sends puts a file of both rows into the folder.
func (r *returned) sends(people, wages string) {
	r.Helper()
	cat := e2e.SampleCatalogue(r)
	d, err := cat.Dataset(provinceDataset)
	if err != nil {
		r.Fatal(err)
	}
	var b strings.Builder
	for i, f := range d.Fields {
		b.WriteString(map[bool]string{true: ","}[i > 0] + f.Title)
	}
	for _, month := range []string{r.month, r.other} {
		fmt.Fprintf(&b, "\n%s,%s,%s,%s", r.firm, month, people, wages)
	}
	r.files++
	name := filepath.Join(r.dir, fmt.Sprintf("test-%d.csv", r.files))
	for _, f := range [][2]string{{name, b.String() + "\n"}, {name + ".done", "rows=2\n"}} {
		if err := os.WriteFile(f[0]+".part", []byte(f[1]), 0o600); err != nil {
			r.Fatal(err)
		}
		if err := os.Rename(f[0]+".part", f[0]); err != nil {
			r.Fatal(err)
		}
	}
}

var refusedMark = regexp.MustCompile(`"refused":\[\{"dataset":"` + provinceDataset + `","since":"[^"]+","message":"` + provinceDataset + `（`)

// isRefused sends rows whose wages are no number and waits until lookups say so.
func (r *returned) isRefused() {
	r.Helper()
	before, answer, status := r.people(r.month)
	if status != http.StatusOK || !strings.Contains(answer, `"refused":[]`) {
		r.Fatalf("before anything was refused: %d %s", status, answer)
	}
	r.sends("4321", "不详")
	e2e.Await(r, "what is known is told to be old", func() string {
		people, answer, status := r.people(r.month)
		if status == http.StatusOK && people == before && refusedMark.MatchString(answer) {
			return ""
		}
		return fmt.Sprintf("%d %s", status, answer)
	})
	e2e.Await(r, "what was never known is told to have been sent", func() string { // its mark is another record, in another partition
		if _, answer, status := r.people(r.other); status != http.StatusNotFound || !refusedMark.MatchString(answer) {
			return fmt.Sprintf("%d %s", status, answer)
		}
		return ""
	})
	if _, metrics := e2e.Request(r, http.MethodGet, r.city.Admin+"/metrics", "", "", ""); !strings.Contains(metrics, `yiyuan_gateway_refused_rows{dataset="`+provinceDataset+`"} 2`) {
		r.Error("the metric does not show the two rows")
	}
}

// isMended sends the rows as they should be and waits until nothing is marked.
func (r *returned) isMended() {
	r.Helper()
	r.sends("4321", "500000.00")
	for _, month := range []string{r.month, r.other} {
		e2e.Await(r, "the row is mended", func() string {
			people, answer, status := r.people(month)
			if status == http.StatusOK && people == "4321" && strings.Contains(answer, `"refused":[]`) {
				return ""
			}
			return fmt.Sprintf("%d %s", status, answer)
		})
	}
}

// marks puts a mark of a person's row into the topic, as the step route does.
func (r *returned) marks(dataset, person string) {
	r.Helper()
	ctx := r.Context()
	keys, err := keyring.Load(filepath.Join(filepath.Dir(r.city.Truth), "keys.yaml"))
	if err != nil {
		r.Fatal(err)
	}
	b, err := bus.Open(ctx, bus.Config{Brokers: []string{r.city.Kafka}}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		r.Fatal(err)
	}
	defer b.Close()
	schemaLog, err := registry.Open(ctx, b.SchemaLog(), "", slog.New(slog.DiscardHandler))
	if err != nil {
		r.Fatal(err)
	}
	defer schemaLog.Close()
	e2e.MarkRefused(r, b, codec.New(schemaLog), keys, dataset, person)
}

// refusedIsShown: who asks in the console for a row whose newer version was
// refused sees that it is old, and of one that was never taken that it was sent.
func refusedIsShown(t *testing.T, city e2e.DemoCity) {
	tab := e2e.Chromium(t)
	r := returnsOf(t, city)
	r.isRefused()
	person := city.Samples["person.partial"]
	r.marks("GA01", person)
	for language, said := range map[string][3]string{
		"zh": {"不是最新内容", "不能据此断定", "这条记录的每一项从哪里来"},
		"en": {"not the newest", "is not certain", "Where each cell of this record"},
	} {
		if err := chromedp.Do(tab, chromedp.Navigate(city.Console)); err != nil {
			t.Fatal(err)
		}
		if _, err := chromedp.Run(tab, chromedp.Evaluate[any](`localStorage.setItem("yiyuan.lang", "`+language+`"), 0`)); err != nil {
			t.Fatal(err)
		}
		for shot, c := range map[string]struct {
			view, key string
			tab       int
			want      []string
		}{
			"there":     {returnedView, r.firm + "|" + r.month, 0, []string{said[0], provinceDataset}},
			"not-there": {returnedView, r.firm + "|" + r.other, 0, []string{said[0], said[1]}},
			"why":       {"person.partial", person, 2, []string{said[0], said[2], "GA01"}},
		} {
			if err := chromedp.Do(tab, chromedp.Navigate("about:blank"), chromedp.Navigate(city.Console+"#/lookup?view="+c.view)); err != nil {
				t.Fatal(err)
			}
			e2e.Await(t, "the notice "+shot, func() string {
				text, err := chromedp.Run(tab, chromedp.Evaluate[string](`(() => {
					if (!document.querySelector(".caller")?.innerText.includes("数据局监督")) {
						const option = [...document.querySelectorAll(".ant-select-item-option")].find((o) => o.innerText.includes("数据局监督"));
						if (option) option.click();
						else document.querySelector(".lookup-form .ant-select")?.dispatchEvent(new MouseEvent("mousedown", { bubbles: true }));
						return "another application asks";
					}
					const box = document.querySelector("input[data-search]");
					if (!box) return "no form";
					if (box.value !== "`+c.key+`") {
						Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(box, "`+c.key+`");
						box.dispatchEvent(new Event("input", { bubbles: true }));
						return "typed";
					}
					if (!document.querySelector(".lookup-answer [role=tab]")) document.querySelector("button[type=submit]:not([disabled])")?.click();
					document.querySelectorAll(".lookup-answer [role=tab]")[`+fmt.Sprint(c.tab)+`]?.click();
					return document.querySelector(".lookup-answer").innerText + ([...document.querySelectorAll(".lookup-answer .refused [href]")].some((a) => a.offsetParent) ? "" : "no notice");
				})()`))
				for _, w := range c.want {
					if err != nil || !strings.Contains(text, w) || strings.HasSuffix(text, "no notice") {
						return fmt.Sprintf("it does not show %q, %v\n%.2000s", w, err, text)
					}
				}
				return ""
			})
			if dir := os.Getenv("YIYUAN_TEST_SHOTS"); dir != "" {
				page, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, "refused-"+language+"-"+shot+".png"), page, 0o600)
				}
				if err != nil {
					t.Error(err)
				}
			}
		}
	}
}

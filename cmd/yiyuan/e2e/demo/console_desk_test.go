package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// desk is somebody at the console of a live city.
type desk struct {
	t    *testing.T
	tab  context.Context
	city e2e.DemoCity
}

func atDesk(t *testing.T, city e2e.DemoCity) *desk {
	d := &desk{t, e2e.Chromium(t), city}
	d.do(chromedp.Navigate(d.city.Console))
	d.shows("the tongue is set", `(localStorage.setItem("yiyuan.lang", "zh"), "set")`)
	return d
}

func (d *desk) do(actions ...chromedp.Action[chromedp.Void]) {
	d.t.Helper()
	if err := chromedp.Do(d.tab, actions...); err != nil {
		d.t.Fatal(err)
	}
}

// open goes to a page as if the address had been entered.
func (d *desk) open(path string) {
	d.t.Helper()
	d.do(chromedp.Navigate("about:blank"), chromedp.Navigate(d.city.Console+path))
}

// still has nothing on the page move by itself.
func (d *desk) still() {
	d.t.Helper()
	_, err := chromedp.Run(d.tab, func(ctx context.Context, t *chromedp.Target) (cdp.Empty, error) {
		return cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// turn goes from one page to another, as by a link.
func (d *desk) turn(path string) {
	d.t.Helper()
	d.shows("the way to "+path, `(location.hash = "`+path+`", "there")`)
}

// reaches says whether the browser reaches anything.
func (d *desk) reaches(reached bool) {
	d.t.Helper()
	_, err := chromedp.Run(d.tab, func(ctx context.Context, t *chromedp.Target) (network.EmulateNetworkConditionsByRuleResult, error) {
		return cdp.Call(ctx, t, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{{Offline: !reached, DownloadThroughput: -1, UploadThroughput: -1}}})
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// shows waits until an expression is true and returns it as text.
func (d *desk) shows(what, expression string) (text string) {
	d.t.Helper()
	e2e.Await(d.t, what, func() string {
		var err error
		if text, err = chromedp.Run(d.tab, chromedp.Evaluate[string]("String("+expression+` || "")`)); err != nil || text == "" {
			return fmt.Sprintf("not shown: %v", err)
		}
		return ""
	})
	return text
}

// faults are what a script finds wrong with the page, one a line.
func (d *desk) faults(script string) []string {
	d.t.Helper()
	text, err := chromedp.Run(d.tab, chromedp.Evaluate[string]("("+script+`)().join("\n")`))
	if err != nil {
		d.t.Fatal(err)
	}
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// nameless are the controls and pictures that a screen reader has no name for.
func (d *desk) nameless() (out []string) {
	d.t.Helper()
	tree, err := chromedp.Run(d.tab, func(ctx context.Context, t *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	if err != nil {
		d.t.Fatal(err)
	}
	text := func(v *accessibility.Value) string {
		var s string
		if v != nil {
			_ = json.Unmarshal(v.Value, &s) // what is no text has no name
		}
		return s
	}
	named := 0
	for _, n := range tree.Nodes {
		switch role := text(n.Role); role {
		case "button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "tab", "image", "img", "switch", "dialog", "navigation":
			if n.Ignored {
				continue
			}
			if named++; strings.TrimSpace(text(n.Name)) == "" {
				out = append(out, fmt.Sprintf("%s without a name (node %d)", role, n.BackendDOMNodeID))
			}
		}
	}
	if named < 5 {
		out = append(out, fmt.Sprintf("only %d controls were looked at", named))
	}
	return out
}

// small finds what is touched and is less than a finger high: all but links in running text and the crosses that empty a field.
const small = `() => {
  const wrap = ".ant-select, .ant-input-affix-wrapper, .ant-tabs-tab, label, .ant-segmented-item";
  const out = [];
  for (const e of document.querySelectorAll("a[href], button, input, select, summary, [role=button], [role=tab]")) {
    if (e.closest(".skip, p, small, .ant-input-clear-icon, .ant-select-clear, .ant-input-password-icon, [aria-hidden=true], .ant-tabs-nav-operations-hidden, .side:not(.side-open)")) continue;
    const whole = e.closest(wrap) ?? e, at = whole.getBoundingClientRect();
    if (at.width === 0 || at.height === 0 || getComputedStyle(e).visibility === "hidden") continue;
    if (at.height < 43.5 || (at.width < 43.5 && !(whole.innerText ?? "").trim())) out.push(e.tagName + "." + (e.getAttribute("class") ?? "") + " " + Math.round(at.width) + "x" + Math.round(at.height) + " " + (e.innerText ?? e.ariaLabel ?? "").slice(0, 20));
  }
  return [...new Set(out)];
}`

// faint finds text whose contrast with what lies behind it is below 4.5 (3 where it is large): WCAG 2.1 AA.
const faint = `() => {
  const rgba = (s) => { const m = s.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0]; return [m[0], m[1], m[2], m[3] ?? 1]; };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const light = (c) => { const [r, g, b] = c.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (e) => { const layers = []; for (let n = e; n; n = n.parentElement) { const c = rgba(getComputedStyle(n).backgroundColor); if (c[3] > 0) layers.push(c); if (c[3] === 1) break; } return layers.reduceRight((b, a) => over(a, b), [255, 255, 255, 1]); };
  const out = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const e = n.parentElement;
    if (!n.nodeValue.trim() || e.closest("script, style, noscript, svg, .sr, [disabled], [class*=disabled], .ant-tooltip")) continue;
    const s = getComputedStyle(e), at = e.getBoundingClientRect();
    if (at.width < 2 || at.height < 2 || s.visibility === "hidden") continue;
    const b = behind(e), f = over(rgba(s.color), b);
    const [hi, lo] = [light(f), light(b)].sort((x, y) => y - x);
    const px = parseFloat(s.fontSize), large = px >= 24 || (px >= 18.66 && Number(s.fontWeight) >= 700);
    const ratio = (hi + 0.05) / (lo + 0.05);
    if (ratio < (large ? 3 : 4.5)) out.push(ratio.toFixed(2) + " " + (e.getAttribute("class") ?? e.tagName) + " " + n.nodeValue.trim().slice(0, 20));
  }
  return [...new Set(out)];
}`

// everyPage is each page with a word that it shows once it is there.
var everyPage = []struct{ path, word string }{
	{"#/", "需处理"},
	{"#/catalogue", "户籍人口基本信息"},
	{"#/catalogue/GA01", "未婚"},
	{"#/catalogue/GA01?tab=masks", "GA01.partial"},
	{"#/catalogue/GA01?tab=rules", "XV-"},
	{"#/catalogue/GA01?tab=curl", "curl"},
	{"#/catalogue/entities/person", "婚姻登记"},
	{"#/lookup?view=person.partial", "用示例"},
	{"#/findings", "还剩"},
	{"#/verifications", "近期没有应用核验"},
	{"#/sources", "ga-live"},
	{"#/quarantine", "按原因"},
	{"#/topology", "route"},
}

// onAPhone looks at every page 390 pixels wide in the light, and 1,280 in the
// dark: nothing scrolls sideways, every control has a name and every text can be read, and
// on a phone what is touched is a finger high.
func onAPhone(t *testing.T, city e2e.DemoCity) {
	d := atDesk(t, city)
	d.still()
	const wide = `() => document.documentElement.scrollWidth > innerWidth ? [document.documentElement.scrollWidth + " pixels"] : []`
	for theme, width := range map[string]int64{"light": 390, "dark": 1280} {
		d.shows("the theme is set", `(localStorage.setItem("yiyuan.theme", "`+theme+`"), "set")`)
		lists := ".cards"
		if width == 390 {
			lists = ".ant-table"
			d.do(chromedp.EmulateViewport(width, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))
		} else {
			d.do(chromedp.EmulateViewport(width, 800))
		}
		d.open("#/")
		for _, p := range everyPage {
			d.turn(p.path)
			d.shows(p.path, `document.querySelector("main")?.innerText.includes("`+p.word+`") && document.documentElement.dataset.theme === "`+theme+`" && !document.querySelector("main `+lists+`") && "there"`)
			found := map[string][]string{"is wider than the screen": d.faults(wide), "has no name": d.nameless(), "cannot be read": d.faults(faint)}
			if width == 390 {
				found["is too small to touch"] = d.faults(small)
			}
			d.shot(theme + p.path)
			for what, list := range found {
				if len(list) > 0 {
					t.Errorf("%s, %s: %s:\n%s", p.path, theme, what, strings.Join(list, "\n"))
				}
			}
		}
	}
	d.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))
	d.open("#/")
	d.shows("the menu folds away", `getComputedStyle(document.querySelector(".side")).visibility === "hidden" && "away"`)
	d.shows("the menu opens", `(document.querySelector(".menu-button[aria-expanded=false]")?.click(), getComputedStyle(document.querySelector(".side")).visibility === "visible" && "open")`)
	if found := d.faults(`() => [...document.querySelectorAll(".side a")].filter((a) => a.getBoundingClientRect().height < 43.5).map((a) => a.innerText)`); len(found) > 0 {
		t.Errorf("too small to touch: %v", found)
	}
	d.shows("a page is chosen and the menu goes", `(document.querySelector(".side-open a[href='#/quarantine']")?.click(), location.hash === "#/quarantine" && !document.querySelector(".side-open") && "gone")`)
}

// shot keeps a picture where YIYUAN_TEST_SHOTS says.
func (d *desk) shot(name string) {
	d.t.Helper()
	dir := os.Getenv("YIYUAN_TEST_SHOTS")
	if dir == "" {
		return
	}
	shot, err := chromedp.Run(d.tab, chromedp.FullScreenshot(90))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, strings.NewReplacer("#/", "-", "/", "-", "?", "-").Replace(name)+".jpg"), shot, 0o600)
	}
	if err != nil {
		d.t.Error(err)
	}
}

// atTheBench enters a key at the bench: it says whose it is, stays for the tab
// and nowhere else, and is forgotten when told; a sample is a click away.
func atTheBench(t *testing.T, city e2e.DemoCity) {
	d := atDesk(t, city)
	d.open("#/lookup?view=person.partial")
	d.shows("a sample is taken", `(document.querySelector("[data-sample]")?.click(), document.querySelector("#bench-record")?.value === "`+d.city.Samples["person.partial"]+`" && "taken")`)
	answer := d.shows("the answer, with titles beside codes", `(document.querySelector("button[type=submit]:not([disabled])")?.click(), document.querySelector("table.record")?.innerText)`)
	for _, want := range []string{"性别", "婚姻状况"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer has no %s: %s", want, answer)
		}
	}
	d.shows("a code by its word", `[...document.querySelectorAll("table.record tr")].some((r) => /XBDM[\s\S]*(男|女)/.test(r.innerText)) && "by its word"`)
	d.shows("as of and source time, told apart", `["数据截至", "来源变更"].every((w) => document.querySelector(".answer-stamp")?.innerText.includes(w)) && "apart"`)

	key := cityKey(t, d.city, "JY-RXYJS")
	d.shows("a key of one's own is chosen", `(sessionStorage.setItem("yiyuan.bench.as", "\u0000entered"), "chosen")`)
	d.open("#/lookup")
	typed := `(() => { const box = document.querySelector("#bench-key"); if (!box) return "";
		Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(box, " ` + key + ` ");
		box.dispatchEvent(new Event("input", { bubbles: true })); return box.value })()`
	d.shows("the key is entered", typed)
	d.shows("whose it is", `(document.querySelector(".joined .ant-btn-primary:not([disabled])")?.click(), document.querySelector("[data-caller=JY-RXYJS]")?.innerText)`)
	d.open("#/lookup")
	if said := d.shows("it is still known after the page was loaded again", `document.querySelector("[data-caller=JY-RXYJS]")?.innerText`); !strings.Contains(said, "入学一件事") {
		t.Errorf("said to be of %q", said)
	}
	if where := d.shows("where the key is", `JSON.stringify([Object.values(sessionStorage).includes("`+key+`"), JSON.stringify({ ...localStorage }).includes("`+key+`"), document.cookie, location.href.includes("`+key+`")])`); where != `[true,false,"",false]` {
		t.Errorf("the key is kept as %s", where)
	}
	d.shows("it is forgotten", `(document.querySelector(".kept button")?.click(), !Object.values(sessionStorage).includes("`+key+`") && document.querySelector("#bench-key") && "forgotten")`)
}

// awayIsSaid goes to a page whose code was not loaded yet while the gateway is away:
// that is what the page says, not that the gateway was upgraded, and it comes by itself
// once the gateway is back.
func awayIsSaid(t *testing.T, city e2e.DemoCity) {
	d := atDesk(t, city)
	d.open("#/")
	d.shows("the first page", `document.querySelector("main")?.innerText.includes("需处理") && "there"`)
	d.reaches(false)
	d.turn("#/topology")
	d.shows("that it is away", `[...document.querySelectorAll("[role=alert]")].some((e) => e.innerText.includes("连不上网关")) && !document.body.innerText.includes("网关已升级") && "away"`)
	d.shot("away")
	d.reaches(true)
	d.shows("the page by itself", `location.hash === "#/topology" && document.querySelector("main")?.innerText.includes("route") && "there"`)
}

// exports takes the findings away as a file: all that the filter lets
// through, with the mark by which Excel knows the charset, times of Shanghai and codes
// by their words, and what tells subjects of one region apart.
func exports(t *testing.T, city e2e.DemoCity) {
	d := atDesk(t, city)
	var all struct{ Total int }
	status, body := e2e.Request(t, http.MethodGet, d.city.Gateway+"/v1/findings?state=open&limit=1", "", "", "")
	if err := json.Unmarshal([]byte(body), &all); err != nil || status != http.StatusOK || all.Total < 150 {
		t.Fatalf("findings: answered %d: %.200s", status, body)
	}
	d.open("#/findings")
	d.shows("the findings", `document.querySelectorAll(".subject").length >= 100 && "there"`)
	d.shows("subjects are told apart", `(() => { const all = [...document.querySelectorAll(".subject .chip")].map((e) => e.innerText); return new Set(all).size > 20 && /#[a-z2-7]{6}$/.test(all[0]) && "apart" })()`)
	file := d.shows("the file", `(window.taken ??= (() => {
		const real = URL.createObjectURL;
		URL.createObjectURL = (b) => (b.arrayBuffer().then((a) => (window.file = new TextDecoder("utf-8", { ignoreBOM: true }).decode(a))), real.call(URL, b));
		document.querySelector("[data-export=findings]").click();
		return true })(), window.file)`)
	lines := strings.Split(strings.TrimSuffix(file, "\r\n"), "\r\n")
	if !strings.HasPrefix(file, "\ufeff风险,") || len(lines) < all.Total-20 || len(lines) > all.Total+20 {
		t.Errorf("%d lines for %d findings, they begin with %.300q", len(lines), all.Total, file)
	}
	for i, line := range lines[1:] {
		for _, c := range strings.Split(line, ",") {
			if strings.ContainsAny(strings.TrimLeft(c, "\"")[:min(1, len(strings.TrimLeft(c, "\"")))], "=+-@") {
				t.Errorf("line %d has what may be a formula: %s", i, c)
			}
		}
	}
	if !strings.Contains(file, time.Now().In(time.FixedZone("CST", 8*3600)).Format("2006-01-02 ")) {
		t.Errorf("no time of today in Shanghai: %.500s", file)
	}
	d.shows("one finding, its evidence by words", `(document.querySelector("button.linkish.left")?.click(), /来源变更/.test(document.querySelector(".ant-drawer .side-card")?.innerText ?? "") && "by words")`)
	d.shows("what else is found about the same", `([...document.querySelectorAll(".ant-drawer button.linkish")].at(0)?.click(), location.hash.includes("subject=t1.") && new Set([...document.querySelectorAll("main .subject .chip")].map((e) => e.innerText)).size === 1 && "one")`)
}

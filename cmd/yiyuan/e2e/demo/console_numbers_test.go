package demo

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// noNumberInAddresses: whoever asks about a person in the console, has a cell explained, takes the code
// away or puts the number into a search box leaves it in no address: neither asked
// for nor shown nor in the history, nor in the browser's storage.
func noNumberInAddresses(t *testing.T, city e2e.DemoCity) {
	tab := e2e.Chromium(t)
	var mu sync.Mutex
	var asked []string
	if err := chromedp.Listen(tab, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok {
			mu.Lock()
			asked = append(asked, e.Request.Method+" "+e.Request.URL+e.Request.URLFragment)
			mu.Unlock()
		}
	}); err != nil {
		t.Fatal(err)
	}
	shows := func(what, expression string) (text string) { // waits until the expression is true
		t.Helper()
		e2e.Await(t, what, func() string {
			var err error
			if text, err = chromedp.Run(tab, chromedp.Evaluate[string]("String("+expression+` || "")`)); err != nil || text == "" {
				return fmt.Sprintf("not shown: %v", err)
			}
			return ""
		})
		return text
	}
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(tab, actions...); err != nil {
			t.Fatal(err)
		}
	}
	do(chromedp.Navigate(city.Console + "#/lookup?view=person.partial"))
	number := city.Samples["person.partial"]
	if len(number) != 18 {
		t.Fatalf("the sample is %d characters", len(number))
	}
	typed := func(box, text string) string { // as a person would, for React to hear
		return `(() => { const box = document.querySelector("` + box + `"); if (!box) return "";
			Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(box, "` + text + `");
			box.dispatchEvent(new Event("input", { bubbles: true })); return box.value })()`
	}
	shows("the form", typed("input[data-search]", number))
	shows("the answer", `(document.querySelector("button[type=submit]:not([disabled])")?.click(), document.querySelector("table.record")?.innerText)`)
	tabs := func(i int) string {
		return fmt.Sprintf(`(document.querySelectorAll("[role=tab]")[%d]?.click(), 1) && `, i)
	}
	shows("the explanation", tabs(2)+`(document.querySelector("table.explain") ?? document.querySelector(".oops"))?.innerText`)
	code := shows("the code", tabs(3)+`[...document.querySelectorAll(".code pre")].map((p) => p.innerText).find((text) => text.startsWith("curl"))`)
	if !strings.Contains(code, number) || !strings.Contains(code, "/v1/lookup/person.partial'") {
		t.Errorf("the code does not ask for the record in the body:\n%s", code)
	}
	shows("the global search", typed(".bar-search input", number[:6]+" "+number[6:]))
	shows("the search", `(document.querySelector(".bar-search input")?.form.requestSubmit(), "sent")`)
	shows("the catalogue", `location.hash.startsWith("#/catalogue") && "there"`)
	shows("the search is kept on the page", `[...document.querySelectorAll("input")].some((i) => i.value.replace(/ /g, "") === "`+number+`") && "kept"`)
	entries, err := chromedp.Run(tab, chromedp.NavigationEntries())
	if err != nil || len(entries.Entries) == 0 {
		t.Fatalf("no history: %v", err)
	}
	for _, e := range entries.Entries {
		if strings.Contains(e.URL+e.Title, number) || strings.Contains(e.URL, number[6:]) {
			t.Errorf("the history holds %s", e.URL)
		}
	}
	if storage := shows("the storage", `JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, document.title, history.state])`); strings.Contains(storage, number) {
		t.Errorf("the browser keeps the number: %s", storage)
	}
	mu.Lock()
	posted := 0
	for _, a := range asked {
		if strings.HasPrefix(a, "POST ") && (strings.Contains(a, "/v1/lookup/") || strings.Contains(a, "/v1/explain/")) {
			posted++
		}
		if strings.Contains(a, number) {
			t.Errorf("asked for %s", a)
		}
	}
	mu.Unlock()
	if posted < 2 {
		t.Errorf("lookup and explanation were not posted: %v", asked)
	}

	do(chromedp.Navigate("about:blank"), chromedp.Navigate(city.Console+"#/findings?q="+number)) // somebody's old bookmark
	shows("a bookmark without the number", `!location.href.includes("`+number+`") && document.querySelector("h1")?.innerText`)
}

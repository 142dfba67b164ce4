package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// TestConsole sits down at the console of one live city, each time in a browser of its own.
// What changes the city comes last.
func TestConsole(t *testing.T) {
	e2e.Service(t, "YIYUAN_TEST_CHROMIUM")
	_, _, city := demonstrated(t, "--correct-after", "1h")
	for _, one := range []struct {
		name string
		run  func(t *testing.T, city e2e.DemoCity)
	}{
		{"pages", lookAtPages}, {"phone", onAPhone}, {"bench", atTheBench}, {"exports", exports}, {"away", awayIsSaid}, {"addresses", noNumberInAddresses}, {"refused", refusedIsShown},
	} {
		t.Run(one.name, func(t *testing.T) { one.run(t, city) })
	}
}

// lookAtPages looks at every page of the console, in Chinese and in English: that it shows
// what it is for, fits the smallest screen without sideways scroll, and logs no error.
func lookAtPages(t *testing.T, city e2e.DemoCity) {
	tab := e2e.Chromium(t)
	pages := []struct{ path, zh, en string }{
		{"#/", "实时可查率", "real time"},
		{"#/catalogue", "户籍人口基本信息", "Provider"},
		{"#/catalogue/GA01", "公民身份号码", "Fields"},
		{"#/catalogue/entities/person", "GA01", "GA01"},
		{"#/lookup", "用途", "Purpose"},
		{"#/findings", "还剩", "Open"},
		{"#/verifications", "应用核验", "Verifications"},
		{"#/sources", "ga-live", "ga-live"},
		{"#/quarantine", "SW01", "SW01"},
		{"#/topology", "route", "route"},
	}
	for _, language := range []string{"zh", "en"} {
		err := chromedp.Do(tab, chromedp.Navigate(city.Console))
		if err == nil {
			_, err = chromedp.Run(tab, chromedp.Evaluate[any](`localStorage.setItem("yiyuan.lang", "`+language+`"), 0`))
		}
		if err != nil {
			t.Fatalf("choose %s: %v", language, err)
		}
		for _, p := range pages {
			t.Run(language+p.path, func(t *testing.T) {
				want := p.zh
				if language == "en" {
					want = p.en
				}
				ctx, cancel := context.WithTimeout(tab, time.Minute)
				defer cancel()
				if err := chromedp.Do(ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(city.Console+p.path)); err != nil {
					t.Fatalf("page %s: %v", p.path, err)
				}
				e2e.Await(t, "page "+p.path, func() string {
					text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
					if err == nil && strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
						return ""
					}
					return fmt.Sprintf("it does not show %q, %v\n%.2000s", want, err, text)
				})
				wide, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
				if err != nil {
					t.Fatal(err)
				}
				if wide > 1366 {
					t.Errorf("page %s is %d pixels wide, it must fit 1366", p.path, wide)
				}
				if dir := os.Getenv("YIYUAN_TEST_SHOTS"); dir != "" {
					name := language + strings.NewReplacer("#/", "-", "/", "-").Replace(p.path) + ".png"
					shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
					if err == nil {
						err = os.WriteFile(filepath.Join(dir, name), shot, 0o600)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

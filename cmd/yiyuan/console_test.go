package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
)

// live runs a demonstration until the test ends and returns the line it prints
// for programs.
func live(t *testing.T, o demoOptions) ready {
	t.Helper()
	o.json, o.listen, o.size = true, "127.0.0.1:0", world.Tiny
	ctx, stop := context.WithCancel(t.Context())
	out, printed := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := demo(ctx, o, printed, io.Discard)
		_ = printed.CloseWithError(errors.Join(err, io.EOF)) // always nil
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		_ = out.Close() // always nil
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("demo ended with %v", err)
		}
	})
	limit := time.AfterFunc(2*time.Minute, func() { _ = out.CloseWithError(errors.New("two minutes are over")) }) // always nil
	defer limit.Stop()
	var r ready
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	if err != nil {
		t.Fatalf("the demo was not ready: %v", err)
	}
	return r
}

// chromium returns a tab of a real Chromium, which fails the test on any error
// the page logs.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("YIYUAN_TEST_CHROMIUM")
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("YIYUAN_TEST_CHROMIUM is not set")
		}
		t.Skip("YIYUAN_TEST_CHROMIUM is not set: make test sets it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-proxy-server", true), chromedp.WindowSize(1366, 768), chromedp.Flag("lang", "zh-CN"),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("no-first-run", true))
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	tab, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	var mu sync.Mutex
	err := chromedp.Listen(tab, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page threw: %s", e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if e.Entry.Level == "error" && !strings.Contains(e.Entry.URL, "/v1/lookup") && !strings.Contains(e.Entry.URL, "/v1/explain") {
				t.Errorf("the page logged: %s %s", e.Entry.Text, e.Entry.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// TestConsole looks at every page of the console over the live city, in Chinese
// and in English: that it shows what it is for, fits the smallest screen without
// sideways scroll, and logs no error.
func TestConsole(t *testing.T) {
	tab := chromium(t)
	city := live(t, demoOptions{seed: 1, rate: 20, correctAfter: time.Hour, correctEvery: time.Second})
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
		for _, p := range pages {
			t.Run(language+p.path, func(t *testing.T) {
				want := p.zh
				if language == "en" {
					want = p.en
				}
				ctx, cancel := context.WithTimeout(tab, time.Minute)
				defer cancel()
				err := chromedp.Do(ctx, chromedp.Navigate(city.Console))
				if err == nil {
					_, err = chromedp.Run(ctx, chromedp.Evaluate[any](`localStorage.setItem("yiyuan.lang", "`+language+`"), 0`))
				}
				if err == nil {
					err = chromedp.Do(ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(city.Console+p.path))
				}
				if err != nil {
					t.Fatalf("page %s: %v", p.path, err)
				}
				await(t, "page "+p.path, 30*time.Second, func() string {
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
				shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
				if err != nil {
					t.Fatal(err)
				}
				if wide > 1366 {
					t.Errorf("page %s is %d pixels wide, it must fit 1366", p.path, wide)
				}
				if dir := os.Getenv("YIYUAN_TEST_SHOTS"); dir != "" {
					name := language + strings.NewReplacer("#/", "-", "/", "-").Replace(p.path) + ".png"
					if err := os.WriteFile(filepath.Join(dir, name), shot, 0o600); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

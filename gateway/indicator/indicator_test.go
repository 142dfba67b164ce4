package indicator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/indicator"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

func catalogue(t *testing.T) *schemas.Catalogue {
	t.Helper()
	c, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func good() indicator.Dataset {
	return indicator.Dataset{Published: true, Rows: 5, Running: true, Within: true, Known: true, Lag: time.Second, Health: indicator.Summary{Availability: 1, Fresh: 1, Observed: indicator.Window, Asked: 9, Lookups: 3}}
}

func TestRealtime(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	compute := func(change func(id string, d *indicator.Dataset)) []indicator.Indicator {
		return indicator.Compute(c, indicator.Targets{}.WithDefaults(), func(d *schemas.Dataset) indicator.Dataset {
			out := good()
			change(d.ID, &out)
			return out
		})
	}
	all := compute(func(string, *indicator.Dataset) {})
	for i, want := range []struct {
		id    string
		n, of int
		met   bool
	}{{"realtime", 17, 24, true}, {"realtime_shareable", 17, 23, true}, {"departments", 13, 14, true}, {"datasets", 23, 24, true}, {"mutual_checking", 13, 14, true}} {
		got := all[i]
		if got.ID != want.id || got.Numerator != want.n || got.Denominator != want.of || got.Met != want.met || len(got.Items) != want.of {
			t.Errorf("%s: %d of %d, met %v, %d items", got.ID, got.Numerator, got.Denominator, got.Met, len(got.Items))
		}
	}
	for name, c := range map[string]struct {
		change func(*indicator.Dataset)
		why    string
	}{
		"stopped":    {func(d *indicator.Dataset) { d.Running = false }, "已停止"},
		"late":       {func(d *indicator.Dataset) { d.Within, d.Lag = false, 90*time.Second }, "90 s behind"},
		"down":       {func(d *indicator.Dataset) { d.Health.Availability = 0.998 }, "可用率"},
		"slow":       {func(d *indicator.Dataset) { d.Health.P99 = time.Second }, "P99"},
		"loading":    {func(d *indicator.Dataset) { d.Published = false }, "加载"},
		"not really": {func(d *indicator.Dataset) { d.Health.Fresh = 0.5 }, "within 60 s only 50.0% of the last 24 h"},
		"no source":  {func(d *indicator.Dataset) { d.Known = false }, "没有数据源"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := compute(func(id string, d *indicator.Dataset) {
				if id == "GA01" {
					c.change(d)
				}
			})
			if got := list[0]; got.Numerator != 16 || got.Met {
				t.Errorf("%d of %d, met %v", got.Numerator, got.Denominator, got.Met)
			}
			for _, item := range list[0].Items {
				if item.ID == "GA01" && (item.Counted || !strings.Contains(item.Why, c.why)) {
					t.Errorf("item %+v", item)
				}
			}
		})
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	h := indicator.NewHealth()
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	h.Observe("A", false, 0, now)
	if s := h.Summary("A", now); s.Asked != 0 || s.Availability != 1 {
		t.Errorf("before it was loaded: %+v", s)
	}
	h.Loaded("A", now)
	h.Loaded("C", now)
	h.Probe("B", false, now)
	for range 50 {
		h.Observe("C", true, time.Hour, now)
	}
	if s := h.Summary("C", now); s.P99 != 0 {
		t.Errorf("judged by a few: %+v", s)
	}
	for i := range 1000 {
		took := time.Millisecond
		if i < 5 {
			took = time.Second
		}
		h.Observe("A", i != 999, took, now)
	}
	s := h.Summary("A", now)
	if s.Asked != 1000 || s.Availability != 0.999 || s.P99 < time.Millisecond || s.P99 > 2*time.Millisecond {
		t.Errorf("of 1000: %+v", s)
	}
	for range 10 {
		h.Observe("A", true, time.Second, now)
	}
	if s := h.Summary("A", now); s.P99 < time.Second || s.P99 > 2*time.Second {
		t.Errorf("slow ones are more than a hundredth: %+v", s)
	}
	if s := h.Summary("A", now.Add(25*time.Hour)); s.Asked != 0 {
		t.Errorf("a day later: %+v", s)
	}
}

// That a target is met is only said of what was watched for a whole window and asked
// for in it; that it is not met is said at once.
func TestNotYetKnown(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	for name, test := range map[string]struct {
		change       func(*indicator.Dataset)
		met, unknown bool
	}{
		"a whole window":                        {func(*indicator.Dataset) {}, true, false},
		"minutes":                               {func(d *indicator.Dataset) { d.Health.Observed = 5 * time.Minute }, false, true},
		"nobody asked":                          {func(d *indicator.Dataset) { d.Health.Lookups = 0 }, false, true},
		"not met":                               {func(d *indicator.Dataset) { d.Running, d.Health.Observed = false, time.Minute }, false, false},
		"a new window is judged by what is now": {func(d *indicator.Dataset) { d.Health.Observed, d.Health.Fresh = time.Hour, 0.5 }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := indicator.Compute(c, indicator.Targets{}.WithDefaults(), func(*schemas.Dataset) indicator.Dataset {
				d := good()
				test.change(&d)
				return d
			})
			for _, i := range list[:2] {
				if i.Met != test.met || i.Unknown != test.unknown || i.Window != indicator.Window {
					t.Errorf("%s: met %v, unknown %v, window %s", i.ID, i.Met, i.Unknown, i.Window)
				}
			}
			if i := list[2]; i.Unknown || i.Window != 0 {
				t.Errorf("%s: unknown %v, window %s, want a number of this moment", i.ID, i.Unknown, i.Window)
			}
		})
	}
}

// What was watched, asked and how current it was is counted from when it was loaded.
func TestHealthObserved(t *testing.T) {
	t.Parallel()
	h := indicator.NewHealth()
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	h.Lag("A", true, now)
	h.Loaded("A", now)
	h.Probe("A", true, now)
	h.Observe("A", true, time.Millisecond, now)
	h.Observe("A", false, time.Millisecond, now)
	for i := range 4 {
		h.Lag("A", i > 0, now)
	}
	if s := h.Summary("A", now.Add(time.Hour)); s.Observed != time.Hour || s.Asked != 3 || s.Lookups != 2 || s.Fresh != 0.75 {
		t.Errorf("after an hour: %+v", s)
	}
	if s := h.Summary("A", now.Add(30*time.Hour)); s.Observed != indicator.Window || s.Lookups != 0 || s.Fresh != 1 {
		t.Errorf("after more than a day: %+v", s)
	}
}

package throttle_test

import (
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors/throttle"
)

func TestWindow(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		when, err := time.Parse("15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, tt := range []struct {
		window, now string
		opens       time.Duration
	}{
		{"", "12:00:00", 0},
		{"08:30-17:00", "08:29:59", time.Second},
		{"08:30-17:00", "08:30:00", 0},
		{"08:30-17:00", "16:59:59", 0},
		{"08:30-17:00", "17:00:00", 15*time.Hour + 30*time.Minute},
		{"22:00-06:00", "23:00:00", 0},
		{"22:00-06:00", "00:00:00", 0},
		{"22:00-06:00", "05:59:59", 0},
		{"22:00-06:00", "06:00:00", 16 * time.Hour},
		{"22:00-06:00", "21:00:00", time.Hour},
		{" 22:00 - 06:00 ", "21:00:00", time.Hour},
	} {
		w, err := throttle.ParseWindow(tt.window)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Opens(at(tt.now)); got != tt.opens {
			t.Errorf("%s at %s opens in %s, want %s", tt.window, tt.now, got, tt.opens)
		}
	}
	for _, text := range []string{"22:00", "22:00-", "-06:00", "25:00-06:00", "22:00-22:00", "now", "22:00-06:00-07:00", "22-6"} {
		if _, err := throttle.ParseWindow(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// So many rows a second: what was read is paid for before more is, and standing idle saves nothing up.
func TestRate(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	th := throttle.New(throttle.Window{}, 100)
	if got := th.Most(2000); got != 100 {
		t.Errorf("%d rows at once, want what a second allows", got)
	}
	rows := 0
	for range 50 {
		th.Took(100, now)
		rows += 100
		wait, why := th.Wait(now)
		if wait != time.Second || why != "" {
			t.Fatalf("waits %s %q behind 100 rows", wait, why)
		}
		now = now.Add(wait)
	}
	now = now.Add(time.Hour)
	if wait, _ := th.Wait(now); wait != 0 {
		t.Errorf("after an hour it waits %s", wait)
	}
	th.Took(100, now)
	if wait, _ := th.Wait(now); wait != time.Second {
		t.Errorf("an hour was saved up: it waits %s", wait)
	}
	if free := throttle.New(throttle.Window{}, 0); free.Most(2000) != 2000 {
		t.Error("without a rate it reads less at once")
	}
}

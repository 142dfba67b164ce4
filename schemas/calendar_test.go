package schemas

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var holidays = &Calendar{
	Holidays: map[string]string{"2026-10-01": "国庆节", "2026-10-02": "国庆节", "2026-10-05": "国庆节", "2026-10-06": "国庆节", "2026-10-07": "国庆节", "2026-10-03": "国庆节"},
	Workdays: map[string]string{"2026-09-27": "国庆节调休", "2026-10-10": "国庆节调休"},
}

func day(t testing.TB, s string) time.Time {
	t.Helper()
	d, err := time.ParseInLocation(time.DateOnly, s, Zone)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCalendarAdd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-11-23", 1, "2026-11-24"},
		{"2026-11-20", 1, "2026-11-23"},  // over a weekend
		{"2026-11-21", 1, "2026-11-23"},  // from a Saturday
		{"2026-09-30", 1, "2026-10-08"},  // over the holiday
		{"2026-09-30", 3, "2026-10-10"},  // a Saturday that is worked
		{"2026-09-25", 1, "2026-09-27"},  // a Sunday that is worked
		{"2026-09-24", 10, "2026-10-13"}, // all of it
		{"2026-10-08", -1, "2026-09-30"},
		{"2026-10-03", 0, "2026-10-03"},
		{"2028-09-29", 1, "2028-10-02"}, // no data for the year: weekdays count
	} {
		if got := holidays.Add(day(t, c.from), c.n).Format(time.DateOnly); got != c.want {
			t.Errorf("Add(%s, %d) = %s, want %s", c.from, c.n, got, c.want)
		}
	}
	late := day(t, "2026-11-20").Add(23 * time.Hour)
	if got := holidays.Add(late, 1); got.Hour() != 23 || got.Location() != Zone {
		t.Errorf("Add does not keep the time of day: %v", got)
	}
}

func TestCalendarBetween(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		want     int
	}{
		{"2026-11-23", "2026-11-23", 0},
		{"2026-11-20", "2026-11-23", 1},
		{"2026-11-23", "2026-11-20", -1},
		{"2026-09-30", "2026-10-10", 3},
		{"2026-10-01", "2026-10-07", 0},
	} {
		if got := holidays.Between(day(t, c.from), day(t, c.to)); got != c.want {
			t.Errorf("Between(%s, %s) = %d, want %d", c.from, c.to, got, c.want)
		}
	}
	// One and the same instant may lie on two days: from's place decides.
	if got := holidays.Between(day(t, "2026-11-23"), day(t, "2026-11-24").UTC()); got != 1 {
		t.Errorf("Between over time zones = %d, want 1", got)
	}
}

func TestCalendarProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := time.Date(2026, 8, 1, 9, 30, 0, 0, Zone).AddDate(0, 0, rapid.IntRange(0, 120).Draw(t, "day"))
		n := rapid.IntRange(0, 60).Draw(t, "n")
		to := holidays.Add(from, n)
		if n > 0 && !holidays.Working(to) {
			t.Fatalf("Add(%v, %d) = %v is no working day", from, n, to)
		}
		if got := holidays.Between(from, to); got != n {
			t.Fatalf("Between(%v, Add(%d)) = %d", from, n, got)
		}
	})
}

func ExampleCalendar_Add() {
	due := holidays.Add(time.Date(2026, 9, 30, 0, 0, 0, 0, Zone), 7)
	fmt.Println(due.Format(time.DateOnly))
	// Output: 2026-10-15
}

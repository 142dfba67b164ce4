package schemas

import "time"

// Calendar knows working days.
type Calendar struct {
	Holidays map[string]string // 2026-10-01 -> 国庆节
	Workdays map[string]string // weekend days worked (调休)
}

// Working reports whether the calendar day of t is a working day: a weekday
// that is no holiday, or a weekend day that is worked (调休). In a year without
// data every weekday is one.
func (c *Calendar) Working(t time.Time) bool {
	day := t.Format(time.DateOnly)
	if _, holiday := c.Holidays[day]; holiday {
		return false
	}
	if _, worked := c.Workdays[day]; worked {
		return true
	}
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday
}

// Add returns the day on which a clock of that many working days, started on
// day, runs out: day itself does not count. The time of day is kept, in day's
// location. Negative numbers count back; zero returns day.
func (c *Calendar) Add(day time.Time, workingDays int) time.Time {
	step := 1
	if workingDays < 0 {
		step, workingDays = -1, -workingDays
	}
	for workingDays > 0 {
		day = day.AddDate(0, 0, step)
		if c.Working(day) {
			workingDays--
		}
	}
	return day
}

// Between counts the working days after the calendar day of from, up to and
// with that of to, so that Between(d, Add(d, n)) is n for n >= 0. It is negative when to
// lies before from. Both are taken in from's location.
func (c *Calendar) Between(from, to time.Time) int {
	to = to.In(from.Location())
	if civil(to).Before(civil(from)) {
		return -c.Between(to, from)
	}
	n := 0
	for day, end := civil(from), civil(to); day.Before(end); {
		day = day.AddDate(0, 0, 1)
		if c.Working(day) {
			n++
		}
	}
	return n
}

// civil is the calendar day of t as midnight UTC.
func civil(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

package schemas

import "time"

// Zone is the time zone of all dates of a catalogue: Asia/Shanghai, which has
// had no daylight saving time since 1991.
var Zone = time.FixedZone("Asia/Shanghai", zoneOffset)

const (
	zoneOffset = 8 * 60 * 60
	daySeconds = 24 * 60 * 60
)

// Midnight returns the start of t's day.
func Midnight(t time.Time) time.Time { return DayStart(DayNumber(t)) }

// DayNumber counts the days from 1970-01-01 to t's day.
func DayNumber(t time.Time) int64 {
	s := t.Unix() + zoneOffset
	if s < 0 {
		s -= daySeconds - 1
	}
	return s / daySeconds
}

// DayStart is the midnight at which a day begins.
func DayStart(day int64) time.Time { return time.Unix(day*daySeconds-zoneOffset, 0).In(Zone) }

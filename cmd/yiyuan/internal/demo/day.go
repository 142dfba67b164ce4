package demo

import (
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// day is the day of the city: today, or, of a city that was kept, the day on which it
// was begun, for its rows and its truth are of that day. Rules go by the machine's
// clock, so no other day can be asked for.
func (c *city) day(now time.Time) (time.Time, error) {
	want, of := synthetic.Today(now), "今天 / today"
	kept, err := synthetic.TruthDay(c.truth)
	if err != nil {
		return kept, err
	}
	if !kept.IsZero() {
		want, of = synthetic.Today(kept), "所留城市开始的那天 / the day on which the kept city was begun"
	}
	if given := c.options.Base; given != "" {
		if _, err := time.Parse(time.DateOnly, given); err != nil {
			return kept, exit.With(exit.Usage, fmt.Errorf("--base %q: 应为 / want 2026-11-22", given))
		}
		if given != want {
			return kept, exit.With(exit.Usage, fmt.Errorf("--base: %w", synthetic.OtherDay(given, want, of)))
		}
	}
	return time.ParseInLocation(time.DateOnly, want, schemas.Zone)
}

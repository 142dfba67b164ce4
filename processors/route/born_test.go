package route_test

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Nobody was born after today, by the calendar of Shanghai and the clock of the
// bus: such a row is refused. The number of somebody born in the future passes, as
// one with a wrong check digit does, and becomes a finding.
func TestBornInTheFuture(t *testing.T) {
	for born, refused := range map[string]bool{"2026-03-01": false, "2026-03-02": false, "2026-03-03": true, "2077-01-01": true, "9999-12-31": true} {
		c := newCity(t)
		say(t, c, "GA01 GMSFHM=539902207703120019 XM=张三 XBDM=1 CSRQ="+born)
		var why schemas.Record
		for _, r := range c.Drain() {
			if r.Topic == contract.Quarantine {
				var err error
				if why, err = c.Decode(r.Value); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := !why.IsZero(); got != refused || refused && why.Get("field").Str() != "CSRQ" {
			t.Errorf("born on %s: refused %v for %q, want %v", born, got, why.Get("field").Str(), refused)
		}
	}
}

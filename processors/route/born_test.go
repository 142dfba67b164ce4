package route_test

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// refusedFor takes a change and returns the field for which its row was refused, "" if
// it was taken.
func refusedFor(t *testing.T, change string) string {
	t.Helper()
	c := newCity(t)
	say(t, c, change)
	for _, r := range c.Drain() {
		if r.Topic != contract.Quarantine {
			continue
		}
		var why schemas.Record
		var err error
		if why, err = c.Decode(r.Value); err != nil {
			t.Fatal(err)
		}
		return why.Get("field").Str()
	}
	return ""
}

// Nobody was born after today and a day, by the calendar of Shanghai and the clock of
// the bus: such a row is refused. The number of somebody born in the future passes, as
// one with a wrong check digit does, and becomes a finding.
func TestBornInTheFuture(t *testing.T) {
	for born, refused := range map[string]bool{"2026-03-01": false, "2026-03-02": false, "2026-03-03": false, "2026-03-04": true, "2077-01-01": true, "9999-12-31": true} {
		got := refusedFor(t, "GA01 GMSFHM=53990220770312001X XM=张三 XBDM=1 CSRQ="+born)
		if (got != "") != refused || refused && got != "CSRQ" {
			t.Errorf("born on %s: refused for %q, want %v", born, got, refused)
		}
	}
}

// Nobody has died, married, been divorced or been cremated in the future, nor has
// anything been registered, issued, settled or decided then: the catalogue says so of
// an element or of a field. What may be planned is taken.
func TestYetToCome(t *testing.T) {
	const number, other = "539902198503120019", "539902198607150024"
	for _, c := range []struct{ row, field string }{
		{"WJ02 ZMBH=D1 GMSFHM=" + number, "SWRQ"},
		{"MZ03 HHZH=H1 GMSFHM=" + number, "HHRQ"},
		{"MZ03 HHZH=H1 HHRQ=2026-02-01 GMSFHM=" + number, "SWRQ"},
		{"MZ01 DJZH=M1 NFGMSFHM=" + number + " NVFGMSFHM=" + other, "DJRQ"},
		{"MZ01 DJZH=M1 DJRQ=2020-01-01 NFGMSFHM=" + number + " NVFGMSFHM=" + other, "LHRQ"},
		{"GA01 GMSFHM=" + number + " CSRQ=1985-03-12", "ZXRQ"},
		{"WJ01 CSZBH=B1", "QFRQ"},
		{"GA03 HPHM=云Z12348 HPZLDM=02 SYRGMSFHM=" + number, "CDRQ"},
		{"SC01 TYSHXYDM=91539900MA6NHKPB0Q", "CLRQ"},
		{"SP01 JDSWH=P1", "JDRQ"},
	} {
		for day, want := range map[string]string{"2026-03-03": "", "2026-03-04": c.field} {
			if got := refusedFor(t, c.row+" "+c.field+"="+day); got != want {
				t.Errorf("%s=%s: refused for %q, want %q", c.row+" "+c.field, day, got, want)
			}
		}
	}
	if got := refusedFor(t, "GA02 DJH=R1 GMSFHM="+number+" QSRQ=2026-02-01 ZZRQ=2031-12-31"); got != "" {
		t.Errorf("a residence that ends later: refused for %q", got)
	}
}

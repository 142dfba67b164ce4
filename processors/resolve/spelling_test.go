package resolve_test

import (
	"testing"
)

// A golden record shows what its source wrote; a source that spells the same
// otherwise agrees, breaks no rule, and looks the same behind every mask.
func TestSpellingIsKept(t *testing.T) {
	golden := func(address, other string) (value, reason, masked, digest string) {
		c := newCity(t)
		take(t, c, "YB01 GMSFHM=539902198503120013 XM=张三 JZDZ="+other)
		take(t, c, "GA02 GMSFHM=539902198503120013 DJH=R1 QSRQ=2026-01-01 JZDZ="+address)
		take(t, c, "GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-12 XBDM=1 HJDZ="+address)
		for _, r := range c.Out {
			if r.Value == nil {
				continue
			}
			rec, err := c.Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			switch string(r.Topic) {
			case "resolved.person":
				value = rec.Get("JZDZ").Str()
				for _, cell := range rec.Get("_cells").Records() {
					if losers := cell.Get("losers").Records(); cell.Get("field").Str() == "JZDZ" && len(losers) > 0 {
						reason = losers[0].Get("reason").Str()
					}
				}
			case "shared.person.partial":
				masked = rec.Get("JZDZ").Str()
			case "shared.person.verify":
				digest = rec.Get("HJDZ").Str()
			}
		}
		return value, reason, masked, digest
	}
	const wide, narrow = "云岭市岭东区东关街道１号", "云岭市岭东区东关街道1号"
	value, reason, masked, digest := golden(wide, narrow)
	value2, _, masked2, digest2 := golden(narrow, narrow)
	if value != wide || value2 != narrow {
		t.Errorf("golden records show %q and %q", value, value2)
	}
	if reason != "agrees" {
		t.Errorf("another spelling lost as %q", reason)
	}
	if masked != masked2 || digest != digest2 || digest == "" {
		t.Errorf("masks tell spellings apart: %q %q, digests equal: %v", masked, masked2, digest == digest2)
	}
}

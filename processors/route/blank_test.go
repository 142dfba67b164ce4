package route_test

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Blank is blank on every way in: a row written straight to its raw topic is
// refused for a required text or code that holds nothing to be seen, and one that
// may be null is null.
func TestBlank(t *testing.T) {
	for name, blank := range map[string]string{
		"empty": "", "space": " ", "tab and line": "\t\r\n", "ideographic": "\u3000\u3000", "no-break": "\u00a0\u202f\u2007", "zero width": "\u200b\u200d\ufeff", "filler": "\u3164\u115f\u1160\uffa0",
		"braille": "\u2800", "marks": "\u200e\u202a\u2066\u061c", "separators": "\u2028\u2029\u0085\u180e", "mixed": " \u3000\u200b\u00a0",
	} {
		c := newCity(t)
		d, err := c.Catalogue.Dataset("GA01")
		if err != nil {
			t.Fatal(err)
		}
		send := func(field string) []bus.Record {
			r, err := c.Change("GA01 GMSFHM=539902198503120013 CSRQ=1985-03-12 XBDM=1 XM=张三 HJDZ=云岭路1号 CSZBH=C1")
			if err != nil {
				t.Fatal(err)
			}
			rec, err := c.Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			values := make([]schemas.Value, rec.Len())
			for i := range values {
				values[i] = rec.Value(i)
			}
			values[d.Layout.Index(field)] = schemas.Text(blank)
			if r.Value, err = c.Encode(d, schemas.NewRecord(d.Layout, values)); err != nil {
				t.Fatal(err)
			}
			if err := c.Take(r); err != nil {
				t.Fatal(err)
			}
			return c.Drain()
		}
		for _, field := range []string{"XM", "XBDM", "GMSFHM", "HJDZ", "HJDXZQHDM"} {
			out := send(field)
			marked := len(out) == 2 && out[1].Topic == contract.Refused
			if len(out) == 0 || out[0].Topic != contract.Quarantine || marked != (field != "GMSFHM") || !marked && len(out) != 1 {
				t.Errorf("%s %s: %s, want one rejection, and a mark if its row is known", name, field, topicsOf(out))
				continue
			}
			rec, err := c.Decode(out[0].Value)
			if err != nil || rec.Get("reason").Str() != contract.ReasonMissing || rec.Get("field").Str() != field {
				t.Errorf("%s %s: rejected for %s of %s, %v", name, field, rec.Get("reason").Str(), rec.Get("field").Str(), err)
			}
		}
		for _, r := range send("CSZBH") {
			if r.Topic == contract.Quarantine && r.Value != nil || r.Topic == contract.Claims("birth") {
				t.Errorf("%s: a blank that may be null makes a record of %s", name, r.Topic)
			}
		}
	}
}

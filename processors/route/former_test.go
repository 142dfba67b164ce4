package route_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Whatever three sources of a dataset do to one row, it is what the last of them said, until
// that one deletes it, or one that never said it does, or any of them outright; what else a
// source said or deletes of a row that another has said since changes nothing, nor does what
// comes again.
func TestRowOfSeveralSources(t *testing.T) {
	c := newCity(t)
	rapid.Check(t, func(r *rapid.T) {
		c.Forget(start)
		said := ""
		tell := func(text string) {
			for _, out := range took(r, c, text) {
				if out.Topic == contract.Claims("person") {
					said = nameIn(r, c, out)
				}
			}
		}
		type department struct {
			seq    int
			has    bool // it said the row, and neither deleted it nor saw it deleted
			spoken []string
		}
		departments := map[string]*department{"x": {}, "y": {}, "z": {}}
		owner, want := "", ""
		for n := range rapid.IntRange(1, 25).Draw(r, "changes") {
			name := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(r, "source")
			d := departments[name]
			d.seq++
			switch what := rapid.SampledFrom([]string{"say", "say", "say", "delete", "delete", "outright", "repeat"}).Draw(r, "what"); what {
			case "say":
				want, owner, d.has = fmt.Sprintf("某%d", n), name, true
				text := fmt.Sprintf("GA01 GMSFHM=539902198503120013 CSRQ=1985-03-12 XM=%s @source=%s @seq=%d", want, name, d.seq)
				tell(text)
				d.spoken = append(d.spoken, text)
			case "delete", "outright":
				all := ""
				if what == "outright" {
					all = " @all=1"
				}
				if owner == name || !d.has || all != "" {
					want, owner = "", ""
					for _, other := range departments {
						other.has = false
						other.spoken = nil // a deletion is remembered of who deleted alone
					}
				}
				text := fmt.Sprintf("GA01 d GMSFHM=539902198503120013 @source=%s @seq=%d%s", name, d.seq, all)
				tell(text)
				if owner != "" {
					d.spoken = append(d.spoken, text)
				}
			case "repeat":
				if len(d.spoken) > 0 {
					tell(rapid.SampledFrom(d.spoken).Draw(r, "again"))
				}
			}
			if said != want {
				r.Fatalf("says %q, want %q", said, want)
			}
		}
	})
}

package route_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// took hands a line of a story to the city and returns what the step makes of it.
func took(r *rapid.T, c *stagetest.City, line string) []bus.Record {
	change, err := c.Change(line)
	if err != nil {
		r.Fatal(err)
	}
	if err := c.Take(change); err != nil {
		r.Fatal(err)
	}
	return c.Drain()
}

// nameIn is the name that a person's claim holds, "" if it is retracted.
func nameIn(r *rapid.T, c *stagetest.City, out bus.Record) string {
	rec, err := c.Decode(out.Value)
	if err != nil {
		r.Fatal(err)
	}
	m, err := claim.Parse(rec)
	if err != nil {
		r.Fatal(err)
	}
	if m.Retract {
		return ""
	}
	content, err := c.Decode([]byte(m.Value))
	if err != nil {
		r.Fatal(err)
	}
	return content.Get("XM").Str()
}

// Whatever a department does to the rows of a table of which several have one key: one
// row that stands is what is said and nothing is called unsure; of several the one
// written last is said, and that it is unsure; of none nothing. A row whose newest
// version was refused is unsure as long as it is so.
func TestRowsOfOneKey(t *testing.T) {
	c := newCity(t)
	rapid.Check(t, func(r *rapid.T) {
		c.Forget(start)
		type row struct {
			own, name string // name "" = none was ever taken
			bad       bool
		}
		var rows []row // the one written last comes last
		epoch, said, unsure := 1, "", false
		tell := func(format string, args ...any) {
			for _, out := range took(r, c, fmt.Sprintf("GA01 "+format+" GMSFHM=539902198503120013 @epoch=%d", append(args, epoch)...)) {
				switch {
				case out.Topic == contract.Refused:
					unsure = out.Value != nil
				case out.Topic == contract.Claims("person"):
					said = nameIn(r, c, out)
				}
			}
		}
		spellings := []string{"", "539902850312001", "５３９９０２１９８５０３１２００１３", "x"}
		write := func(i int, op, own, was string, n int) {
			one := rows[i]
			rows = slices.Delete(rows, i, i+1)
			date := "1985-03-12"
			if one.own, one.bad = own, rapid.IntRange(0, 5).Draw(r, "bad") == 0; one.bad {
				date = "2085-03-12"
			} else {
				one.name = fmt.Sprintf("某%d", n)
			}
			tell("%s XM=某%d CSRQ=%s @own=%s"+was, op, n, date, own)
			if !one.bad {
				i = len(rows)
			}
			rows = slices.Insert(rows, i, one) // one that is refused does not come to the front
		}
		for n := range rapid.IntRange(1, 25).Draw(r, "changes") {
			free := slices.DeleteFunc(slices.Clone(spellings), func(s string) bool { return slices.ContainsFunc(rows, func(o row) bool { return o.own == s }) })
			at := rapid.IntRange(0, max(0, len(rows)-1)).Draw(r, "row")
			switch what := rapid.SampledFrom([]string{"insert", "insert", "update", "update", "delete", "delete", "respell", "stranger", "truncate", "reread"}).Draw(r, "what"); {
			case what == "insert" && len(free) > 0:
				rows = append(rows, row{})
				write(len(rows)-1, "c", rapid.SampledFrom(free).Draw(r, "own"), "", n)
			case what == "update" && len(rows) > 0:
				write(at, "u", rows[at].own, "", n)
			case what == "respell" && len(rows) > 0 && len(free) > 0:
				write(at, "u", rapid.SampledFrom(free).Draw(r, "own"), " @was="+rows[at].own, n)
			case what == "delete" && len(rows) > 0:
				tell("d @own=%s", rows[at].own)
				rows = slices.Delete(rows, at, at+1)
			case what == "stranger" && len(rows) > 0 && len(free) > 0:
				tell("d @own=%s", free[0])
			case what == "truncate":
				tell("t")
				rows = nil
			case what == "reread" && len(rows) > 0:
				epoch++
				for i := range rows {
					rows[i].name, rows[i].bad = fmt.Sprintf("某%d", n), false
					tell("r XM=某%d CSRQ=1985-03-12 @own=%s", n, rows[i].own)
				}
			}
			// What stands: of those ever taken the last, if any.
			want := ""
			for _, one := range rows {
				if one.name != "" {
					want = one.name
				}
			}
			if doubt := len(rows) > 1 || len(rows) == 1 && rows[0].bad; said != want || unsure != doubt {
				r.Fatalf("said %q, unsure %v; the table has %+v", said, unsure, rows)
			}
		}
	})
}

// Of more rows of one key than are kept what is not known is never silent: nothing is
// shown once all that was kept is gone, and that is called unsure until the source is
// read again.
func TestManyRowsOfOneKey(t *testing.T) {
	const rows, key = 20, " TYSHXYDM=91539900MADE00011B"
	c := newCity(t)
	shown, unsure := "", false
	tell := func(line string) {
		say(t, c, "SC01 "+line+key)
		for _, out := range c.Drain() {
			switch out.Topic {
			case contract.Refused:
				unsure = out.Value != nil
			case contract.Shared("SC01.clear"):
				if shown = ""; out.Value != nil {
					rec, err := c.Decode(out.Value)
					if err != nil {
						t.Fatal(err)
					}
					shown = rec.Get("JGMC").Str()
				}
			case contract.Quarantine:
				if rec, err := c.Decode(out.Value); out.Value != nil && (err != nil || rec.Get("reason").Str() != contract.ReasonDuplicate || rec.Get("field").Str() != "TYSHXYDM") {
					t.Fatalf("quarantine says %s, %v", rec.Get("detail").Str(), err)
				}
			default: // claims, of which nothing is asked here
			}
		}
	}
	for i := range rows {
		tell(fmt.Sprintf("c JGMC=某某公司%d @own=x%d", i, i))
	}
	for i := rows - 1; i >= 0; i-- {
		want := fmt.Sprintf("某某公司%d", i)
		if i < 3 { // the eldest were not kept
			want = ""
		}
		if shown != want || !unsure {
			t.Errorf("%q is shown of %d rows, want %q; unsure %v", shown, i+1, want, unsure)
		}
		tell(fmt.Sprintf("d @own=x%d", i))
	}
	if shown != "" || !unsure {
		t.Errorf("%q is shown of none, unsure %v; nobody knows that there is none", shown, unsure)
	}
	tell("r JGMC=某某公司 @own= @epoch=1")
	if shown != "某某公司" || unsure {
		t.Errorf("read again: %q, unsure %v", shown, unsure)
	}
}

// A row that was kept aside under another catalogue is said and shown under that of now.
// One whose schema the registry has lost cannot be shown: that is told to be unsure.
func TestRowBesideAcrossCatalogues(t *testing.T) {
	const line = " GMSFHM=539902198503120013 CSRQ=1985-03-12 XM="
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("lost=%v", lost), func(t *testing.T) {
			c := newCity(t)
			say(t, c, "GA01 c"+line+"老证 @own=539902850312001")
			say(t, c, "GA01 c"+line+"新证 @own=")
			c.Drain()
			if lost {
				for key, value := range c.Route.State() {
					at := strings.Index(value, "老证")
					c.Route.Set(key, []byte(value[:at]+"\xff"+value[at+1:])) // no text under any schema
				}
			}
			c.Catalogue.Version = "another12345"
			again(t, c)
			if _, err := c.Route.Renew(); err != nil {
				t.Fatal(err)
			}
			say(t, c, "GA01 d"+line+"新证 @own=")
			last := map[contract.Topic]bool{}
			for _, r := range c.Drain() {
				if last[r.Topic] = r.Value != nil; r.Topic == contract.Claims("person") {
					rec, err := c.Decode(r.Value)
					if err != nil {
						t.Fatal(err)
					}
					last[r.Topic] = rec.Get("op").Str() != "d"
				}
			}
			for _, topic := range []contract.Topic{contract.Claims("person"), contract.Shared("GA01.partial"), contract.Shared("GA01.verify")} {
				if shown, told := last[topic]; !told || shown == lost {
					t.Errorf("%s: told %v, shown %v", topic, told, shown)
				}
			}
			if unsure, told := last[contract.Refused]; !told || unsure != lost {
				t.Errorf("refused: told %v, unsure %v", told, unsure)
			}
		})
	}
}

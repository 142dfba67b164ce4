package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Rows of a table of which the keys have one normal form are told apart: every change
// says how its row writes its key, by snapshot and by log alike, a change of key between
// two spellings is one row's, and so does a row that is refused.
func TestRowsOfOneKey(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{false, true} {
		t.Run(fmt.Sprintf("full=%v", full), func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.table(t, "t1")
			db.must(t, "ALTER TABLE t1 ALTER region TYPE char(8)")
			if full {
				db.must(t, "ALTER TABLE t1 REPLICA IDENTITY FULL")
			}
			db.must(t, "INSERT INTO t1 (region, id, count) VALUES ('n', 'A1', 1), ('n', 'Ａ1', 2)")
			src := open(t, db.config(t, nil), "")
			steps := []string{
				"UPDATE t1 SET count = 3 WHERE id = 'Ａ1'",
				"UPDATE t1 SET id = 'Ａ１' WHERE id = 'Ａ1'",
				"UPDATE t1 SET id = 'Ａ2' WHERE id = 'Ａ１'",
				"INSERT INTO t1 (region, id, count, amount) VALUES ('n', 'A１', 1, 'NaN')",
				"DELETE FROM t1 WHERE id = 'A１'",
				"DELETE FROM t1 WHERE id = 'A1'",
			}
			db.must(t, steps...)
			c := collect(t, src, true, caughtUp())
			say := func(op schemas.Op, key string, s schemas.Spelling) string {
				out := fmt.Sprintf("%c %s own=%s", op, key, s.Is)
				if s.Moved {
					out += " was=" + s.Was
				}
				if !s.Known {
					out += " unknown"
				}
				return out
			}
			type saying struct {
				at   schemas.Sequence
				text string
			}
			var said []saying
			for _, b := range c.batches {
				for _, x := range b.Changes {
					said = append(said, saying{x.Origin.Sequence, say(x.Op, x.Key, x.Spelling)})
				}
				for _, x := range b.Refused {
					said = append(said, saying{x.Origin.Sequence, say(schemas.Refused, x.Key, x.Spelling)})
				}
			}
			slices.SortFunc(said, func(a, b saying) int { return a.at.Compare(b.at) })
			var got []string
			for _, one := range said {
				got = append(got, one.text)
			}
			want := []string{
				"r n|A1 own=", "r n|A1 own=n|Ａ1",
				"u n|A1 own=n|Ａ1", "u n|A1 own=n|Ａ１ was=n|Ａ1",
				"d n|A1 own=n|Ａ１", "c n|A2 own=n|Ａ2",
				"x n|A1 own=n|A１", "d n|A1 own=n|A１", "d n|A1 own=",
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("what is said of the rows (-want +got):\n%s", d)
			}
		})
	}
}

package postgres_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestUnchangedSinceRefused: of a row whose version before was refused the log leaves out a
// long value that only that version had; it is taken from the table, in the stream and
// after first rows, also when the source was opened again in between.
func TestUnchangedSinceRefused(t *testing.T) {
	t.Parallel()
	long := func(s string) string { return strings.Repeat(s, 3000) }
	for name, tt := range map[string]struct{ before, refused, mended, want string }{
		"changed, then mended":  {"INSERT INTO t1 (region, id, count, note) VALUES ('n', '1', 1, '" + long("a") + "')", "UPDATE t1 SET amount = 'NaN', note = '" + long("b") + "'", "UPDATE t1 SET amount = 1", long("b")},
		"inserted, then mended": {"", "INSERT INTO t1 (region, id, count, amount, note) VALUES ('n', '1', 1, 'NaN', '" + long("b") + "')", "UPDATE t1 SET amount = 1", long("b")},
		"first rows":            {"INSERT INTO t1 (region, id, count, amount, note) VALUES ('n', '1', 1, 'NaN', '" + long("b") + "')", "", "UPDATE t1 SET amount = 1", long("b")},
		"without a key":         {"", "INSERT INTO t1 (region, id, count, note) VALUES ('n', repeat('1', 50), 1, '" + long("b") + "')", "UPDATE t1 SET id = '1'", long("b")},
	} {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, opened again: %t", name, again), func(t *testing.T) {
				t.Parallel()
				db := newDatabase(t)
				db.table(t, "t1")
				db.must(t, tt.before)
				cfg := db.config(t, nil)
				src := open(t, cfg, "")
				c := collect(t, src, true, caughtUp())
				refused := len(c.rejections)
				if tt.refused != "" {
					db.must(t, tt.refused)
					c = collect(t, src, true, caughtUp())
					refused += len(c.rejections)
				}
				if refused != 1 {
					t.Fatalf("%d rows were refused, want one", refused)
				}
				if again {
					if err := src.Close(); err != nil {
						t.Fatal(err)
					}
					db.free(t)
					src = open(t, cfg, c.at)
				}
				db.must(t, tt.mended)
				c = collect(t, src, true, caughtUp())
				if len(c.changes) != 1 || len(c.rejections) > 0 {
					t.Fatalf("%d changes and %d rejections, want one change", len(c.changes), len(c.rejections))
				}
				if got := c.changes[0].Record.Get("NOTE"); got.IsNull() || got.Str() != tt.want {
					t.Error("the long value is not what the table has")
				}
				if strings.Contains(string(c.at), "bbb") {
					t.Error("the position holds values")
				}
			})
		}
	}
}

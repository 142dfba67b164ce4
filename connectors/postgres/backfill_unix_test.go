//go:build unix

package postgres_test

import (
	"context"
	"slices"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// TestBackfillOfWhatNobodySees: a transaction that waits for a synchronous standby is in the log,
// and is sent, while nobody sees it yet. Rows are not read before it is seen, or what is published
// already would be followed by what was there before.
func TestBackfillOfWhatNobodySees(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	db := c.start(t, "live")
	defer c.stop(t, "immediate")
	db.table(t, "t1")
	db.insert(t, "t1", 1, 4)
	cfg := db.config(t, nil)
	src := open(t, cfg, "")
	at := collect(t, src, true, caughtUp()).at
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	db.free(t)
	cfg.Backfill = asked(t, cfg, connectors.Ask{Table: "t1", Rate: 1})
	src = open(t, cfg, at)
	defer src.Close() // before the server stops
	batches := func(test func(connectors.Backfilled) bool) func(*collected) bool {
		return func(c *collected) bool {
			return slices.ContainsFunc(c.batches, func(b connectors.Batch) bool { return b.Backfill != nil && test(*b.Backfill) })
		}
	}
	collect(t, src, true, batches(func(b connectors.Backfilled) bool { return b.Rows > 0 }))
	waiter := db.another(t)
	db.must(t, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
	done := make(chan error, 1)
	go func() {
		_, err := waiter.Exec(context.WithoutCancel(t.Context()), "UPDATE t1 SET count = 77 WHERE id >= 'R0003'")
		done <- err
	}()
	brought := collect(t, src, true, func(c *collected) bool {
		return slices.ContainsFunc(c.batches, func(b connectors.Batch) bool {
			return slices.ContainsFunc(b.Changes, func(c schemas.Change) bool { return c.Key == "north|R0004" })
		})
	})
	said := collect(t, src, true, batches(func(b connectors.Backfilled) bool { return b.Why != "" }))
	if len(done) > 0 {
		t.Fatal("the transaction waits for nobody")
	}
	db.must(t, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
	last := collect(t, src, true, batches(func(b connectors.Backfilled) bool { return b.Done }))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, c := range slices.Concat(brought.changes, said.changes, last.changes) {
		counts[c.Key] = c.Record.Get("COUNT").Int64()
	}
	if counts["north|R0003"] != 77 || counts["north|R0004"] != 77 {
		t.Errorf("the last word of the rows is %v", counts)
	}
}

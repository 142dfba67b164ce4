//go:build unix

package postgres_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// TestBackfillOfWhatNobodySees: a transaction that waits for a synchronous standby is in the log,
// and is sent, while nobody sees it yet. Rows are not read before it is seen, or what is published
// already would be followed by what was there before.
func TestBackfillOfWhatNobodySees(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	db := c.start(t, "live")
	defer c.stop(t, "immediate")
	cfg, at := db.begun(t, 60)
	cfg.Backfill = asked(t, cfg, connectors.Ask{Table: "t1", Rate: 5})
	src := open(t, cfg, at)
	defer src.Close() // before the server stops
	batches := func(test func(connectors.Backfilled) bool) func(*collected) bool {
		return func(c *collected) bool {
			return slices.ContainsFunc(c.batches, func(b connectors.Batch) bool { return b.Backfill != nil && test(*b.Backfill) })
		}
	}
	collect(t, src, true, batches(func(b connectors.Backfilled) bool { return b.Rows > 0 }))
	waiter := db.another(t)
	db.must(t, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
	// The server takes up its settings when it gets round to it: from then on a commit waits.
	var enough atomic.Bool
	done := make(chan error, 1)
	go func() {
		var err error
		for n := 100; err == nil && !enough.Load(); n++ {
			_, err = waiter.Exec(context.WithoutCancel(t.Context()), "UPDATE t1 SET count = $1 WHERE id >= 'R0059'", n)
		}
		done <- err
	}()
	said := collect(t, src, true, batches(func(b connectors.Backfilled) bool { return b.Why != "" }))
	enough.Store(true)
	db.must(t, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
	last := collect(t, src, true, batches(func(b connectors.Backfilled) bool { return b.Done }))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	after := collect(t, src, true, caughtUp())
	var want int64
	if err := db.QueryRow(t.Context(), "SELECT count FROM t1 WHERE id = 'R0060'").Scan(&want); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, c := range slices.Concat(said.changes, last.changes, after.changes) {
		counts[c.Key] = c.Record.Get("COUNT").Int64()
	}
	if counts["north|R0059"] != want || counts["north|R0060"] != want {
		t.Errorf("the last word of the rows is %d and %d, the table has %d", counts["north|R0059"], counts["north|R0060"], want)
	}
}

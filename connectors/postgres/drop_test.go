package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// TestDrop: what a source has made goes with it, what it has not made stays, and what
// another bus has made for a source of the same name is not touched.
func TestDrop(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	cfg := db.config(t, nil)
	cfg.Bus = "this bus"
	src := open(t, cfg, "")
	at := collect(t, src, true, caughtUp()).at
	counts := func(slots, publications int) {
		t.Helper()
		var s, p int
		if err := db.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = $1), (SELECT count(*) FROM pg_publication)", db.name).Scan(&s, &p); err != nil {
			t.Fatal(err)
		}
		if s != slots || p != publications {
			t.Errorf("%d slots and %d publications, want %d and %d", s, p, slots, publications)
		}
	}
	drops := func(cfg connectors.Config, at schemas.Position, want ...string) {
		t.Helper()
		said, err := postgres.Drop(t.Context(), cfg, at)
		if err != nil {
			t.Error(err)
		}
		for _, w := range want {
			if !strings.Contains(strings.Join(said, "\n"), w) {
				t.Errorf("it says %q, want %s", said, w)
			}
		}
	}
	if _, err := postgres.Drop(t.Context(), cfg, at); !errors.Is(err, connectors.ErrWaiting) {
		t.Errorf("while it is read: %v, want that it waits", err)
	}
	counts(1, 1)
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	db.free(t)
	other := cfg
	other.Bus = "another bus"
	drops(other, "", "没有复制槽", "不是本数据源建的，未动")
	counts(1, 1)
	drops(cfg, at, "已删除复制槽", "已删除发布")
	counts(0, 0)
	drops(cfg, at, "没有复制槽", "没有发布")
	if _, err := postgres.Open(t.Context(), cfg, at); !errors.Is(err, connectors.ErrPositionLost) {
		t.Errorf("after that it goes on: %v", err)
	}

	db.must(t, "CREATE PUBLICATION p FOR TABLE t1")
	theirs := cfg
	theirs.Options = map[string]any{}
	for k, v := range cfg.Options {
		theirs.Options[k] = v
	}
	theirs.Options["publication"] = "p"
	src = open(t, theirs, "")
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	db.free(t)
	drops(theirs, "", "已删除复制槽", `DROP PUBLICATION "p"`) // nothing was published yet: the slot is known by its mark
	counts(0, 1)
}

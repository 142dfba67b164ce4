package file_test

import (
	"context"
	"slices"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/file"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// A first file of a heading alone is a delivery only where that is declared; one with a
// row is.
func TestAwaitedWithoutRows(t *testing.T) {
	t.Parallel()
	for allowed, option := range map[bool]string{true: "allow", false: "refuse"} {
		dir := t.TempDir()
		drop(t, dir, "1.csv", head)
		src := open(t, config(t, dir, map[string]any{"empty": option}))
		awaited := func() bool {
			for {
				b, err := src.Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if err := src.(connectors.Confirmer).Confirm(t.Context(), b.After); err != nil {
					t.Fatal(err)
				}
				if !b.CaughtUp.IsZero() && settled(t, dir) {
					return slices.Contains(b.Awaited, "ZJ01")
				}
			}
		}
		if awaited() == allowed {
			t.Errorf("empty: %s: after a heading alone it is awaited: %v", option, !allowed)
		}
		drop(t, dir, "2.csv", head+rows(1, 1)+"B2,x\n")
		if awaited() {
			t.Errorf("empty: %s: awaited after a row", option)
		}
	}
}

// Until a first file was taken to its end nobody may say that somebody is not in the
// dataset: not when the folder is empty, not after a restart, not when the file was
// refused. A declared empty file is a delivery. A position of before this was noted
// that has taken files goes on as it did.
func TestAwaited(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	options := map[string]any{"mode": "replace", "empty": "allow"}
	at := schemas.Position("")
	idle := func(when string, want bool) {
		t.Helper()
		src, err := file.Open(t.Context(), config(t, dir, options), at)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		for {
			b, err := src.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			at = b.After
			if c, ok := src.(connectors.Confirmer); ok {
				if err := c.Confirm(t.Context(), at); err != nil {
					t.Fatal(err)
				}
			}
			if b.CaughtUp.IsZero() && b.Held == "" || !settled(t, dir) {
				continue
			}
			if awaited := slices.Contains(b.Awaited, "ZJ01"); awaited != want {
				t.Errorf("%s: awaited is %v, want %v", when, b.Awaited, want)
			}
			return
		}
	}
	idle("nothing was ever delivered", true)
	idle("after a restart", true)
	drop(t, dir, "1.csv", "JZWBM,LDZB\n1,2\n")
	idle("a file that was refused", true)
	drop(t, dir, "2.csv", head+"B1,x\n"+"B2\n")
	idle("a file of which every row was refused", true)
	drop(t, dir, "3.csv", head)
	idle("a declared empty table", false)
	idle("after another restart", false)
	at = `2{"epoch":7,"file":3,"keys":3}`
	idle("a position that does not say", false)
	at = `2{"epoch":7,"file":0}`
	idle("one that had begun no file", true)
	again := config(t, dir, options)
	again.Again = true
	src, err := file.Open(context.WithoutCancel(t.Context()), again, "")
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if b, err := src.Read(t.Context()); err != nil || len(b.Awaited) > 0 {
		t.Errorf("while it is read again: awaited %v, %v", b.Awaited, err)
	}
}

package resolve

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/processors/verification"
)

func drawHead(t *rapid.T) head {
	h := head{
		known: true, version: rapid.Uint64().Draw(t, "version"), current: true, table: rapid.IntRange(-1, 9).Draw(t, "table"), wake: rapid.Int64().Draw(t, "wake"),
		forget: rapid.Int64().Draw(t, "forget"), golden: rapid.Uint64().Draw(t, "golden"), values: rapid.Uint64().Draw(t, "values"),
		explain: rapid.Uint64().Draw(t, "explain"), defined: rapid.Uint64().Draw(t, "defined"), counted: rapid.Int64().Draw(t, "counted"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "lists") {
		h.views = append(h.views, shown{rapid.Uint64().Draw(t, "clear"), rapid.Uint64().Draw(t, "record")})
		h.sums = append(h.sums, rapid.Int64().Draw(t, "sum"))
		n := rapid.Int64()
		h.states = append(h.states, verification.State{
			Case: rapid.String().Draw(t, "case"), Phase: verification.Phase(rapid.Byte().Draw(t, "phase")), Since: n.Draw(t, "n"), OpenedAt: n.Draw(t, "n"),
			ClosedAt: n.Draw(t, "n"), Due: n.Draw(t, "n"), Reopened: n.Draw(t, "n"), Version: n.Draw(t, "n"), Wake: n.Draw(t, "n"),
			Owner: rapid.String().Draw(t, "owner"), Shown: rapid.Uint64().Draw(t, "shown"),
		})
	}
	return h
}

// A head is the same after the state; one that was cut is refused, whatever the
// cut, and noise never panics.
func TestHead(t *testing.T) {
	cat := []byte("0123456789ab")
	rapid.Check(t, func(t *rapid.T) {
		h := drawHead(t)
		stored := h.append(nil, cat)
		names := map[string]string{}
		var got head
		if err := got.parse(stored, cat, names); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(h, got, cmp.AllowUnexported(head{}, shown{})); diff != "" {
			t.Fatal(diff)
		}
		if err := got.parse(stored, []byte("another"), names); err != nil || got.current {
			t.Fatalf("a head of another catalogue counts as current, %v", err)
		}
		if err := got.parse(stored[:rapid.IntRange(0, len(stored)-1).Draw(t, "cut")], cat, names); !errors.Is(err, errHead) {
			t.Fatalf("parse of a cut head = %v", err)
		}
		_ = got.parse(append([]byte{headFormat}, rapid.SliceOf(rapid.Byte()).Draw(t, "noise")...), cat, names)
	})
}

// No entity's state keys begin with another entity's.
func TestKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		x, y := string(appendEntity(nil, prefixDossier, a)), string(appendEntity(nil, prefixDossier, b))
		if a != b && (len(x) <= len(y) && y[:len(x)] == x) {
			t.Fatalf("%q begins %q", a, b)
		}
	})
}

package route

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// An image is the same after the state; one whose header was cut is refused and
// noise never panics.
func TestImage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.SliceOf(rapid.Byte())
		m := image{
			live: true, source: bytes.Draw(t, "source"), sequence: schemas.Sequence{Epoch: rapid.Uint64().Draw(t, "epoch"), Major: rapid.Uint64().Draw(t, "major"), Minor: rapid.Uint32().Draw(t, "minor")},
			version: rapid.Uint64().Draw(t, "version"), at: rapid.Int64Min(0).Draw(t, "at"), edition: []byte("0123456789ab"), row: rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "row"),
		}
		if rapid.Bool().Draw(t, "refused") {
			m.refused = refusal{true, rapid.Bool().Draw(t, "for those beside"), bytes.Draw(t, "refused by"), schemas.Sequence{Epoch: 1, Major: rapid.Uint64().Draw(t, "refused at")}, rapid.Int64Min(0).Draw(t, "since")}
		}
		if m.named = rapid.Bool().Draw(t, "named"); m.named {
			m.own = bytes.Draw(t, "own")
		}
		for range rapid.IntRange(0, 3).Draw(t, "rows beside") {
			m.beside = append(m.beside, beside{rapid.Bool().Draw(t, "named"), bytes.Draw(t, "own"), rapid.Bool().Draw(t, "stale"), bytes.Draw(t, "row")})
		}
		m.more = rapid.Bool().Draw(t, "more")
		for range rapid.IntRange(0, 3).Draw(t, "sources before") {
			m.former = append(m.former, former{bytes.Draw(t, "source"), schemas.Sequence{Epoch: rapid.Uint64().Draw(t, "epoch"), Major: rapid.Uint64().Draw(t, "major")}})
		}
		stored := m.append(nil)
		got, err := parseImage(stored)
		if err != nil || string(got.source) != string(m.source) || got.sequence != m.sequence || got.version != m.version || got.at != m.at || string(got.edition) != string(m.edition) || string(got.row) != string(m.row) || !got.live ||
			cmp.Diff(got.beside, m.beside, cmp.AllowUnexported(beside{}), cmpopts.EquateEmpty()) != "" || cmp.Diff(got.former, m.former, cmp.AllowUnexported(former{}), cmpopts.EquateEmpty()) != "" || got.more != m.more || got.named != m.named || string(got.own) != string(m.own) || got.refused.beside != m.refused.beside ||
			got.refused.open != m.refused.open || string(got.refused.source) != string(m.refused.source) || got.refused.sequence != m.refused.sequence || got.refused.since != m.refused.since {
			t.Fatalf("parseImage(append) differs: %v", err)
		}
		if _, err := parseImage(stored[:rapid.IntRange(0, len(stored)-len(m.row)).Draw(t, "cut")]); !errors.Is(err, errImage) {
			t.Fatalf("parse of a cut image = %v", err)
		}
		_, _ = parseImage(append([]byte{imageFormat, 1}, bytes.Draw(t, "noise")...))
	})
}

// An image stored before images said when is read, without a time.
func TestTimelessImage(t *testing.T) {
	m, err := parseImage([]byte("\x01\x01\x03src\x07\x08\x09\x03cat" + "row"))
	if err != nil || !m.live || string(m.source) != "src" || m.sequence != (schemas.Sequence{Major: 7, Minor: 8}) || m.version != 9 || m.at != 0 || string(m.edition) != "cat" || string(m.row) != "row" {
		t.Errorf("parseImage = %+v, %v", m, err)
	}
}

// What is kept of the other rows of a key fits into an image beside the largest row; that
// they stand is kept in any case.
func TestBesideIsBounded(t *testing.T) {
	large := image{beside: []beside{{row: make([]byte, besideRoom/2)}, {row: make([]byte, besideRoom)}, {row: make([]byte, besideRoom/2)}, {row: make([]byte, besideRoom/2)}}}
	large.bound()
	if len(large.beside) != 4 || large.beside[0].row != nil || large.beside[1].row != nil || len(large.beside[2].row) == 0 || len(large.beside[3].row) == 0 || large.more {
		t.Error("not the newest contents are kept, as far as there is room, and every row")
	}
	many := image{beside: make([]beside, maxBeside+1)}
	if many.bound(); len(many.beside) != maxBeside || !many.more {
		t.Errorf("%d rows are kept, more %v", len(many.beside), many.more)
	}
}

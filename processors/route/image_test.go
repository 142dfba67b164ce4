package route

import (
	"errors"
	"testing"

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
			m.refused = refusal{true, bytes.Draw(t, "refused by"), schemas.Sequence{Epoch: 1, Major: rapid.Uint64().Draw(t, "refused at")}, rapid.Int64Min(0).Draw(t, "since")}
		}
		stored := m.append(nil)
		got, err := parseImage(stored)
		if err != nil || string(got.source) != string(m.source) || got.sequence != m.sequence || got.version != m.version || got.at != m.at || string(got.edition) != string(m.edition) || string(got.row) != string(m.row) || !got.live ||
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

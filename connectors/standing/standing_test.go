package standing

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// What is told of a key of which a source has several rows is what stands in its table:
// the row it spoke of last, and after its deletion the one before.
func TestStandingsOfOneKey(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		type row struct {
			own   string
			value byte
		}
		var rows []row
		key, stands := [16]byte{1}, New()
		for n := range byte(rapid.IntRange(1, 20).Draw(r, "changes")) {
			said := Said{OK: true, Ours: true, Sequence: schemas.Sequence{Major: uint64(n)}, own: []byte(rapid.SampledFrom([]string{"", "15", "18"}).Draw(r, "own"))}
			at := slices.IndexFunc(rows, func(o row) bool { return o.own == string(said.own) })
			switch said.There = rapid.Bool().Draw(r, "there"); {
			case said.There && at < 0 && len(rows) > 0 && rapid.Bool().Draw(r, "respelled"):
				at = len(rows) - 1 - rapid.IntRange(0, len(rows)-1).Draw(r, "row")
				said.was = []byte(rows[at].own)
				rows = append(slices.Delete(rows, at, at+1), row{string(said.own), n})
			case said.There && at >= 0:
				rows = append(slices.Delete(rows, at, at+1), row{string(said.own), n})
			case said.There:
				rows = append(rows, row{string(said.own), n})
			case at >= 0:
				rows = slices.Delete(rows, at, at+1)
			}
			newer := stands.Take(key, bus.Record{}, said, [8]byte{n})
			value, _, there := stands.Stands(key)
			if want := len(rows) > 0; there != want || want && value[0] != rows[len(rows)-1].value {
				r.Fatalf("there %v with %d, the table has %+v", there, value[0], rows)
			}
			if newer != (said.There || !there) {
				r.Fatalf("newer %v of there %v, and %v stands", newer, said.There, there)
			}
		}
	})
}

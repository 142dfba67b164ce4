package synthetic

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
)

// The same seed makes the same city, byte for byte, in every build of an edition: all rows, all that must be found, and all that
// the sources send, in its order. A build that makes other rows raises world.Edition, because a position of the old city would go on in
// the new one; then these digests change with it, and never otherwise.
func TestEdition(t *testing.T) {
	t.Parallel()
	if world.Edition != 2 {
		t.Fatalf("edition %d: put its digests here", world.Edition)
	}
	for _, test := range []struct {
		options Options
		want    string
	}{
		{Options{Seed: 1}, "85d0998ee18b40f7"},
		{Options{Seed: 4, Calm: true}, "4d846c4835fc83fe"},
		{Options{Seed: -3, Faults: true, Rate: 20}, "ae61c893f3e64e5a"},
	} {
		o := test.options
		o.Base = base
		if got := digest(t, o); got != test.want {
			t.Errorf("seed %d: the city has digest %s, edition %d has %s", o.Seed, got, world.Edition, test.want)
		}
	}
	o := Options{Seed: 1, Size: world.City, Base: base}
	h := sha256.New()
	if err := WriteTruth(h, o); err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(h.Sum(nil)[:8]), "6a8d37425b71aa1a"; got != want {
		t.Errorf("what must be found in the larger city has digest %s, edition %d has %s", got, world.Edition, want)
	}
}

// digest is of the truth and of every source's stream: the first copy, the corrections, and a while of the changes that follow.
func digest(t *testing.T, o Options) string {
	t.Helper()
	h := sha256.New()
	if err := WriteTruth(h, o); err != nil {
		t.Fatal(err)
	}
	cat := catalogue(t)
	for _, d := range Departments() {
		o.Department, o.End, o.Correct = d, true, true
		s := openAt(t, cat, o, "")
		for _, b := range drain(t, s) {
			write(h, b.State, b.After)
			for _, r := range b.Rejections {
				write(h, r.Dataset, r.Field, r.Reason, r.Locator, r.At.UnixMilli())
			}
			for _, c := range b.Changes {
				write(h, c.Dataset.ID, c.Key, c.Op, c.Origin.Sequence, c.Origin.At.UnixMilli(), c.Origin.Tx, c.Origin.TxIndex)
				for i := range c.Record.Len() {
					v := c.Record.Value(i)
					write(h, v.IsNull(), v.Str(), v.Int64())
				}
			}
		}
		for n := range 300 {
			e := s.(*source).live.At(n)
			write(h, e.Table.ID(), e.Key, e.Op, e.Sequence)
			_, _ = h.Write(fieldsOf(e.Table, e.Values)) // a hash never fails
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func write(to io.Writer, what ...any) { fmt.Fprintln(to, what...) }

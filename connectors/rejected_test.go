package connectors_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// TestRejectionsNameTheirRow: what quarantine holds of a row that was refused says which
// row it was, by the digest under which its mark is known and by its key, sealed, and where
// it stood; and of a row that nobody knows it says none of it, whatever stood beside it.
func TestRejectionsNameTheirRow(t *testing.T) {
	w := newWorld(t)
	keys, err := keyring.New("intl", map[int][]byte{1: bytes.Repeat([]byte{3}, 32)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	cfg := w.config()
	cfg.Keys = keys
	arrival := func(n uint64, key string) connectors.Arrival {
		return connectors.Arrival{
			Dataset: w.d, Cells: []connectors.Cell{connectors.Text(key), connectors.Text("x"), connectors.Text("many"), connectors.Text("many")}, Op: schemas.Update,
			Origin: schemas.Origin{Source: "count", Sequence: schemas.Sequence{Major: n}, At: time.UnixMilli(int64(n))}, Where: "t@" + key, Raw: [][]byte{[]byte(key), {byte(n)}},
		}
	}
	var b connectors.Batch
	for i, key := range []string{"B1", "", "B7"} {
		b.Take(cfg, arrival(uint64(11+i), key))
	}
	large := building(w.d, 2)
	large.Record, large.Origin.Sequence.Major = large.Record.With(1, schemas.Text(strings.Repeat("长", 400_000))), 14
	b.Changes, b.After = append(b.Changes, large), "3"
	err = connectors.Run(t.Context(), w.bus, w.codec, cfg, func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
		return &special{[]connectors.Batch{b}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	marks := map[string]string{"": ""} // by key the place that is marked
	for _, m := range w.marks(t) {
		marks[m.key] = m.pos
	}
	var got []string
	reader := w.codec.Reader(contract.QuarantineLayout)
	err = w.bus.Replay(t.Context(), contract.Quarantine, func(r bus.Record) error {
		if bytes.Contains(r.Value, []byte("B1")) != bytes.Contains(r.Value, []byte("t@B1")) {
			t.Errorf("quarantine holds a key beside the place")
		}
		rec, err := reader.Decode(t.Context(), r.Value)
		if err != nil {
			return err
		}
		is := contract.ParseRejection(rec)
		key, digest := "", ""
		if is.RowKey != "" {
			if key, err = keys.Unseal("quarantine.row:"+w.d.ID, is.RowKey); err != nil {
				return err
			}
			digest = keys.DigestHex("refused.row:"+w.d.ID, key)
		}
		pos := ""
		if is.From != "" {
			pos = string(contract.AppendPos(nil, is.From, is.Sequence))
		}
		if is.Row != digest || pos != marks[key] {
			t.Errorf("%s: row %s at %s, want %s at %s", key, is.Row, pos, digest, marks[key])
		}
		got = append(got, key)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"B1", "B2", "B7"}, slices.Compact(slices.DeleteFunc(got, func(k string) bool { return k == "" }))); diff != "" || len(got) == 0 {
		t.Errorf("rows of which quarantine tells (-want +got):\n%s", diff)
	}
}

package connectors_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// What a source says of rows that it tells apart by how they write their key reaches the
// raw topic, in its own order: also of a row that it refused among the others.
func TestRunSaysWhichRow(t *testing.T) {
	w := newWorld(t)
	spelled := func(major uint64, op schemas.Op, s schemas.Spelling) schemas.Change {
		c := building(w.d, 1)
		c.Op, c.Origin.Sequence.Major, c.Spelling = op, major, s
		if op == schemas.Delete {
			c.Record = schemas.Record{}
		}
		return c
	}
	b := connectors.Batch{After: "3", Changes: []schemas.Change{
		spelled(1, schemas.Create, schemas.Spelling{Known: true}),
		spelled(3, schemas.Update, schemas.Spelling{Known: true, Is: "ｂ1", Moved: true}),
		spelled(4, schemas.Delete, schemas.Spelling{Known: true, Is: "ｂ1"}),
		spelled(5, schemas.Create, schemas.Spelling{}),
	}}
	b.Refuse(nil, w.d, "B1", make([]connectors.Cell, len(w.d.Fields)), spelled(2, schemas.Update, schemas.Spelling{}).Origin, schemas.Spelling{Known: true, Is: "Ｂ1"})
	w.run(t, "count", b)
	var got []string
	err := w.bus.Replay(t.Context(), contract.Raw(w.d.ID), func(r bus.Record) error {
		got = append(got, fmt.Sprintf("%s%s%s", r.Header(contract.Operation), r.Header(contract.Own), r.Header(contract.Was)))
		return nil
	})
	if want := []string{"c=", "x=Ｂ1", "u=ｂ1=", "d=ｂ1", "c"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("raw has %q, want %q; %v", got, want, err)
	}
}

// A source that is read again has rows of which several had one key: what it has no more
// is deleted, also where the last that was said of the key is that another row of it is
// gone, and what stands is not.
func TestResyncOfRowsOfOneKey(t *testing.T) {
	w := newWorld(t)
	o := &office{d: w.d, rows: map[string]string{}}
	at := uint64(100)
	change := func(n int, op schemas.Op, own string) schemas.Change {
		c := building(w.d, n)
		at++
		c.Op, c.Origin.Sequence.Major, c.Spelling = op, at, schemas.Spelling{Known: true, Is: own}
		if op == schemas.Delete {
			c.Record = schemas.Record{}
		}
		return c
	}
	var said []schemas.Change
	for i := range 40 { // enough, lest a person be asked
		said = append(said, change(i, schemas.Create, ""))
		o.put("B"+strconv.Itoa(i), "x")
	}
	for _, n := range []int{50, 51, 52, 53} {
		said = append(said, change(n, schemas.Create, ""), change(n, schemas.Create, "ｂ"))
	}
	said = append(said,
		change(50, schemas.Delete, "ｂ"), // the other stands, and goes while nobody looks
		change(51, schemas.Delete, ""),  // so does this
		change(52, schemas.Delete, "ｂ"), change(52, schemas.Delete, ""),
		change(53, schemas.Delete, "ｂ"), // the other stands
	)
	o.put("B53", "x")
	w.run(t, "count", connectors.Batch{After: "0,0", CaughtUp: time.UnixMilli(5), Changes: said})
	w.lacksTwo(t, o)
	var deleted []string
	err := w.bus.Replay(t.Context(), contract.Raw(w.d.ID), func(r bus.Record) error {
		if _, at, _ := contract.ParsePos(r.Header(contract.Pos)); at.Epoch == w.said(t).Epoch && string(r.Header(contract.Operation)) == string(schemas.Delete) {
			deleted = append(deleted, string(r.Key))
			if _, ok := contract.ParseOwn(r.Header(contract.Own)); ok {
				t.Error("an inferred delete names one row of its key")
			}
		}
		return nil
	})
	if slices.Sort(deleted); err != nil || strings.Join(deleted, " ") != "B50 B51" {
		t.Errorf("deleted were %v, %v", deleted, err)
	}
}

package synthetic

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// The lines of the truth file; README.md says what each is for.
type (
	runLine struct {
		Type    string `json:"type"` // run
		Version int    `json:"version"`
		Seed    int64  `json:"seed"`
		Size    string `json:"size"`
		Base    string `json:"base"`
	}
	findingLine struct {
		Type string `json:"type"` // finding
		world.Finding
	}
	rowLine struct {
		Type     string          `json:"type"`  // row, deleted
		Phase    string          `json:"phase"` // before, after
		Dataset  string          `json:"dataset"`
		Key      string          `json:"key"`
		Sequence string          `json:"sequence"`
		At       string          `json:"at,omitempty"`
		Fields   json.RawMessage `json:"fields,omitempty"`
	}
	duplicateLine struct {
		Type    string `json:"type"` // duplicate
		Dataset string `json:"dataset"`
		Count   int    `json:"count"`
	}
	quarantineLine struct {
		Type    string `json:"type"` // quarantine
		Dataset string `json:"dataset"`
		Field   string `json:"field"`
		Reason  string `json:"reason"`
		By      string `json:"by"` // source, route
	}
)

// WriteTruth writes what a bus that was fed by all thirteen sources of the
// options must have found and stored, as JSON lines. Which sources run, and
// where they stand, does not matter. Size Tiny includes all rows; larger ones
// only with Options.Rows. Seed, Size, Base and Rows are all it looks at.
func WriteTruth(to io.Writer, o Options) error {
	w, err := o.world(time.Now())
	if err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	buffer := bufio.NewWriterSize(to, 1<<20)
	t := &truth{w: w, to: json.NewEncoder(buffer)}
	t.to.SetEscapeHTML(false)
	t.write(runLine{"run", 1, o.Seed, w.Size(), w.Today().Format(time.DateOnly)})
	for f := range w.Findings() {
		t.write(findingLine{"finding", f})
	}
	t.write(quarantineLine{"quarantine", world.Broken.Table().ID(), brokenField, contract.ReasonSchema, "source"})
	t.write(quarantineLine{"quarantine", world.Malformed.Table().ID(), "NSRZTDM", contract.ReasonInvalid, contract.Route})
	if o.Rows || w.Size() == world.Tiny {
		for _, d := range world.Departments() {
			t.rows(d)
		}
	}
	if t.err != nil {
		return fmt.Errorf("write truth: %w", t.err)
	}
	if err := buffer.Flush(); err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	return nil
}

// writeTruthFile writes the truth to Options.Truth. Several sources may do so
// at once: each writes the same and renames it into place.
func writeTruthFile(o Options) error {
	f, err := os.CreateTemp(filepath.Dir(o.Truth), ".truth-*")
	if err != nil {
		return fmt.Errorf("write truth file %q: %w", o.Truth, err)
	}
	err = WriteTruth(f, o)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), o.Truth)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what is left of it serves nobody
		return fmt.Errorf("write truth file %q: %w", o.Truth, err)
	}
	return nil
}

type truth struct {
	w   *world.World
	to  *json.Encoder
	err error
}

func (t *truth) write(l any) {
	if t.err == nil {
		t.err = t.to.Encode(l)
	}
}

// rows writes the last images of one department's rows, before and, where they
// differ, after the corrections.
func (t *truth) rows(d world.Department) {
	s := world.NewStream(t.w, d)
	var repeated [world.TableCount]int
	for n := range s.Steps() {
		last := map[string]*world.Event{}
		var order []string
		sent := s.Step(n)
		for _, e := range s.Own(n) {
			id := e.Table.ID() + " " + e.Key
			old, known := last[id]
			if !known {
				order = append(order, id)
			}
			if !known || e.Sequence.Compare(old.Sequence) > 0 {
				last[id] = &e
			}
		}
		for _, id := range order {
			t.image("before", last[id])
		}
		for _, e := range sent {
			if e.Again {
				repeated[e.Table]++
			}
		}
	}
	for i, n := range repeated {
		if n > 0 {
			t.write(duplicateLine{"duplicate", world.Table(i).ID(), n})
		}
	}
	f := world.NewFixes(t.w, d)
	for n := range f.Total {
		for _, e := range f.Fix(n) {
			t.image("after", &e)
		}
	}
}

func (t *truth) image(phase string, e *world.Event) {
	l := rowLine{Type: "deleted", Phase: phase, Dataset: e.Table.ID(), Key: e.Key, Sequence: e.Sequence.String()}
	if e.Values != nil {
		l.Type, l.Fields = "row", fieldsOf(e.Table, e.Values)
		l.At = time.UnixMilli(e.At).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	t.write(l)
}

// fieldsOf writes a row as a JSON object: texts, dates (2006-01-02) and
// decimals as strings, counts as numbers.
func fieldsOf(t world.Table, v []schemas.Value) json.RawMessage {
	out := []byte{'{'}
	for i, c := range t.Columns() {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(strconv.AppendQuote(out, c.Name), ':')
		switch {
		case v[i].IsNull():
			out = append(out, "null"...)
		case c.Type == schemas.String:
			text, _ := json.Marshal(v[i].Str()) //nolint:errchkjson // a string always encodes
			out = append(out, text...)
		case c.Type == schemas.Date:
			out = strconv.AppendQuote(out, v[i].Time(schemas.Date).Format(time.DateOnly))
		case c.Type == schemas.Decimal:
			out = append(out, '"')
			out = appendDecimal(out, v[i].Int64(), c.Scale)
			out = append(out, '"')
		default:
			out = strconv.AppendInt(out, v[i].Int64(), 10)
		}
	}
	return append(out, '}')
}

// appendDecimal writes a non-negative unscaled number.
func appendDecimal(out []byte, n int64, scale int) []byte {
	digits := fmt.Sprintf("%0*d", scale+1, n)
	return append(append(append(out, digits[:len(digits)-scale]...), '.'), digits[len(digits)-scale:]...)
}

package e2e

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// Truth is the synthetic city's truth file.
type Truth struct {
	base       string
	Before     map[string]truthRow // by dataset and key
	after      []truthRow          // laid over before
	Planted    []world.Finding
	Quarantine []string // "dataset field reason", each once
}

type truthRow struct {
	Type    string         `json:"type"`
	Phase   string         `json:"phase,omitempty"`
	Dataset string         `json:"dataset"`
	Key     string         `json:"key"`
	At      string         `json:"at"`
	Fields  map[string]any `json:"fields,omitempty"`
}

// ReadTruth is the truth file of a made-up city.
func ReadTruth(t testing.TB, o synthetic.Options) *Truth {
	t.Helper()
	var b bytes.Buffer
	if err := synthetic.WriteTruth(&b, o); err != nil {
		t.Fatal(err)
	}
	out := &Truth{Before: map[string]truthRow{}}
	lines := bufio.NewScanner(&b)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l struct {
			truthRow
			Base, Rule, Case, Entity, Owner, Field, Reason string
			Corrected                                      bool
		}
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		decoder.UseNumber()
		if err := decoder.Decode(&l); err != nil {
			t.Fatal(err)
		}
		switch {
		case l.Type == "run":
			out.base = l.Base
		case l.Type == "finding":
			out.Planted = append(out.Planted, world.Finding{Rule: l.Rule, Case: l.Case, Entity: l.Entity, Key: l.Key, Owner: l.Owner, Corrected: l.Corrected})
		case l.Type == "quarantine":
			out.Quarantine = append(out.Quarantine, l.Dataset+" "+l.Field+" "+l.Reason)
		case l.Phase == "before":
			if l.Type == "row" {
				out.Before[l.Dataset+" "+l.Key] = l.truthRow
			}
		case l.Phase == "after":
			out.after = append(out.after, l.truthRow)
		}
	}
	slices.Sort(out.Quarantine)
	return out
}

// Rows are the rows that exist in a phase, as text.
func (c *Truth) Rows(phase string) map[string]truthRow {
	out := map[string]truthRow{}
	for name, r := range c.Before {
		out[name] = r
	}
	if phase == "after" {
		for _, r := range c.after {
			if name := r.Dataset + " " + r.Key; r.Type == "row" {
				out[name] = r
			} else {
				delete(out, name)
			}
		}
	}
	for _, r := range out {
		for f, v := range r.Fields {
			if n, ok := v.(json.Number); ok {
				r.Fields[f] = n.String()
			}
		}
	}
	return out
}

// Outcome is what a city came to: by the bus or by the oracle.
type Outcome struct {
	Golden   golden
	Open     map[string]string // finding -> department that must act
	Certain  map[string]string // open finding -> contradiction or to_confirm
	Closed   map[string]bool   // who had to act last does not matter
	partial  map[string]masked // person.partial by token
	rejected []string
}

type masked struct {
	Fields map[string]string   `json:"fields"`
	GA03   []map[string]string `json:"GA03"`
}

// FindingName names a finding by what it is about; subject is the key's token.
func FindingName(rule, which, entity, subject string) string {
	return strings.Join([]string{rule, which, entity, subject}, " ")
}

// Expect asks the oracle.
func (c *Truth) Expect(t testing.TB, keys *keyring.Keyring, phase string) *Outcome {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 is not there: this test must run here")
		}
		t.Skip("python3 is not there")
	}
	var rows bytes.Buffer
	encoder := json.NewEncoder(&rows)
	for _, r := range c.Rows(phase) {
		if err := encoder.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(file, rows.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	key := map[int][]byte{1: Key, 2: NextKey}[keys.Current()]
	cmd := exec.CommandContext(t.Context(), python, "-B", InTree(t, "cmd/yiyuan/e2e/testdata/oracle/oracle.py"), file, c.base, InTree(t, "schemas/yunling"), hex.EncodeToString(key), strconv.Itoa(keys.Current()))
	var talk bytes.Buffer
	cmd.Stderr = &talk
	said, err := cmd.Output()
	if err != nil {
		t.Fatalf("oracle: %v\n%s", err, talk.String())
	}
	out := &Outcome{Golden: golden{}, Open: map[string]string{}, Certain: map[string]string{}, partial: map[string]masked{}}
	for decoder := json.NewDecoder(bytes.NewReader(said)); ; {
		var l struct {
			Type, Entity, Key, Rule, Case, Owner, Certainty string
			Fields                                          json.RawMessage
			GA03                                            []map[string]string
		}
		if err := decoder.Decode(&l); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		switch l.Type {
		case "golden":
			var cells map[string]Cell
			err = json.Unmarshal(l.Fields, &cells)
			out.Golden[l.Entity+" "+l.Key] = cells
		case "masked":
			m := masked{GA03: l.GA03}
			err = json.Unmarshal(l.Fields, &m.Fields)
			out.partial[l.Key] = m
		case "finding":
			name := FindingName(l.Rule, l.Case, l.Entity, keys.Token("finding", l.Key))
			out.Open[name], out.Certain[name] = l.Owner, l.Certainty
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Observe reads what the bus came to.
func Observe(j *Journey) *Outcome {
	j.Helper()
	out := &Outcome{Golden: j.golden(), Open: map[string]string{}, Certain: map[string]string{}, Closed: map[string]bool{}, partial: map[string]masked{}}
	if err := errors.Join(out.ReadFindings(j), out.readPartial(j), out.readQuarantine(j)); err != nil {
		j.Fatal(err)
	}
	return out
}

// ReadFindings reads the findings that stand on the bus.
func (w *Outcome) ReadFindings(j *Journey) error {
	reader, last := j.Codec.Reader(contract.FindingLayout), map[string]schemas.Record{}
	err := j.Bus.Replay(j.Ctx, contract.Findings, func(r bus.Record) error {
		id := string(r.Key)
		if r.Value == nil {
			return fmt.Errorf("finding %s was taken away", id)
		}
		rec, err := reader.Decode(j.Ctx, r.Value)
		if err != nil {
			return err
		}
		if old, known := last[id]; known && rec.Get("ver").Int64() <= old.Get("ver").Int64() {
			return fmt.Errorf("version %d of finding %s follows %d", rec.Get("ver").Int64(), id, old.Get("ver").Int64())
		}
		last[id] = rec
		return nil
	})
	for _, r := range last {
		name := FindingName(r.Get("rule").Str(), r.Get("case").Str(), r.Get("entity").Str(), r.Get("subject").Str())
		if r.Get("state").Str() == "open" {
			w.Open[name], w.Certain[name] = r.Get("owner").Str(), r.Get("certainty").Str()
		} else {
			w.Closed[name] = true
		}
	}
	return err
}

func (w *Outcome) readPartial(j *Journey) error {
	view, err := j.Cat.View("person.partial")
	if err != nil {
		return err
	}
	reader := j.Codec.Reader(view.Layout)
	text := func(e *schemas.Element, mask string, v schemas.Value) string {
		if mask == "" {
			return element.Render(e, v)
		}
		return v.Str()
	}
	return j.Bus.Replay(j.Ctx, contract.Shared(view.ID), func(r bus.Record) error {
		if r.Value == nil {
			delete(w.partial, string(r.Key))
			return nil
		}
		rec, err := reader.Decode(j.Ctx, r.Value)
		if err != nil {
			return err
		}
		m := masked{Fields: map[string]string{}, GA03: []map[string]string{}}
		for _, f := range view.Fields {
			of := view.Entity.Key.Element
			for _, g := range view.Entity.Fields {
				if g.Name == f.Name {
					of = g.Element
				}
			}
			if v := rec.Get(f.Name); !v.IsNull() {
				m.Fields[f.Name] = text(of, f.Mask, v)
			}
		}
		for _, row := range rec.Get("GA03").Records() {
			car := map[string]string{}
			for _, f := range view.Embed[0].Fields {
				car[f.Name] = text(view.Embed[0].Dataset.Fields[f.Index].Element, f.Mask, row.Get(f.Name))
			}
			m.GA03 = append(m.GA03, car)
		}
		w.partial[string(r.Key)] = m
		return nil
	})
}

func (w *Outcome) readQuarantine(j *Journey) error {
	reader := j.Codec.Reader(contract.QuarantineLayout)
	seen := map[string]bool{}
	err := j.Bus.Replay(j.Ctx, contract.Quarantine, func(r bus.Record) error {
		if r.Value == nil {
			return nil // it settles others
		}
		rec, err := reader.Decode(j.Ctx, r.Value)
		if err != nil {
			return err
		}
		seen[rec.Get("dataset").Str()+" "+rec.Get("field").Str()+" "+rec.Get("reason").Str()] = true
		return nil
	})
	for name := range seen {
		w.rejected = append(w.rejected, name)
	}
	slices.Sort(w.rejected)
	return err
}

// Equal holds the bus's world against the oracle's.
func (w *Outcome) Equal(j *Journey, want *Outcome, c *Truth) {
	j.Helper()
	if len(want.Golden) < 2000 || len(want.Open) < 100 {
		j.Fatalf("the oracle knows %d golden records and %d findings: the city is too small to prove anything", len(want.Golden), len(want.Open))
	}
	if diff := cmp.Diff(want.Golden, w.Golden); diff != "" {
		j.Errorf("golden records differ (-oracle +bus):\n%s", Clipped(diff))
	}
	if diff := cmp.Diff(want.Open, w.Open); diff != "" {
		j.Errorf("open findings differ (-oracle +bus):\n%s", Clipped(diff))
	}
	if diff := cmp.Diff(want.Certain, w.Certain); diff != "" {
		j.Errorf("certainty of open findings differs (-oracle +bus):\n%s", Clipped(diff))
	}
	if diff := cmp.Diff(want.partial, w.partial); diff != "" {
		j.Errorf("person.partial differs (-oracle +bus):\n%s", Clipped(diff))
	}
	if diff := cmp.Diff(c.Quarantine, w.rejected); diff != "" {
		j.Errorf("quarantine differs (-planted +bus):\n%s", diff)
	}
}

// Clipped keeps a long difference readable.
func Clipped(diff string) string {
	const most = 6000
	if len(diff) > most {
		return strings.ToValidUTF8(diff[:most], "") + "\n..."
	}
	return diff
}

// UniquePrefix keeps the topics and groups of one test on a shared broker apart
// from all others.
func UniquePrefix() string { return "e2e-" + strings.ToLower(rand.Text()[:10]) + "." }

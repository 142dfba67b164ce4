package main

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
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// TestGoldenAndFindingsEqualOracle runs a city of 2,000 people through the whole
// path, first without and then with the departments' corrections, and holds
// every golden cell, its source, every finding and every masked value against
// testdata/oracle/oracle.py, which knows the rules and nothing of the bus, and
// against the list of what was planted.
func TestGoldenAndFindingsEqualOracle(t *testing.T) {
	seeds := 4
	if s := os.Getenv("YIYUAN_TEST_SEEDS"); s != "" {
		var err error
		if seeds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed+1), func(t *testing.T) {
			t.Parallel()
			j := begin(t, int64(seed+1), nil)
			j.equalOracle()
		})
	}
}

// equalOracle feeds the city and holds it against the oracle, before and after
// the corrections.
func (j *journey) equalOracle() {
	j.Helper()
	truth := readTruth(j, j.options())
	j.feed(false)
	j.settle()
	before := observe(j)
	before.equal(j, truth.expect(j, j.app.keys, "before"), truth)

	j.feed(true)
	j.settle()
	after := observe(j)
	after.equal(j, truth.expect(j, j.app.keys, "after"), truth)
	after.corrected(j, before, truth)
}

// truth is the synthetic city's truth file.
type truth struct {
	base       string
	before     map[string]truthRow // by dataset and key
	after      []truthRow          // laid over before
	planted    []world.Finding
	quarantine []string // "dataset field reason", each once
}

type truthRow struct {
	Type    string         `json:"type"`
	Phase   string         `json:"phase,omitempty"`
	Dataset string         `json:"dataset"`
	Key     string         `json:"key"`
	At      string         `json:"at"`
	Fields  map[string]any `json:"fields,omitempty"`
}

func readTruth(t testing.TB, o synthetic.Options) *truth {
	t.Helper()
	var b bytes.Buffer
	if err := synthetic.WriteTruth(&b, o); err != nil {
		t.Fatal(err)
	}
	out := &truth{before: map[string]truthRow{}}
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
			out.planted = append(out.planted, world.Finding{Rule: l.Rule, Case: l.Case, Entity: l.Entity, Key: l.Key, Owner: l.Owner, Corrected: l.Corrected})
		case l.Type == "quarantine":
			out.quarantine = append(out.quarantine, l.Dataset+" "+l.Field+" "+l.Reason)
		case l.Phase == "before":
			if l.Type == "row" {
				out.before[l.Dataset+" "+l.Key] = l.truthRow
			}
		case l.Phase == "after":
			out.after = append(out.after, l.truthRow)
		}
	}
	slices.Sort(out.quarantine)
	return out
}

// rows are the rows that exist in a phase, as text.
func (c *truth) rows(phase string) map[string]truthRow {
	out := map[string]truthRow{}
	for name, r := range c.before {
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

// outcome is what a city came to: by the bus or by the oracle.
type outcome struct {
	golden   golden
	open     map[string]string // finding -> department that must act
	certain  map[string]string // open finding -> contradiction or to_confirm
	closed   map[string]bool   // who had to act last does not matter
	partial  map[string]masked // person.partial by token
	rejected []string
}

type masked struct {
	Fields map[string]string   `json:"fields"`
	GA03   []map[string]string `json:"GA03"`
}

// findingName names a finding by what it is about; subject is the key's token.
func findingName(rule, which, entity, subject string) string {
	return strings.Join([]string{rule, which, entity, subject}, " ")
}

// expect asks the oracle.
func (c *truth) expect(t testing.TB, keys *keyring.Keyring, phase string) *outcome {
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
	for _, r := range c.rows(phase) {
		if err := encoder.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(file, rows.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	key := map[int][]byte{1: testKey, 2: nextKey}[keys.Current()]
	cmd := exec.CommandContext(t.Context(), python, "-B", "testdata/oracle/oracle.py", file, c.base, "../../schemas/yunling", hex.EncodeToString(key), strconv.Itoa(keys.Current()))
	var talk bytes.Buffer
	cmd.Stderr = &talk
	said, err := cmd.Output()
	if err != nil {
		t.Fatalf("oracle: %v\n%s", err, talk.String())
	}
	out := &outcome{golden: golden{}, open: map[string]string{}, certain: map[string]string{}, partial: map[string]masked{}}
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
			var cells map[string]cell
			err = json.Unmarshal(l.Fields, &cells)
			out.golden[l.Entity+" "+l.Key] = cells
		case "masked":
			m := masked{GA03: l.GA03}
			err = json.Unmarshal(l.Fields, &m.Fields)
			out.partial[l.Key] = m
		case "finding":
			name := findingName(l.Rule, l.Case, l.Entity, keys.Token("finding", l.Key))
			out.open[name], out.certain[name] = l.Owner, l.Certainty
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// observe reads what the bus came to.
func observe(j *journey) *outcome {
	j.Helper()
	out := &outcome{golden: j.golden(), open: map[string]string{}, certain: map[string]string{}, closed: map[string]bool{}, partial: map[string]masked{}}
	if err := errors.Join(out.readFindings(j), out.readPartial(j), out.readQuarantine(j)); err != nil {
		j.Fatal(err)
	}
	return out
}

func (w *outcome) readFindings(j *journey) error {
	reader, last := j.app.codec.Reader(contract.FindingLayout), map[string]schemas.Record{}
	err := j.app.bus.Replay(j.ctx, contract.Findings, func(r bus.Record) error {
		id := string(r.Key)
		if r.Value == nil {
			return fmt.Errorf("finding %s was taken away", id)
		}
		rec, err := reader.Decode(j.ctx, r.Value)
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
		name := findingName(r.Get("rule").Str(), r.Get("case").Str(), r.Get("entity").Str(), r.Get("subject").Str())
		if r.Get("state").Str() == "open" {
			w.open[name], w.certain[name] = r.Get("owner").Str(), r.Get("certainty").Str()
		} else {
			w.closed[name] = true
		}
	}
	return err
}

func (w *outcome) readPartial(j *journey) error {
	view, err := j.app.cat.View("person.partial")
	if err != nil {
		return err
	}
	reader := j.app.codec.Reader(view.Layout)
	text := func(e *schemas.Element, mask string, v schemas.Value) string {
		if mask == "" {
			return element.Render(e, v)
		}
		return v.Str()
	}
	return j.app.bus.Replay(j.ctx, contract.Shared(view.ID), func(r bus.Record) error {
		if r.Value == nil {
			delete(w.partial, string(r.Key))
			return nil
		}
		rec, err := reader.Decode(j.ctx, r.Value)
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

func (w *outcome) readQuarantine(j *journey) error {
	reader := j.app.codec.Reader(contract.QuarantineLayout)
	seen := map[string]bool{}
	err := j.app.bus.Replay(j.ctx, contract.Quarantine, func(r bus.Record) error {
		rec, err := reader.Decode(j.ctx, r.Value)
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

// equal holds the bus's world against the oracle's.
func (w *outcome) equal(j *journey, want *outcome, c *truth) {
	j.Helper()
	if len(want.golden) < 2000 || len(want.open) < 100 {
		j.Fatalf("the oracle knows %d golden records and %d findings: the city is too small to prove anything", len(want.golden), len(want.open))
	}
	if diff := cmp.Diff(want.golden, w.golden); diff != "" {
		j.Errorf("golden records differ (-oracle +bus):\n%s", clipped(diff))
	}
	if diff := cmp.Diff(want.open, w.open); diff != "" {
		j.Errorf("open findings differ (-oracle +bus):\n%s", clipped(diff))
	}
	if diff := cmp.Diff(want.certain, w.certain); diff != "" {
		j.Errorf("certainty of open findings differs (-oracle +bus):\n%s", clipped(diff))
	}
	if diff := cmp.Diff(want.partial, w.partial); diff != "" {
		j.Errorf("person.partial differs (-oracle +bus):\n%s", clipped(diff))
	}
	if diff := cmp.Diff(c.quarantine, w.rejected); diff != "" {
		j.Errorf("quarantine differs (-planted +bus):\n%s", diff)
	}
}

// corrected holds what the correction stream closed against what it corrected.
func (w *outcome) corrected(j *journey, before *outcome, c *truth) {
	j.Helper()
	open, left, closed := map[string]string{}, map[string]string{}, map[string]bool{}
	for _, f := range c.planted {
		name := findingName(f.Rule, f.Case, f.Entity, j.app.keys.Token("finding", f.Key))
		open[name] = f.Owner
		if f.Corrected {
			closed[name] = true
		} else {
			left[name] = f.Owner
		}
	}
	if diff := cmp.Diff(open, before.open); diff != "" {
		j.Errorf("found before the corrections (-planted +bus):\n%s", clipped(diff))
	}
	if diff := cmp.Diff(left, w.open); diff != "" {
		j.Errorf("open after the corrections (-planted +bus):\n%s", clipped(diff))
	}
	for name := range closed {
		if !w.closed[name] {
			j.Errorf("corrected and not closed: %s", name)
		}
	}
	for name := range open {
		if w.closed[name] && !closed[name] {
			j.Errorf("closed and not corrected: %s", name)
		}
	}
	j.Logf("seed %d: %d golden records, %d findings planted and found, %d corrected and closed, %d open in passing, %v", j.seed,
		len(w.golden), len(open), len(closed), len(w.closed)-len(closed), time.Since(j.clock.began).Round(100*time.Millisecond))
}

// clipped keeps a long difference readable.
func clipped(diff string) string {
	const most = 6000
	if len(diff) > most {
		return strings.ToValidUTF8(diff[:most], "") + "\n..."
	}
	return diff
}

// TestOracleOnKafka is the same on a real broker.
func TestOracleOnKafka(t *testing.T) {
	brokers := service(t, "YIYUAN_TEST_KAFKA")
	j := begin(t, 7, func(c *config) {
		c.Bus.Brokers = strings.Split(brokers, ",")
		c.Bus.Prefix = uniquePrefix()
	})
	j.equalOracle()
}

// uniquePrefix keeps the topics and groups of one test on a shared broker apart
// from all others.
func uniquePrefix() string { return "e2e-" + strings.ToLower(rand.Text()[:10]) + "." }

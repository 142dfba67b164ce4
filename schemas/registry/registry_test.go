package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// memoryLog is a Log in memory. It can be made to fail and to compact itself.
type memoryLog struct {
	mu      sync.Mutex
	records []logRecord
	more    chan struct{} // closed when records or broken change
	fail    error         // what Append answers
	broken  error         // what Follow ends with
	replays int
}

type logRecord struct{ key, value []byte }

func newLog() *memoryLog { return &memoryLog{more: make(chan struct{})} }

func (l *memoryLog) changed() {
	close(l.more)
	l.more = make(chan struct{})
}

func (l *memoryLog) Append(_ context.Context, key, value []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	l.records = append(l.records, logRecord{slices.Clone(key), slices.Clone(value)})
	l.changed()
	return nil
}

func (l *memoryLog) Replay(_ context.Context, show func(key, value []byte) error) error {
	l.mu.Lock()
	records := slices.Clone(l.records)
	l.replays++
	l.mu.Unlock()
	for _, r := range records {
		if err := show(r.key, r.value); err != nil {
			return err
		}
	}
	return nil
}

func (l *memoryLog) Follow(ctx context.Context, show func(key, value []byte) error) error {
	for i := 0; ; {
		l.mu.Lock()
		records, more, broken := l.records, l.more, l.broken
		l.broken = nil
		l.mu.Unlock()
		if broken != nil {
			return broken
		}
		for ; i < len(records); i++ {
			if err := show(records[i].key, records[i].value); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-more:
		}
	}
}

// compacted returns a log of the last records of each key, as compaction leaves it.
func (l *memoryLog) compacted() *memoryLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := map[string]int{}
	for i, r := range l.records {
		last[string(r.key)] = i
	}
	out := newLog()
	for i, r := range l.records {
		if last[string(r.key)] == i && r.value != nil {
			out.records = append(out.records, r)
		}
	}
	return out
}

func open(tb testing.TB, log Log) *Registry {
	tb.Helper()
	r, err := Open(tb.Context(), log, "city.", slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.Close)
	return r
}

// schemaOf returns the schema of a record that holds the fields named, all of
// them nullable strings.
func schemaOf(name string, fields ...string) string {
	s := `{"type":"record","namespace":"yiyuan.raw","name":"` + name + `","fields":[{"name":"GMSFHM","type":"string"}`
	for _, f := range fields {
		s += `,{"name":"` + f + `","type":["null","string"],"default":null}`
	}
	return s + `]}`
}

func register(tb testing.TB, r *Registry, subject, schema string) int {
	tb.Helper()
	id, err := r.Register(tb.Context(), subject, schema)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func TestRegister(t *testing.T) {
	t.Parallel()
	log := newLog()
	r := open(t, log)
	ga := register(t, r, "raw.GA01-value", schemaOf("GA01"))
	if again := register(t, r, "raw.GA01-value", schemaOf("GA01")); again != ga {
		t.Errorf("registered again: id %d, want %d", again, ga)
	}
	// Layout of the text and order of properties are not part of a schema.
	spaced := `{"name":"yiyuan.raw.GA01","type":"record", "fields":[ {"type":{"type":"string"},"name":"GMSFHM"} ]}`
	if same := register(t, r, "raw.GA01-value", spaced); same != ga {
		t.Errorf("same schema written otherwise: id %d, want %d", same, ga)
	}
	if shared := register(t, r, "other-value", schemaOf("GA01")); shared != ga {
		t.Errorf("same schema under another subject: id %d, want %d", shared, ga)
	}
	if n := len(log.records); n != 2 {
		t.Errorf("%d records in the log, want 2", n)
	}
	if next := register(t, r, "raw.GA01-value", schemaOf("GA01", "XM")); next != ga+1 {
		t.Errorf("next schema: id %d, want %d", next, ga+1)
	}
	if _, err := r.Register(t.Context(), "raw.GA01-value", `{"type":"record","namespace":"yiyuan.raw","name":"GA01","fields":[{"name":"GMSFHM","type":"long"}]}`); !errors.Is(err, codec.ErrIncompatible) {
		t.Errorf("incompatible: error = %v, want ErrIncompatible", err)
	}
	if _, err := r.Register(t.Context(), "raw.GA01-value", `{"type":"map","values":"null"}`); !errors.Is(err, codec.ErrProfile) {
		t.Errorf("outside the profile: error = %v, want ErrProfile", err)
	}
	if _, err := r.Register(t.Context(), "a\nb", schemaOf("GA01")); !errors.Is(err, ErrSubject) {
		t.Errorf("bad subject: error = %v, want ErrSubject", err)
	}
	if _, err := r.Schema(t.Context(), 99); !errors.Is(err, codec.ErrUnknownSchema) {
		t.Errorf("unknown id: error = %v, want ErrUnknownSchema", err)
	}
}

// TestRestart: ids, versions, levels and deletions are the same after a restart
// from the log and from the compacted log.
func TestRestart(t *testing.T) {
	t.Parallel()
	log := newLog()
	r := open(t, log)
	for _, d := range []string{"GA01", "GA02", "MZ01"} {
		register(t, r, "own."+d+"-value", schemaOf(d))
		register(t, r, "own."+d+"-value", schemaOf(d, "XM"))
	}
	if err := r.setLevel(t.Context(), "own.GA02-value", "NONE"); err != nil {
		t.Fatal(err)
	}
	if err := r.setLevel(t.Context(), "", "FULL"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.deleteVersion(t.Context(), "own.GA02-value", "1", false); err != nil {
		t.Fatal(err)
	}
	if _, err := r.deleteSubject(t.Context(), "own.MZ01-value", false); err != nil {
		t.Fatal(err)
	}
	if _, err := r.deleteSubject(t.Context(), "own.MZ01-value", true); err != nil {
		t.Fatal(err)
	}
	want := describe(r)
	compacted := log.compacted()
	for name, l := range map[string]*memoryLog{"log": log, "compacted": compacted} {
		s := open(t, l)
		if got := describe(s); got != want {
			t.Errorf("%s: after restart\n%s\nwant\n%s", name, got, want)
		}
		// The ids of MZ01 are gone for good and must not be given again.
		if id := register(t, s, "own.MZ01-value", schemaOf("MZ01", "HYZKDM")); id != 7 {
			t.Errorf("%s: id after permanent deletion = %d, want 7", name, id)
		}
	}
}

// describe writes a registry's state in one canonical text.
func describe(r *Registry) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := fmt.Sprintln(r.state.levels, r.state.lastID)
	for id := range r.state.lastID + 1 {
		if s := r.state.ids[id]; s != nil {
			out += fmt.Sprintln(id, s.text, s.uses)
		}
	}
	names := []string{}
	for name := range r.state.subjects {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		out += fmt.Sprintln(name, r.state.subjects[name].versions)
	}
	return out
}

// TestRace: registries that write to one log at the same time agree on every
// id, and so does one that starts from the compacted log.
func TestRace(t *testing.T) {
	t.Parallel()
	const registries, schemas = 4, 12
	log := newLog()
	var all []*Registry
	for range registries {
		all = append(all, open(t, log))
	}
	ids := make([][schemas]int, registries)
	var wg sync.WaitGroup
	for i, r := range all {
		wg.Go(func() {
			for n := range schemas {
				// Each goes through the datasets in another order; all under few subjects.
				d := (n + 5*i) % schemas
				id, err := r.Register(t.Context(), fmt.Sprintf("s%d-value", d%3), schemaOf(fmt.Sprintf("D%d", d%3), fmt.Sprintf("F%d", d)))
				if err != nil {
					t.Errorf("registry %d, schema %d: %v", i, d, err)
					return
				}
				ids[i][d] = id
			}
		})
	}
	wg.Wait()
	for _, r := range all { // what they have to mend, they have mended when this comes back
		if err := r.commit(t.Context(), noopKey(), nil); err != nil {
			t.Fatal(err)
		}
	}
	meaning := map[int]int{}
	for d := range schemas {
		for i := range registries {
			if ids[i][d] != ids[0][d] {
				t.Errorf("schema %d: registry %d says id %d, registry 0 says %d", d, i, ids[i][d], ids[0][d])
			}
		}
		if other, taken := meaning[ids[0][d]]; taken {
			t.Errorf("schemas %d and %d have one id", d, other)
		}
		meaning[ids[0][d]] = d
	}
	for name, l := range map[string]*memoryLog{"log": log, "compacted": log.compacted()} {
		r := open(t, l)
		for d := range schemas {
			text, err := r.Schema(t.Context(), ids[0][d])
			if err != nil {
				t.Errorf("%s: schema %d: %v", name, d, err)
				continue
			}
			if want, _ := all[0].Schema(t.Context(), ids[0][d]); text != want {
				t.Errorf("%s: id %d means something else", name, ids[0][d])
			}
		}
	}
}

// TestSchemaDeletedForGood: an id whose versions are all gone is no schema for
// clients, but whoever must read a record that names it still finds it in the log.
func TestSchemaDeletedForGood(t *testing.T) {
	t.Parallel()
	log := newLog()
	r := open(t, log)
	id := register(t, r, "own-value", schemaOf("GA01", "XM"))
	for _, permanent := range []bool{false, true} {
		if _, err := r.deleteSubject(t.Context(), "own-value", permanent); err != nil {
			t.Fatal(err)
		}
	}
	for name, reg := range map[string]*Registry{"running": r, "restarted": open(t, log)} {
		if text, err := reg.Schema(t.Context(), id); err != nil || text != schemaOf("GA01", "XM") {
			t.Errorf("%s: Schema(%d) = %q, %v", name, id, text, err)
		}
		if _, err := reg.schema(t.Context(), id); !errors.Is(err, codec.ErrUnknownSchema) {
			t.Errorf("%s: clients are told %v, want %v", name, err, codec.ErrUnknownSchema)
		}
	}
	if _, err := open(t, log.compacted()).Schema(t.Context(), id); !errors.Is(err, codec.ErrUnknownSchema) {
		t.Errorf("after compaction: %v, want %v", err, codec.ErrUnknownSchema)
	}
}

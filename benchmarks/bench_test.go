package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

func TestQuantiles(t *testing.T) {
	var all []time.Duration
	for i := 1000; i > 0; i-- {
		all = append(all, time.Duration(i)*time.Millisecond)
	}
	got := quantilesOf(all)
	if want := (quantiles{501 * time.Millisecond, 991 * time.Millisecond, time.Second}); got != want {
		t.Errorf("quantilesOf(1..1000 ms) = %v, want %v", got, want)
	}
	if got := quantilesOf(nil); got != (quantiles{}) {
		t.Errorf("quantilesOf(nil) = %v, want zero", got)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{1500 * time.Microsecond: "1.50 ms", 15 * time.Millisecond: "15.0 ms", 2 * time.Second: "2000 ms"} {
		if got := millis(d); got != want {
			t.Errorf("millis(%v) = %q, want %q", d, got, want)
		}
	}
	if got := median([]float64{3, 1, 2, 10}); got != 2.5 {
		t.Errorf("median = %v, want 2.5", got)
	}
}

func TestReadAnswer(t *testing.T) {
	cases := []struct {
		name, wire, body string
		status           int
		bad              bool
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, false},
		{"lower case", "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nX: y\r\n\r\nno", "no", 404, false},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n", "abc0123456789abcdef", 200, false},
		{"neither", "HTTP/1.1 200 OK\r\n\r\nhello", "", 0, true},
		{"cut short", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "", 0, true},
		{"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "", 0, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := bufio.NewReader(strings.NewReader(c.wire))
			status, body, err := readAnswer(in, nil)
			if c.bad {
				if err == nil {
					t.Fatal("readAnswer took it")
				}
				return
			}
			if err != nil || status != c.status || string(body) != c.body {
				t.Errorf("readAnswer = %d, %q, %v, want %d, %q", status, body, err, c.status, c.body)
			}
			if rest, _ := io.ReadAll(in); len(rest) != 0 {
				t.Errorf("%d bytes of the answer were not read", len(rest))
			}
		})
	}
}

// A load must notice a server that answers something else.
func TestLoad(t *testing.T) {
	var asked atomic.Int64
	var broken atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); n == broken.Load() {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(bytes.Repeat([]byte("answer "), 1000)) // long enough to come in chunks
	}))
	defer server.Close()
	to := target{name: "test", address: server.Listener.Addr().(*net.TCPAddr).String(), expect: []byte("answer"), requests: [][]byte{[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}}
	got, err := load(t.Context(), to, 4, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if got.answers == 0 || int64(got.answers) != asked.Load() {
		t.Errorf("load counted %d answers, the server gave %d", got.answers, asked.Load())
	}
	broken.Store(asked.Load() + 20)
	if _, err := load(t.Context(), to, 4, 10*time.Second); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("load over a failing server: %v, want its status", err)
	}
	to.expect = []byte("question")
	if _, err := load(t.Context(), to, 1, time.Second); err == nil {
		t.Error("load took a wrong answer for right")
	}
}

func TestStream(t *testing.T) {
	f := newStream([]string{"a", "b", "c"}, 7) // a: 0 3 6, b: 1 4, c: 2 5
	f.start = time.Now()
	f.reach(f.seen, 0, 0, 2)
	f.reach(f.seen, 1, 0, 9) // more than there are
	var reached []int
	for i := range f.seen {
		if f.seen[i].Load() != 0 {
			reached = append(reached, i)
		}
	}
	if diff := cmp.Diff([]int{0, 1, 3, 4}, reached); diff != "" {
		t.Errorf("changes reached (-want +got):\n%s", diff)
	}
	if _, missing := f.latencies(f.seen, 1); missing != 3 {
		t.Errorf("%d of changes 1 to 6 are missing, want 3", missing)
	}
	for _, masked := range []string{phone(42), "199****0042"} {
		if got := version(masked); got != 42 {
			t.Errorf("version(%q) = %d, want 42", masked, got)
		}
	}
	if got := version("none"); got != -1 {
		t.Errorf("version of no number = %d, want -1", got)
	}
}

// A part of the city holds whole blocks and nothing of the next: the truth can
// be told of it.
func TestPart(t *testing.T) {
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	read := func(blocks int) map[string]bool {
		cfg := connectors.Config{Name: "test", Kind: "synthetic", Catalogue: cat, Options: people{size: "tiny"}.options("GA").Map()}
		for _, d := range cat.Datasets {
			if d.Provider.ID == "GA" {
				cfg.Datasets = append(cfg.Datasets, d)
			}
		}
		src, err := synthetic.Open(t.Context(), cfg, "")
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		var changes atomic.Int64
		p := &part{Source: src, blocks: blocks, changes: &changes}
		keys := map[string]bool{}
		for {
			b, err := p.Read(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range b.Changes {
				if c.Dataset.ID == "GA01" {
					keys[c.Key] = true
				}
			}
		}
		if changes.Load() == 0 {
			t.Fatal("no changes")
		}
		return keys
	}
	few, more, all := read(3), read(4), read(0)
	if len(few) < 3*18 || len(few) > 3*22 || len(more)-len(few) < 18 || len(all) < 1900 {
		t.Errorf("3, 4 and all blocks hold %d, %d and %d people, want about 60, 80 and 2,000", len(few), len(more), len(all))
	}
	for key := range few {
		if !more[key] {
			t.Fatal("a larger part lacks people of a smaller one")
		}
	}
}

func TestDigest(t *testing.T) {
	a := digestOf(map[string]uint64{"person 1": 7, "person 2": 8})
	if b := digestOf(map[string]uint64{"person 2": 8, "person 1": 7}); a != b {
		t.Errorf("digests of the same facts differ: %s, %s", a, b)
	}
	if b := digestOf(map[string]uint64{"person 2": 7, "person 1": 8}); a == b {
		t.Error("digests of other facts are the same")
	}
}

func TestCheck(t *testing.T) {
	one, two := finding{"XV-01", "id", "person", "t1"}, finding{"XV-02", "id", "enterprise", "t2"}
	everybody := func(string, string) bool { return true }
	w := &written{open: map[finding]bool{one: true}}
	if err := w.check(map[finding]string{one: "k1"}, everybody); err != nil {
		t.Errorf("what was planted is found: %v", err)
	}
	if err := w.check(map[finding]string{one: "k1", two: "k2"}, everybody); err == nil {
		t.Error("a planted contradiction that is not found passes")
	}
	if err := w.check(map[finding]string{one: "k1", two: "k2"}, func(entity, _ string) bool { return entity == "person" }); err != nil {
		t.Errorf("one about nobody in the part counts: %v", err)
	}
	if err := w.check(nil, everybody); err == nil {
		t.Error("an invented contradiction passes")
	}
}

func TestTable(t *testing.T) {
	b := &bench{talk: io.Discard, quick: true}
	b.table.begin(b)
	b.table.add(b, row{what: "w", broker: "embedded", figure: "1/s"})
	file := filepath.Join(t.TempDir(), "r.md")
	var out strings.Builder
	for range 2 {
		if err := b.table.write(&out, file); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != out.String() || !strings.Contains(out.String(), "| w | embedded | 1/s | - | - | - | - |") {
		t.Errorf("table is\n%s", kept)
	}
}

func TestAwait(t *testing.T) {
	n := 0
	if err := await(t.Context(), time.Second, time.Millisecond, "three", func() (bool, error) { n++; return n == 3, nil }); err != nil || n != 3 {
		t.Errorf("await = %v after %d questions", err, n)
	}
	if err := await(t.Context(), time.Millisecond, time.Millisecond, "never", func() (bool, error) { return false, nil }); err == nil {
		t.Error("await waits for ever")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := await(ctx, time.Hour, time.Hour, "never", func() (bool, error) { return false, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("await = %v, want the context's end", err)
	}
}

// The input of the engine's job says everything about everybody once.
func TestCrowd(t *testing.T) {
	c := crowd{persons: 5000}
	seen, keys := make([]bool, c.events()), map[string]int{}
	moved := 0
	for j := range c.events() {
		person, kind := c.event(j)
		if at := person*eventsEach + kind; seen[at] {
			t.Fatalf("event %d of person %d comes twice", kind, person)
		} else if seen[at] = true; at != j {
			moved++
		}
		keys[c.key(person)]++
	}
	if moved < c.events()*9/10 {
		t.Errorf("only %d of %d events are out of order", moved, c.events())
	}
	if len(keys) != c.persons {
		t.Errorf("%d keys of %d persons", len(keys), c.persons)
	}
	many, again := crowd{persons: 3_000_000}, map[string]bool{}
	for i := 0; i < many.persons; i += 1000 { // one region and sequence number, all days of birth
		if key := many.key(i); again[key] {
			t.Fatalf("persons share a number, the second is %d", i)
		} else {
			again[key] = true
		}
	}
}

// One wrong value, one that is missing and one finding too many are all seen.
func TestVerdict(t *testing.T) {
	cat, err := engineCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := engineKeys()
	if err != nil {
		t.Fatal(err)
	}
	c := crowd{persons: 200}
	truth, err := c.truth(cat, keys)
	if err != nil {
		t.Fatal(err)
	}
	if len(truth.open) == 0 {
		t.Fatal("nothing is planted")
	}
	right := func() *verdict {
		v := &verdict{golden: map[string]uint64{}, shown: map[string]uint64{}, open: map[finding]bool{}}
		e, view := cat.Entities[0], cat.Entities[0].Views[0]
		masks, err := masking.Compile(view, e.Layout, cat.City, keys)
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.persons {
			values, story := c.golden(e, i)
			v.golden[c.key(i)] = digestOfRow(c.key(i), values, story)
			rec, _ := masks.Apply(schemas.NewRecord(e.Layout, values), engineStart)
			key := masks.Key(c.key(i))
			v.shown[key] = digestOfRow(key, valuesOf(rec, rec.Len()), nil)
		}
		for f := range truth.open {
			v.open[f] = true
		}
		return v
	}
	if err := right().check(truth, c); err != nil {
		t.Fatalf("what is right: %v", err)
	}
	for name, spoil := range map[string]func(*verdict){
		"value":   func(v *verdict) { v.golden[c.key(7)]++ },
		"missing": func(v *verdict) { delete(v.golden, c.key(7)) },
		"masked": func(v *verdict) {
			for key := range v.shown {
				v.shown[key]++
				return
			}
		},
		"finding":  func(v *verdict) { v.open[finding{"BM-01", "name", "person", "nobody"}] = true },
		"rejected": func(v *verdict) { v.rejected = 1 },
	} {
		v := right()
		spoil(v)
		if v.check(truth, c) == nil {
			t.Errorf("%s: what is wrong passes", name)
		}
	}
}

// Restoring that cannot be told from starting has no rate.
func TestRestored(t *testing.T) {
	if got := (recovery{warm: time.Second, cold: 3 * time.Second}).restored(100_000); got != 50_000 {
		t.Errorf("100,000 dossiers in two seconds are %v a second, want 50,000", got)
	}
	for _, cold := range []time.Duration{900 * time.Millisecond, 1100 * time.Millisecond} {
		if got := (recovery{warm: time.Second, cold: cold}).restored(100_000); got != 0 {
			t.Errorf("started in %v instead of a second: %v dossiers a second, want no figure", cold, got)
		}
	}
}

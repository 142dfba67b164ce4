package codec

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// TestGolden holds the bytes on the wire still: programs outside read them.
func TestGolden(t *testing.T) {
	w := writer(t, New(NewMemory()), personLayout)
	got := Schema(personLayout) + "\n" + hex.Dump(encode(t, w, person()))
	file := filepath.Join("testdata", "person.golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	c := New(NewMemory())
	w := writer(t, c, personLayout)
	for name, change := range map[string]struct {
		column int
		value  schemas.Value
	}{
		"null in a required column":  {0, schemas.Null},
		"unavailable, required":      {0, schemas.Unavailable},
		"number for text":            {0, schemas.Int(1)},
		"text for number":            {4, schemas.Text("1")},
		"bad UTF-8":                  {0, schemas.Text("secret\xff")},
		"date beyond year 9999":      {2, schemas.Int(lastDay + 1)},
		"timestamp before year 1":    {5, schemas.Int(firstMilli - 1)},
		"boolean of 2":               {6, schemas.Int(2)},
		"decimal of 17 digits":       {8, schemas.Int(10_000_000_000_000_000)},
		"decimal of minus 17 digits": {8, schemas.Int(-10_000_000_000_000_000)},
		"least number as decimal":    {9, schemas.Int(math.MinInt64)},
		"rows of another layout":     {11, schemas.Table([]schemas.Record{person()})},
		"too many rows":              {12, schemas.Table(make([]schemas.Record, MaxRows+1))},
		"rows without a layout":      {12, schemas.Table(make([]schemas.Record, 1))},
		"rows for text":              {1, schemas.Table(nil)},
	} {
		out, err := w.Append([]byte("kept"), person().With(change.column, change.value))
		if !errors.Is(err, ErrValue) || string(out) != "kept" {
			t.Errorf("%s: %d bytes, error = %v, want ErrValue", name, len(out), err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the value", name)
		}
	}
	if _, err := w.Append(nil, schemas.Record{}); !errors.Is(err, ErrValue) {
		t.Errorf("no record: error = %v, want ErrValue", err)
	}
}

// TestUnavailable: a value that the source did not send is null, and in a raw
// topic the empty value where null cannot stand.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	c := New(NewMemory())
	l := schemas.MustLayout(rawNamespace, "T",
		schemas.Column{Name: "n", Type: schemas.String, Nullable: true},
		schemas.Column{Name: "s", Type: schemas.String},
		schemas.Column{Name: "d", Type: schemas.Decimal, Precision: 4, Scale: 2},
		schemas.Column{Name: "f", Type: schemas.Double},
		schemas.Column{Name: "t", Type: schemas.Timestamp},
		schemas.Column{Name: "b", Type: schemas.Boolean},
		schemas.Column{Name: "r", Type: schemas.Rows, Rows: lineLayout},
	)
	values := make([]schemas.Value, len(l.Columns))
	for i := range values {
		values[i] = schemas.Unavailable
	}
	got, err := c.Reader(l).Decode(t.Context(), encode(t, writer(t, c, l), schemas.NewRecord(l, values)))
	if err != nil {
		t.Fatal(err)
	}
	want := schemas.NewRecord(l, []schemas.Value{schemas.Null, schemas.Text(""), schemas.Int(0), schemas.Float(0), schemas.Int(0), schemas.Bool(false), schemas.Table(nil)})
	if !got.Equal(want) {
		t.Error("unavailable values did not come back null and empty")
	}
}

func TestDecimals(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, -32769, 1 << 40, -(1 << 40), 999_999_999_999_999_999, -999_999_999_999_999_999} {
		b := appendDecimal(nil, n)
		if int(b[0]) != 2*(len(b)-1) {
			t.Errorf("%d: length %d of %d bytes", n, b[0], len(b)-1)
		}
		if back, fault := unscaled(string(b[1:]), limitOf(18)); back != n || fault != faultNone {
			t.Errorf("%d came back as %d (%s)", n, back, faultTexts[fault])
		}
		if len(b) > 2 && (b[1] == 0 && b[2] < 0x80 || b[1] == 0xFF && b[2] >= 0x80) {
			t.Errorf("%d takes more bytes than it needs: %x", n, b)
		}
	}
}

// TestAllocations: appending makes nothing, decoding makes the body's copy, the
// values, and for each block of rows their values and records.
func TestAllocations(t *testing.T) {
	c := New(NewMemory())
	w, r := writer(t, c, flatLayout), c.Reader(flatLayout)
	value := encode(t, w, flat())
	dst, rec, ctx := make([]byte, 0, 1024), flat(), t.Context()
	if n := testing.AllocsPerRun(100, func() { dst, _ = w.Append(dst[:0], rec) }); n != 0 {
		t.Errorf("append makes %v allocations, want 0", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = r.Decode(ctx, value) }); n != 2 {
		t.Errorf("decode makes %v allocations, want 2", n)
	}
}

// countingRegistry counts what it is asked and can be out of order.
type countingRegistry struct {
	*Memory
	mu    sync.Mutex
	asked map[int]int
	fail  error
}

func (r *countingRegistry) Schema(ctx context.Context, id int) (string, error) {
	r.mu.Lock()
	r.asked[id]++
	err := r.fail
	r.mu.Unlock()
	if err != nil {
		return "", err
	}
	return r.Memory.Schema(ctx, id)
}

// TestCaches: a schema is asked for once, one that is not known not again at
// once, a registry's failure is passed on and not remembered, and the caches
// are bounded.
func TestCaches(t *testing.T) {
	t.Parallel()
	reg := &countingRegistry{Memory: NewMemory(), asked: map[int]int{}}
	c := New(reg)
	l := corpusLayouts[1]
	w := writer(t, c, l)
	value := encode(t, w, schemas.NewRecord(l, []schemas.Value{schemas.Int(1), schemas.Text("a"), schemas.Int(2)}))
	r := c.Reader(l)
	reg.fail = errors.New("connection refused")
	if _, err := r.Decode(t.Context(), value); err == nil || errors.Is(err, ErrUnknownSchema) || errors.Is(err, ErrMalformed) {
		t.Errorf("registry down: error = %v, want its own", err)
	}
	reg.fail = nil
	for range 5 {
		if _, err := r.Decode(t.Context(), value); err != nil {
			t.Fatal(err)
		}
	}
	if n := reg.asked[w.ID()]; n != 2 {
		t.Errorf("asked for the schema %d times, want 2", n)
	}
	unknown := append([]byte{0, 0, 0, 9, 9}, value[5:]...)
	for range 5 {
		if _, err := r.Decode(t.Context(), unknown); !errors.Is(err, ErrUnknownSchema) {
			t.Errorf("unknown: error = %v", err)
		}
	}
	if n := reg.asked[9<<8|9]; n != 1 {
		t.Errorf("asked for the unknown schema %d times, want 1", n)
	}
	for i := range maxCached + 100 {
		schema := strings.Replace(Schema(l), `"name":"Three"`, fmt.Sprintf(`"doc":"%d","name":"Three"`, i), 1)
		id, err := reg.Register(t.Context(), "", schema)
		if err != nil {
			t.Fatal(err)
		}
		value[3], value[4] = byte(id>>8), byte(id)
		if _, err := r.Decode(t.Context(), value); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Decode(t.Context(), []byte{0, 1, byte(i >> 8), byte(i), 0}); err == nil {
			t.Fatal("an unknown schema was read")
		}
	}
	if a, b, d := len(c.writers), len(c.missing), len(*r.programs.Load()); a > maxCached || b > maxCached || d > maxCached {
		t.Errorf("caches of %d, %d and %d entries, want at most %d", a, b, d, maxCached)
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	c := New(NewMemory())
	w, r := writer(t, c, personLayout), c.Reader(personLayout)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var dst []byte
			for range 200 {
				var err error
				if dst, err = w.Append(dst[:0], person()); err != nil {
					t.Error(err)
					return
				}
				if got, err := r.Decode(t.Context(), dst); err != nil || !got.Equal(person()) {
					t.Error("read something else than was written", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// flatLayout is the record of twelve fields of the benchmarks.
var flatLayout = schemas.MustLayout("yiyuan.test", "Flat",
	schemas.Column{Name: "id", Type: schemas.String},
	schemas.Column{Name: "name", Type: schemas.String},
	schemas.Column{Name: "birth", Type: schemas.Date},
	schemas.Column{Name: "addr", Type: schemas.String, Nullable: true},
	schemas.Column{Name: "phone", Type: schemas.String, Nullable: true},
	schemas.Column{Name: "status", Type: schemas.String},
	schemas.Column{Name: "amount", Type: schemas.Long},
	schemas.Column{Name: "score", Type: schemas.Double},
	schemas.Column{Name: "active", Type: schemas.Boolean},
	schemas.Column{Name: "updated", Type: schemas.Timestamp},
	schemas.Column{Name: "src", Type: schemas.String},
	schemas.Column{Name: "lsn", Type: schemas.Long},
)

func flat() schemas.Record {
	return schemas.NewRecord(flatLayout, []schemas.Value{
		schemas.Text("440101199001011234"), schemas.Text("Zhang San"), schemas.Day(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)),
		schemas.Text("1 Government Road, District 7"), schemas.Null, schemas.Text("registered"), schemas.Int(123456),
		schemas.Float(0.98), schemas.Bool(true), schemas.Int(1_700_000_000_123), schemas.Text("civil-affairs"), schemas.Int(987654321),
	})
}

package codec

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tw "github.com/twmb/avro"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// plain takes the logical types out of a schema: the oracle then gives days,
// milliseconds and bytes as they stand on the wire.
func plain(tb testing.TB, schema string) *tw.Schema {
	tb.Helper()
	tree, err := readTree(schema)
	if err != nil {
		tb.Fatal(err)
	}
	var strip func(node any)
	strip = func(node any) {
		switch n := node.(type) {
		case map[string]any:
			delete(n, "logicalType")
			for _, child := range n {
				strip(child)
			}
		case []any:
			for _, child := range n {
				strip(child)
			}
		}
	}
	strip(tree)
	s, err := tw.Parse(string(compact(tree)))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// native turns a record into what the oracle decodes to.
func native(r schemas.Record) map[string]any {
	out := map[string]any{}
	for i, c := range r.Layout().Columns {
		v := r.Value(i)
		switch {
		case v.IsNull():
			out[c.Name] = nil
		case c.Type == schemas.String:
			out[c.Name] = v.Str()
		case c.Type == schemas.Bytes:
			out[c.Name] = []byte(v.Str())
		case c.Type == schemas.Decimal:
			out[c.Name] = v.Int64()
		case c.Type == schemas.Date:
			out[c.Name] = int32(v.Int64())
		case c.Type == schemas.Boolean:
			out[c.Name] = v.Int64() == 1
		case c.Type == schemas.Double:
			out[c.Name] = math.Float64bits(v.Float64()) // NaN is not equal to itself
		case c.Type == schemas.Rows:
			rows := []any{}
			for _, row := range v.Records() {
				rows = append(rows, native(row))
			}
			out[c.Name] = rows
		default:
			out[c.Name] = v.Int64()
		}
	}
	return out
}

// theirs brings what the oracle decoded into the form of native.
func theirs(l *schemas.Layout, m map[string]any) map[string]any {
	out := map[string]any{}
	for _, c := range l.Columns {
		v := m[c.Name]
		switch x := v.(type) {
		case float64:
			v = math.Float64bits(x)
		case []byte:
			if c.Type == schemas.Decimal {
				v, _ = unscaled(string(x), math.MaxInt64)
			}
		case []any:
			rows := []any{}
			for _, row := range x {
				rows = append(rows, theirs(c.Rows, row.(map[string]any)))
			}
			v = rows
		}
		out[c.Name] = v
	}
	return out
}

// ourOwn are the faults that the oracle does not know: it takes such bytes.
var ourOwn = map[fault]bool{
	faultText: true, faultBoolean: true, faultRange: true, faultDecimal: true, faultCount: true, faultBlock: true, faultCells: true, faultSize: true,
}

// FuzzDecode reads any bytes into each layout of the corpus: it must not panic,
// must not make more than a multiple of what it was given, and must agree with
// twmb/avro on what is a record and what is in it.
func FuzzDecode(f *testing.F) {
	c := corpusCodec(f)
	readers := make([]*Reader, len(corpusLayouts))
	oracles := make([]*tw.Schema, len(corpusLayouts))
	for i, l := range corpusLayouts {
		readers[i], oracles[i] = c.Reader(l), plain(f, Schema(l))
		if _, err := readers[i].Unknown(f.Context(), i+1); err != nil { // compiles the program
			f.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "payloads", "*.txt"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		_, bytes, _ := strings.Cut(string(text), "\nbytes ")
		value, err := hex.DecodeString(strings.TrimSpace(bytes))
		if err != nil {
			f.Fatal(err)
		}
		if len(value) > headerSize {
			f.Add(value[4]-1, value[headerSize:])
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		i := int(which) % len(readers)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := readers[i].DecodeBody(t.Context(), i+1, body)
		runtime.ReadMemStats(&after)
		// A value takes one byte on the wire and 56 in memory, a row 32 more.
		if made := after.TotalAlloc - before.TotalAlloc; made > 64<<10+200*uint64(len(body)) {
			t.Errorf("%d bytes made %d", len(body), made)
		}
		var decoded any
		rest, theirErr := oracles[i].Decode(body, &decoded)
		theyTake := theirErr == nil && len(rest) == 0
		if err != nil {
			var d *DecodeError
			if !errors.As(err, &d) {
				t.Fatalf("error = %v, want a DecodeError", err)
			}
			if theyTake && !ourOwn[d.fault] {
				t.Errorf("refused (%v), the oracle takes it", err)
			}
			return
		}
		if !theyTake {
			t.Fatalf("taken, the oracle says %v with %d bytes left", theirErr, len(rest))
		}
		if diff := cmp.Diff(theirs(corpusLayouts[i], decoded.(map[string]any)), native(got)); diff != "" {
			t.Errorf("the oracle reads other values (-theirs +ours):\n%s", diff)
		}
	})
}

// FuzzRoundTrip writes and reads records of all types.
func FuzzRoundTrip(f *testing.F) {
	c := corpusCodec(f)
	w, r := writer(f, c, personLayout), c.Reader(personLayout)
	oracle := plain(f, Schema(personLayout))
	f.Add("539902199001011234", "张三", int32(7305), int64(1), int64(0), true, 0.98, int64(-1), "\x00", uint8(3), uint16(0))
	f.Add("", "", int32(math.MinInt32), int64(math.MinInt64), int64(math.MaxInt64), false, math.Inf(-1), int64(1e18), "\xff", uint8(0), uint16(0xFFFF))
	f.Fuzz(func(t *testing.T, id, name string, day int32, n, milli int64, yes bool, x float64, amount int64, raw string, rows uint8, nulls uint16) {
		lines := make([]schemas.Record, rows)
		for i := range lines {
			lines[i] = schemas.NewRecord(lineLayout, []schemas.Value{schemas.Text(name), schemas.Int(milli)})
		}
		in := schemas.NewRecord(personLayout, []schemas.Value{
			schemas.Text(id), schemas.Text(name), schemas.Int(int64(day)), schemas.Int(int64(day)), schemas.Int(n), schemas.Int(milli),
			schemas.Bool(yes), schemas.Float(x), schemas.Int(amount), schemas.Int(-amount), schemas.Binary(raw),
			schemas.Table([]schemas.Record{schemas.NewRecord(cellLayout, []schemas.Value{schemas.Text(name), schemas.Table(lines)})}),
			schemas.Table(lines),
		})
		for i, col := range personLayout.Columns {
			if col.Nullable && nulls>>i&1 == 1 {
				in = in.With(i, schemas.Null)
			}
		}
		value, err := w.Append(nil, in)
		if err != nil {
			return // refused: TestAppendRefuses says what must be
		}
		out, err := r.Decode(t.Context(), value)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if !out.Equal(in) {
			t.Error("read something else than was written")
		}
		var decoded any
		if rest, err := oracle.Decode(value[headerSize:], &decoded); err != nil || len(rest) > 0 {
			t.Errorf("the oracle cannot read it: %v, %d bytes left", err, len(rest))
		}
	})
}

// FuzzSchema: whatever text is given for a schema, it is refused or understood,
// by hamba and twmb alike, and understood the same when written again.
func FuzzSchema(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "schemas", "*.avsc"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, l := range corpusLayouts {
		f.Add(Schema(l))
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseSchema(text)
		if err != nil {
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatal("not JSON, and yet a schema")
		}
		again := Schema(l)
		if back, err := ParseSchema(again); err != nil || Schema(back) != again {
			t.Errorf("written again: %v\n%s", err, again)
		}
		canonical, err := Canonical(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := Compatible("FULL", canonical, []string{text}); err != nil {
			t.Errorf("not compatible with its own canonical form: %v", err)
		}
		if _, err := tw.Parse(text); err != nil {
			t.Errorf("the oracle refuses the schema: %v", err)
		}
	})
}

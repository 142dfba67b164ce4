package codec

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

var update = flag.Bool("update", false, "write testdata anew")

// The layouts that bad payloads are read into; their schemas have ids 1, 2, …
// in this order.
var corpusLayouts = []*schemas.Layout{
	personLayout,
	schemas.MustLayout("yiyuan.test", "Three",
		schemas.Column{Name: "a", Type: schemas.Long},
		schemas.Column{Name: "s", Type: schemas.String},
		schemas.Column{Name: "b", Type: schemas.Long}),
	schemas.MustLayout("yiyuan.test", "List", schemas.Column{Name: "rows", Type: schemas.Rows, Rows: lineLayout}),
	schemas.MustLayout("yiyuan.test", "Maybe", schemas.Column{Name: "x", Type: schemas.String, Nullable: true}),
	schemas.MustLayout("yiyuan.test", "Amount", schemas.Column{Name: "d", Type: schemas.Decimal, Precision: 4, Scale: 2}),
	schemas.MustLayout("yiyuan.test", "Scalars",
		schemas.Column{Name: "day", Type: schemas.Date},
		schemas.Column{Name: "at", Type: schemas.Timestamp},
		schemas.Column{Name: "yes", Type: schemas.Boolean},
		schemas.Column{Name: "f", Type: schemas.Double}),
	schemas.MustLayout("yiyuan.test", "Raw", schemas.Column{Name: "b", Type: schemas.Bytes}),
}

func corpusCodec(tb testing.TB) *Codec {
	tb.Helper()
	c := New(NewMemory())
	for i, l := range corpusLayouts {
		if id := writer(tb, c, l).ID(); id != i+1 {
			tb.Fatalf("layout %s has id %d, want %d", l.Name, id, i+1)
		}
	}
	return c
}

func corpusLayout(name string) *schemas.Layout {
	for _, l := range corpusLayouts {
		if l.Name == name {
			return l
		}
	}
	return nil
}

// hostile lists the payloads: what they are, into which layout they are read,
// what must be said of them ("ok" if they are strange but right).
func hostile(t *testing.T) []payload {
	t.Helper()
	c := corpusCodec(t)
	frame := func(id byte, body ...byte) []byte { return append([]byte{0, 0, 0, 0, id}, body...) }
	join := func(parts ...[]byte) []byte {
		var all []byte
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	long := func(n int64) []byte { return appendLong(nil, n) }
	str := func(s string) []byte { return append(long(int64(len(s))), s...) }
	good := encode(t, writer(t, c, personLayout), person())
	three := join(long(1), str("ab"), long(2))
	row := join(str("f"), []byte{0})
	const min64, max64 = -1 << 63, 1<<63 - 1
	list := []payload{
		{"empty", "Three", nil, "truncated"},
		{"header-only", "Three", frame(2), "truncated"},
		{"header-cut", "Three", []byte{0, 0, 0}, "truncated"},
		{"magic-one", "Three", append([]byte{1, 0, 0, 0, 2}, three...), "first byte is not 0"},
		{"magic-json", "Three", []byte(`{"a":1,"s":"ab","b":2}`), "first byte is not 0"},
		{"id-unknown", "Three", append([]byte{0, 0, 0, 0x7F, 0xFF}, three...), "unknown or incompatible schema"},
		{"id-negative", "Three", append([]byte{0, 0xFF, 0xFF, 0xFF, 0xFF}, three...), "negative schema id"},
		{"id-zero", "Three", append([]byte{0, 0, 0, 0, 0}, three...), "unknown or incompatible schema"},
		{"id-of-another-dataset", "Three", frame(4, 0), "unknown or incompatible schema"},
		{"cut-in-string", "Three", frame(2, join(long(1), long(5), []byte("abc"))...), "truncated"},
		{"cut-in-varint", "Three", frame(2, 0x80), "truncated"},
		{"cut-before-last-field", "Three", frame(2, three[:len(three)-1]...), "truncated"},
		{"trailing-zero", "Three", frame(2, append(three, 0)...), "bytes after the record"},
		{"trailing-record", "Three", frame(2, append(three, three...)...), "bytes after the record"},
		{"varint-ten-bytes-overflow", "Three", frame(2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02), "number does not fit its type"},
		{"varint-eleven-bytes", "Three", frame(2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00), "number does not fit its type"},
		{"varint-endless", "Three", frame(2, []byte(strings.Repeat("\x80", 4000))...), "number does not fit its type"},
		{"varint-least", "Three", frame(2, join(long(min64), str(""), long(max64))...), "ok"},
		{"varint-longer-than-needed", "Three", frame(2, 0x82, 0x00, 0x00, 0x02), "ok"},
		{"string-2-gib", "Three", frame(2, join(long(1), long(1<<31))...), "truncated"},
		{"string-8-eib", "Three", frame(2, join(long(1), long(max64))...), "truncated"},
		{"string-negative", "Three", frame(2, join(long(1), long(-1))...), "negative length"},
		{"string-least-length", "Three", frame(2, join(long(1), long(min64))...), "negative length"},
		{"text-bad-utf8", "Three", frame(2, join(long(1), str("\xff\xfe"), long(2))...), "text is not UTF-8"},
		{"text-lone-surrogate", "Three", frame(2, join(long(1), str("\xed\xa0\x80"), long(2))...), "text is not UTF-8"},
		{"text-overlong", "Three", frame(2, join(long(1), str("\xc0\xaf"), long(2))...), "text is not UTF-8"},
		{"text-cut-rune", "Three", frame(2, join(long(1), str("\xe4\xb8"), long(2))...), "text is not UTF-8"},
		{"text-gb18030", "Three", frame(2, join(long(1), str("\xd5\xc5\xc8\xfd"), long(2))...), "text is not UTF-8"},
		{"text-nul", "Three", frame(2, join(long(1), str("a\x00b"), long(2))...), "ok"},
		{"text-right-to-left", "Three", frame(2, join(long(1), str("a\u202eb"), long(2))...), "ok"},
		{"union-99", "Maybe", frame(4, long(99)...), "union has no such branch"},
		{"union-minus-one", "Maybe", frame(4, long(-1)...), "union has no such branch"},
		{"union-least", "Maybe", frame(4, long(min64)...), "union has no such branch"},
		{"union-without-value", "Maybe", frame(4, 2), "truncated"},
		{"boolean-two", "Scalars", frame(6, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0), "boolean is not 0 or 1"},
		{"double-nan", "Scalars", frame(6, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0xF8, 0x7F), "ok"},
		{"double-infinite", "Scalars", frame(6, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xF0, 0x7F), "ok"},
		{"double-cut", "Scalars", frame(6, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xF0), "truncated"},
		{"date-over-32-bits", "Scalars", frame(6, join(long(1<<31), []byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 0})...), "number does not fit its type"},
		{"date-year-10000", "Scalars", frame(6, join(long(lastDay+1), []byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 0})...), "date or time outside the years 1 to 9999"},
		{"timestamp-year-292000", "Scalars", frame(6, join(long(0), long(max64), []byte{1, 0, 0, 0, 0, 0, 0, 0, 0})...), "date or time outside the years 1 to 9999"},
		{"timestamp-before-year-1", "Scalars", frame(6, join(long(0), long(min64), []byte{1, 0, 0, 0, 0, 0, 0, 0, 0})...), "date or time outside the years 1 to 9999"},
		{"decimal-empty", "Amount", frame(5, 0), "decimal exceeds its precision"},
		{"decimal-nine-bytes", "Amount", frame(5, str("\x00\x00\x00\x00\x00\x00\x00\x00\x01")...), "ok"},
		{"decimal-nine-bytes-negative", "Amount", frame(5, str("\xff\xff\xff\xff\xff\xff\xff\xff\xfe")...), "ok"},
		{"decimal-nine-bytes-too-large", "Amount", frame(5, str("\x00\x80\x00\x00\x00\x00\x00\x00\x00")...), "decimal exceeds its precision"},
		{"decimal-nine-bytes-other-sign", "Amount", frame(5, str("\xff\x00\x00\x00\x00\x00\x00\x00\x01")...), "decimal exceeds its precision"},
		{"decimal-10-kib", "Amount", frame(5, str(strings.Repeat("\x7f", 10<<10))...), "decimal exceeds its precision"},
		{"decimal-five-digits", "Amount", frame(5, str("\x27\x10")...), "decimal exceeds its precision"},
		{"decimal-least", "Amount", frame(5, str("\x80\x00\x00\x00\x00\x00\x00\x00")...), "decimal exceeds its precision"},
		{"decimal-minus-99.99", "Amount", frame(5, str("\xd8\xf1")...), "ok"},
		{"rows-1e9", "List", frame(3, long(1e9)...), "more rows than allowed"},
		{"rows-greatest", "List", frame(3, long(max64)...), "more rows than allowed"},
		{"rows-least", "List", frame(3, join(long(min64), long(1))...), "block of rows is not of the size it states"},
		{"rows-least-with-size", "List", frame(3, join(long(min64), long(2), row)...), "more rows than allowed"},
		{"rows-more-than-sent", "List", frame(3, join(long(5000), row, []byte{0})...), "truncated"},
		{"rows-two-blocks-overflow", "List", frame(3, join(long(1), row, long(max64), row, []byte{0})...), "more rows than allowed"},
		{"rows-no-end", "List", frame(3, join(long(1), row)...), "truncated"},
		{"rows-block-size-too-large", "List", frame(3, join(long(-1), long(100), row, []byte{0})...), "block of rows is not of the size it states"},
		{"rows-block-size-too-small", "List", frame(3, join(long(-1), long(2), row, []byte{0})...), "block of rows is not of the size it states"},
		{"rows-block-size-lies-by-one", "List", frame(3, join(long(-1), long(4), row, []byte{0, 0})...), "block of rows is not of the size it states"},
		{"rows-block-size-negative", "List", frame(3, join(long(-1), long(-3), row, []byte{0})...), "block of rows is not of the size it states"},
		{"rows-block-size-right", "List", frame(3, join(long(-1), long(3), row, []byte{0})...), "ok"},
		{"rows-in-many-blocks", "List", frame(3, join(long(1), row, long(2), row, row, long(-1), long(3), row, []byte{0})...), "ok"},
		{"rows-bad-text-inside", "List", frame(3, join(long(1), str("\xff"), []byte{0, 0})...), "text is not UTF-8"},
		{"bytes-negative", "Raw", frame(7, long(-7)...), "negative length"},
		{"bytes-1-mib-not-sent", "Raw", frame(7, long(1<<20)...), "truncated"},
	}
	for i := 1; i <= 6; i++ {
		at := headerSize + i*(len(good)-headerSize)/7
		list = append(list, payload{fmt.Sprintf("person-cut-%d", i), "Person", good[:at], ""})
	}
	return append(list, payload{"person-whole", "Person", good, "ok"})
}

type payload struct {
	name, layout string
	value        []byte
	verdict      string // "": some kind of ErrMalformed
}

// verdict says in one line what Decode made of a payload.
func verdict(err error) string {
	if err == nil {
		return "ok"
	}
	var d *DecodeError
	if errors.As(err, &d) {
		_, english, _ := strings.Cut(faultTexts[d.fault], " / ")
		return english
	}
	if errors.Is(err, ErrUnknownSchema) {
		return "unknown or incompatible schema"
	}
	return "other: " + err.Error()
}

// TestBadPayloads reads the corpus of testdata/bad/payloads: one file each, with
// its layout, the verdict expected and the bytes.
func TestBadPayloads(t *testing.T) {
	c := corpusCodec(t)
	dir := filepath.Join("testdata", "bad", "payloads")
	if *update {
		writePayloads(t, c, dir)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) < 60 {
		t.Fatalf("%d payloads (%v), want 60 or more", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := map[string]string{}
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			p[name] = value
		}
		value, err := hex.DecodeString(p["bytes"])
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = c.Reader(corpusLayout(p["layout"])).Decode(t.Context(), value)
		runtime.ReadMemStats(&after)
		if got := verdict(err); got != p["verdict"] {
			t.Errorf("%s: verdict %q, want %q", filepath.Base(file), got, p["verdict"])
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 1<<20 {
			t.Errorf("%s: reading %d bytes made %d bytes", filepath.Base(file), len(value), made)
		}
	}
}

func writePayloads(t *testing.T, c *Codec, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, p := range hostile(t) {
		if p.verdict == "" {
			_, err := c.Reader(corpusLayout(p.layout)).Decode(t.Context(), p.value)
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%s: error = %v, want ErrMalformed", p.name, err)
			}
			p.verdict = verdict(err)
		}
		text := fmt.Sprintf("layout %s\nverdict %s\nbytes %x\n", p.layout, p.verdict, p.value)
		if err := os.WriteFile(filepath.Join(dir, p.name+".txt"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTooLarge: a value over the limit is refused unread, one at the limit is taken.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	c := corpusCodec(t)
	raw := corpusLayout("Raw")
	w, r := writer(t, c, raw), c.Reader(raw)
	room := MaxMessage - headerSize - 3 // of the length
	record := func(n int) schemas.Record {
		return schemas.NewRecord(raw, []schemas.Value{schemas.Binary(strings.Repeat("x", n))})
	}
	value := encode(t, w, record(room))
	if len(value) != MaxMessage {
		t.Fatalf("%d bytes, want %d", len(value), MaxMessage)
	}
	if _, err := r.Decode(t.Context(), value); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if _, err := r.Decode(t.Context(), append(value, 0)); !errors.Is(err, ErrTooLarge) || !errors.Is(err, ErrMalformed) {
		t.Errorf("one byte over: error = %v, want ErrTooLarge", err)
	}
	if out, err := w.Append([]byte("kept"), record(room+1)); !errors.Is(err, ErrTooLarge) || string(out) != "kept" {
		t.Errorf("written one byte over: %d bytes, error = %v, want ErrTooLarge", len(out), err)
	}
}

// TestAmplification: a narrow writer's rows read into a wide layout must not
// make a small value fill the memory.
func TestAmplification(t *testing.T) {
	t.Parallel()
	var columns []schemas.Column
	for i := range 400 {
		columns = append(columns, schemas.Column{Name: fmt.Sprintf("c%d", i), Type: schemas.Long, Nullable: true})
	}
	list := func(rows *schemas.Layout) *schemas.Layout {
		return schemas.MustLayout("yiyuan.test", "Wide", schemas.Column{Name: "rows", Type: schemas.Rows, Rows: rows})
	}
	narrow := schemas.MustLayout("yiyuan.test", "Row", columns[0])
	c := New(NewMemory())
	rows := make([]schemas.Record, MaxRows)
	for i := range rows {
		rows[i] = schemas.NewRecord(narrow, []schemas.Value{schemas.Null})
	}
	from := list(narrow)
	value := encode(t, writer(t, c, from), schemas.NewRecord(from, []schemas.Value{schemas.Table(rows)}))
	_, err := c.Reader(list(schemas.MustLayout("yiyuan.test", "Row", columns...))).Decode(t.Context(), value)
	if got := verdict(err); got != "record too large once decoded" {
		t.Errorf("%d bytes: verdict %q", len(value), got)
	}
}

// badSchemas are the schemas too large or too regular for a file.
func badSchemas() map[string]string {
	fields := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(`{"name":"f%d","type":"long"}`, i)
		}
		return strings.Join(list, ",")
	}
	deep := func(n int) string {
		s := `{"name":"x","type":"long"}`
		for i := range n {
			s = fmt.Sprintf(`{"name":"r","type":{"type":"array","items":{"type":"record","name":"R%d","fields":[%s]}}}`, i, s)
		}
		return `{"type":"record","name":"R","fields":[` + s + `]}`
	}
	one := func(field string) string { return `{"type":"record","name":"R","fields":[` + field + `]}` }
	// Names used again and again: 638 fields in few bytes.
	double := `{"name":"x","type":"long"},{"name":"y","type":"long"},{"name":"z","type":"long"}`
	for i := range 7 {
		double = fmt.Sprintf(`{"name":"a","type":{"type":"array","items":{"type":"record","name":"R%d","fields":[%s]}}},{"name":"b","type":{"type":"array","items":"R%d"}}`, i, double, i)
	}
	return map[string]string{
		"10000 fields":     one(fields(10_000)),
		"513 fields":       one(fields(513)),
		"9 deep":           deep(8),
		"200 deep":         deep(200),
		"doubling names":   one(double),
		"doc of 1 MiB":     one(`{"name":"x","type":"long","doc":"` + strings.Repeat("d", 1<<20) + `"}`),
		"5 MiB of spaces":  one(strings.Repeat(" ", 5<<20) + `{"name":"x","type":"long"}`),
		"name of 200":      one(`{"name":"` + strings.Repeat("n", 200) + `","type":"long"}`),
		"brackets 100000":  strings.Repeat("[", 100_000),
		"braces 100000":    strings.Repeat(`{"type":`, 100_000),
		"unions in unions": one(`{"name":"x","type":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`),
		"bad utf-8":        one("{\"name\":\"x\",\"type\":\"long\",\"doc\":\"\xff\"}"),
	}
}

// TestBadSchemas reads testdata/bad/schemas: the schema in one file, part of the
// reason expected in the one beside it; and those of badSchemas.
func TestBadSchemas(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "schemas", "*.avsc"))
	if err != nil || len(files) < 25 {
		t.Fatalf("%d schemas (%v), want 25 or more", len(files), err)
	}
	for _, file := range files {
		schema, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(strings.TrimSuffix(file, ".avsc") + ".verdict")
		if err != nil {
			t.Fatal(err)
		}
		_, err = parse(string(schema))
		if reason := strings.TrimSpace(string(want)); reason == "ok" {
			if err != nil {
				t.Errorf("%s: %v, want it taken", filepath.Base(file), err)
			}
		} else if !errors.Is(err, ErrProfile) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: error = %v, want ErrProfile with %q", filepath.Base(file), err, reason)
		}
	}
	for name, schema := range badSchemas() {
		if _, err := parse(schema); !errors.Is(err, ErrProfile) {
			t.Errorf("%s: error = %v, want ErrProfile", name, err)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}

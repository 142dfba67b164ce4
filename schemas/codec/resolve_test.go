package codec

import (
	"errors"
	"slices"
	"strings"
	"testing"

	tw "github.com/twmb/avro"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

func recordOf(fields string) string {
	return `{"type":"record","name":"R","namespace":"yiyuan.test","fields":[` + fields + `]}`
}

const (
	key   = `{"name":"k","type":"string"}`
	line  = `{"type":"record","name":"L","fields":[{"name":"f","type":"string"}]}`
	line2 = `{"type":"record","name":"L","fields":[{"name":"f","type":"string"},{"name":"g","type":["null","long"],"default":null}]}`
	lineM = `{"type":"record","name":"M","fields":[{"name":"f","type":"string"}]}`
)

func array(rows string) string { return `{"name":"x","type":{"type":"array","items":` + rows + `}}` }

func typed(t string) string { return `{"name":"x","type":` + t + `}` }

func decimal(precision, scale string) string {
	return typed(`{"type":"bytes","logicalType":"decimal","precision":` + precision + `,"scale":` + scale + `}`)
}

// evolutions are pairs of schemas, older and newer, with whether newer reads
// older (backward) and older reads newer (forward). stricter marks where we
// refuse what Avro, and the oracle, let pass; wider where we take what the
// oracle refuses.
var evolutions = []struct {
	name              string
	old, new          string
	backward, forward bool
	stricter, wider   bool
}{
	{"same", recordOf(key), recordOf(key), true, true, false, false},
	{"add nullable with default", recordOf(key), recordOf(key + `,{"name":"x","type":["null","string"],"default":null}`), true, true, false, false},
	{"add with default", recordOf(key), recordOf(key + `,{"name":"x","type":"long","default":7}`), true, true, false, false},
	{"add without default", recordOf(key), recordOf(key + "," + typed(`"long"`)), false, true, false, false},
	{"add nullable without default", recordOf(key), recordOf(key + "," + typed(`["null","long"]`)), false, true, true, false},
	{"drop nullable", recordOf(key + `,{"name":"x","type":["null","string"],"default":null}`), recordOf(key), true, true, false, false},
	{"reorder", recordOf(key + "," + typed(`"long"`)), recordOf(typed(`"long"`) + "," + key), true, true, false, false},
	{"rename with alias", recordOf(key), recordOf(`{"name":"n","aliases":["k"],"type":"string"}`), true, false, false, false},
	{"rename without alias", recordOf(key), recordOf(`{"name":"n","type":"string"}`), false, false, false, false},
	{"int to long", recordOf(typed(`"int"`)), recordOf(typed(`"long"`)), true, false, false, false},
	{"float to double", recordOf(typed(`"float"`)), recordOf(typed(`"double"`)), true, false, false, false},
	{"int to float", recordOf(typed(`"int"`)), recordOf(typed(`"float"`)), true, false, false, false},
	{"int to double", recordOf(typed(`"int"`)), recordOf(typed(`"double"`)), true, false, false, false},
	{"long to float", recordOf(typed(`"long"`)), recordOf(typed(`"float"`)), true, false, false, false},
	{"long to double", recordOf(typed(`"long"`)), recordOf(typed(`["null","double"]`)), true, false, false, false},
	{"string to bytes", recordOf(typed(`"string"`)), recordOf(typed(`"bytes"`)), true, true, false, false},
	{"date to double", recordOf(typed(`{"type":"int","logicalType":"date"}`)), recordOf(typed(`"double"`)), false, false, true, false},
	{"decimal to string", recordOf(decimal("10", "2")), recordOf(typed(`"string"`)), false, false, true, false},
	{"string to long", recordOf(typed(`"string"`)), recordOf(typed(`"long"`)), false, false, false, false},
	{"string to uuid", recordOf(typed(`"string"`)), recordOf(typed(`{"type":"string","logicalType":"uuid"}`)), true, true, false, false},
	{"required to nullable", recordOf(typed(`"long"`)), recordOf(typed(`["null","long"]`)), true, false, false, false},
	{"null moves in the union", recordOf(typed(`["null","long"]`)), recordOf(typed(`["long","null"]`)), true, true, false, false},
	{"int to nullable long", recordOf(typed(`"int"`)), recordOf(typed(`["null","long"]`)), true, false, false, false},
	{"long to timestamp", recordOf(typed(`"long"`)), recordOf(typed(`{"type":"long","logicalType":"timestamp-millis"}`)), false, false, true, false},
	{"int to date", recordOf(typed(`"int"`)), recordOf(typed(`{"type":"int","logicalType":"date"}`)), false, false, true, false},
	{"date to timestamp", recordOf(typed(`{"type":"int","logicalType":"date"}`)), recordOf(typed(`{"type":"long","logicalType":"timestamp-millis"}`)), false, false, true, false},
	{"decimal scale grows", recordOf(decimal("10", "2")), recordOf(decimal("10", "4")), false, false, false, false},
	{"decimal precision grows", recordOf(decimal("10", "2")), recordOf(decimal("12", "2")), true, false, false, true},
	{"bytes to decimal", recordOf(typed(`"bytes"`)), recordOf(decimal("10", "2")), false, false, true, false},
	{"rows get a column", recordOf(array(line)), recordOf(array(line2)), true, true, false, false},
	{"rows get another name", recordOf(array(line)), recordOf(array(lineM)), false, false, true, false},
	{"record gets another name", recordOf(key), strings.Replace(recordOf(key), `"R"`, `"S"`, 1), false, false, true, false},
	{"record renamed with alias", recordOf(key), strings.Replace(recordOf(key), `"name":"R"`, `"name":"S","aliases":["R"]`, 1), true, false, true, false},
}

func TestEvolution(t *testing.T) {
	t.Parallel()
	for _, e := range evolutions {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			for level, want := range map[string]bool{
				"NONE": true, "BACKWARD": e.backward, "FORWARD": e.forward, "FULL": e.backward && e.forward,
				"BACKWARD_TRANSITIVE": e.backward, "FORWARD_TRANSITIVE": e.forward, "FULL_TRANSITIVE": e.backward && e.forward,
			} {
				err := Compatible(level, e.new, []string{e.old})
				if want != (err == nil) || err != nil && !errors.Is(err, ErrIncompatible) {
					t.Errorf("%s: error = %v, want compatible %t", level, err, want)
				}
			}
			// The oracle may only differ where the table says so.
			older, newer := tw.MustParse(e.old), tw.MustParse(e.new)
			for _, way := range []struct {
				name           string
				writer, reader *tw.Schema
				ours           bool
			}{{"backward", older, newer, e.backward}, {"forward", newer, older, e.forward}} {
				theirs := tw.CheckCompatibility(way.writer, way.reader) == nil
				if theirs && !way.ours && !e.stricter || !theirs && way.ours && !e.wider {
					t.Errorf("%s: the oracle says %t, we say %t", way.name, theirs, way.ours)
				}
			}
		})
	}
}

// TestTransitive: a transitive level looks at all older schemas, the others at
// the last.
func TestTransitive(t *testing.T) {
	t.Parallel()
	first := recordOf(typed(`"long"`))
	second := recordOf(key)
	third := recordOf(key + `,{"name":"x","type":["null","string"],"default":null}`)
	for level, want := range map[string]bool{"BACKWARD": true, "BACKWARD_TRANSITIVE": false, "FORWARD": true, "FULL_TRANSITIVE": false} {
		if err := Compatible(level, third, []string{first, second}); (err == nil) != want {
			t.Errorf("%s: error = %v, want compatible %t", level, err, want)
		}
	}
	var c *CompatibilityError
	if err := Compatible("BACKWARD_TRANSITIVE", third, []string{first, second}); !errors.As(err, &c) || c.Old != 0 || len(c.Problems) == 0 {
		t.Errorf("error = %v, want a CompatibilityError with the first schema", err)
	}
	if err := Compatible("SIDEWAYS", third, nil); err == nil {
		t.Error("an unknown level was taken")
	}
	if err := Compatible("NONE", `"string"`, nil); !errors.Is(err, ErrProfile) {
		t.Errorf("NONE outside the profile: error = %v, want ErrProfile", err)
	}
}

// register puts a foreign schema into a registry and returns the frame's head.
func registered(t *testing.T, m *Memory, schema string) []byte {
	t.Helper()
	id, err := m.Register(t.Context(), "", schema)
	if err != nil {
		t.Fatal(err)
	}
	return []byte{0, 0, 0, 0, byte(id)}
}

// TestReadEvolved reads what other versions of a schema wrote.
func TestReadEvolved(t *testing.T) {
	t.Parallel()
	m := NewMemory()
	c := New(m)
	inner := schemas.MustLayout("yiyuan.test", "L",
		schemas.Column{Name: "f", Type: schemas.String},
		schemas.Column{Name: "g", Type: schemas.Long, Nullable: true})
	l := schemas.MustLayout("yiyuan.test", "R",
		schemas.Column{Name: "n", Type: schemas.Long, Nullable: true, Attrs: map[string]string{"aliases": "old"}},
		schemas.Column{Name: "d", Type: schemas.Double},
		schemas.Column{Name: "late", Type: schemas.String, Nullable: true},
		schemas.Column{Name: "level", Type: schemas.String, Attrs: map[string]string{"default": `"L2"`}},
		schemas.Column{Name: "rows", Type: schemas.Rows, Rows: inner},
	)
	r := c.Reader(l)
	writer := recordOf(`{"name":"secret","type":["string","null"]},{"name":"d","type":"float"},{"name":"old","type":"int"},` +
		`{"name":"rows","type":{"type":"array","items":{"type":"record","name":"L","fields":[{"name":"hidden","type":"bytes"},{"name":"f","type":"string"}]}}},` +
		`{"name":"gone","type":{"type":"array","items":{"type":"record","name":"G","fields":[{"name":"z","type":"string"}]}}}`)
	value := append(registered(t, m, writer),
		0, 2, 's', // secret: the string stands first in the union
		0, 0, 0xC0, 0x3F, // d = 1.5
		84,                    // old = 42
		2, 2, 0xFF, 2, 'f', 0, // one row
		2, 2, 'z', 0, // gone
	)
	got, err := r.Decode(t.Context(), value)
	if err != nil {
		t.Fatal(err)
	}
	want := schemas.NewRecord(l, []schemas.Value{
		schemas.Int(42), schemas.Float(1.5), schemas.Null, schemas.Text("L2"),
		schemas.Table([]schemas.Record{schemas.NewRecord(inner, []schemas.Value{schemas.Text("f"), schemas.Null})}),
	})
	if !got.Equal(want) {
		t.Error("the record is not what the writer's fields say")
	}
	if n := r.Withheld(); n != 3 {
		t.Errorf("%d columns withheld, want 3: secret, gone, rows.hidden", n)
	}
	id, err := SchemaID(value)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := r.Unknown(t.Context(), id); err != nil || !slices.Equal(names, []string{"secret", "gone"}) {
		t.Errorf("unknown columns = %q, %v", names, err)
	}
	// What is skipped is checked all the same.
	value[len(value)-2] = 0xFF
	if _, err := r.Decode(t.Context(), value); verdict(err) != "text is not UTF-8" {
		t.Errorf("bad text in a skipped column: %v", err)
	}
	for name, schema := range map[string]string{
		"lacks a required column": recordOf(key),
		"retyped":                 recordOf(`{"name":"d","type":"string"},` + array(line)),
		"another record":          strings.Replace(writer, `"R"`, `"S"`, 1),
	} {
		_, err := r.Decode(t.Context(), append(registered(t, m, schema), 0))
		if !errors.Is(err, ErrUnknownSchema) || !errors.Is(err, ErrIncompatible) || errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error = %v, want ErrUnknownSchema and ErrIncompatible", name, err)
		}
	}
}

// TestPromoted reads what was written under a narrower type.
func TestPromoted(t *testing.T) {
	t.Parallel()
	m := NewMemory()
	c := New(m)
	for _, p := range []struct {
		writer  string
		bytes   []byte
		reader  schemas.Type
		want    schemas.Value
		verdict string
	}{
		{`"int"`, []byte{3}, schemas.Double, schemas.Float(-2), ""},
		{`["null","long"]`, []byte{2, 0xFE, 0xFF, 0xFF, 0xFF, 0x1F}, schemas.Double, schemas.Float(4294967295), ""},
		{`"string"`, []byte{4, 'a', 'b'}, schemas.Bytes, schemas.Binary("ab"), ""},
		{`"bytes"`, []byte{6, 0xE6, 0x98, 0x8E}, schemas.String, schemas.Text("明"), ""},
		{`"bytes"`, []byte{4, 0xE6, 0x98}, schemas.String, schemas.Null, "text is not UTF-8"},
		{`"int"`, []byte{0xFE, 0xFF, 0xFF, 0xFF, 0x1F}, schemas.Double, schemas.Null, "number does not fit its type"},
	} {
		l := schemas.MustLayout("yiyuan.test", "R", schemas.Column{Name: "x", Type: p.reader, Nullable: true})
		got, err := c.Reader(l).Decode(t.Context(), append(registered(t, m, recordOf(typed(p.writer))), p.bytes...))
		if verdict(err) != p.verdict && (err != nil || p.verdict != "") {
			t.Errorf("%s as %s: error = %v, want %q", p.writer, p.reader, err, p.verdict)
			continue
		}
		if err == nil && !got.Value(0).Equal(p.want) {
			t.Errorf("%s as %s: not the value that was written", p.writer, p.reader)
		}
	}
	// A reader's float has 24 bits, whoever wrote it.
	r, err := parse(recordOf(typed(`"float"`)))
	if err != nil {
		t.Fatal(err)
	}
	w, err := parse(recordOf(typed(`"long"`)))
	if err != nil {
		t.Fatal(err)
	}
	l := schemas.MustLayout("yiyuan.test", "R", schemas.Column{Name: "x", Type: schemas.Double})
	program, err := readProgram(r, w, l)
	if err != nil {
		t.Fatal(err)
	}
	d := decoder{s: string([]byte{0x82, 0x80, 0x80, 0x10})} // 2^24 + 1
	if values := d.run(program); d.fault != faultNone || values[0].Float64() != 1<<24 {
		t.Error("a long read as float has more than 24 bits")
	}
}

// TestSchemaKeepsAttributes: what Schema writes, ParseSchema gives back, and a
// second layout of one name does not take the first one's place.
func TestSchemaKeepsAttributes(t *testing.T) {
	t.Parallel()
	for _, l := range append(slices.Clone(corpusLayouts), contract.FindingLayout, contract.QuarantineLayout, schemas.ExplainLayout) {
		text := Schema(l)
		back, err := ParseSchema(text)
		if err != nil {
			t.Errorf("%s: %v", l.Name, err)
			continue
		}
		if again := Schema(back); again != text {
			t.Errorf("%s: written again\n%s\nwant\n%s", l.Name, again, text)
		}
	}
	back, err := ParseSchema(Schema(personLayout))
	if err != nil {
		t.Fatal(err)
	}
	xm := back.Columns[1]
	if xm.Doc != "姓名 <\"&>" || xm.Attrs["mask"] != "partial" || xm.Attrs["aliases"] != "NAME,XINGMING" || !xm.Nullable {
		t.Errorf("column = %+v", xm)
	}
	other := schemas.MustLayout("yiyuan.test", "Line", schemas.Column{Name: "n", Type: schemas.Long})
	l := schemas.MustLayout("yiyuan.test", "Two",
		schemas.Column{Name: "a", Type: schemas.Rows, Rows: lineLayout},
		schemas.Column{Name: "b", Type: schemas.Rows, Rows: other},
		schemas.Column{Name: "c", Type: schemas.Rows, Rows: lineLayout})
	back, err = ParseSchema(Schema(l))
	if err != nil {
		t.Fatal(err)
	}
	if got := back.Columns[1].Rows.Name; got != "Line_2" {
		t.Errorf("second record is called %q, want Line_2", got)
	}
	if back.Columns[0].Rows != back.Columns[2].Rows {
		t.Error("a layout used twice came back as two")
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	base := `{"type":"record","name":"R","namespace":"a.b","fields":[{"name":"x","type":"long","doc":"d","level":"L3"},{"name":"y","type":{"type":"array","items":{"type":"record","name":"L","fields":[{"name":"f","type":"string"}]}}},{"name":"z","type":{"type":"array","items":"L"}}]}`
	same := []string{
		strings.ReplaceAll(base, ",", " ,\n "),
		strings.Replace(base, `"name":"R","namespace":"a.b"`, `"name":"a.b.R"`, 1),
		strings.Replace(base, `"long"`, `{"type":"long"}`, 1),
		strings.Replace(base, `"items":"L"`, `"items":"a.b.L"`, 1),
		strings.Replace(base, `"level":"L3"`, `"level":"L3","order":"ascending","aliases":[]`, 1),
	}
	other := []string{
		strings.Replace(base, `"d"`, `"e"`, 1),
		strings.Replace(base, `"L3"`, `"L4"`, 1),
		strings.Replace(base, `"a.b"`, `"a.c"`, 1),
		strings.Replace(base, `"level"`, `"default":1,"level"`, 1),
		strings.Replace(base, `"level"`, `"aliases":["old"],"level"`, 1),
	}
	want, err := Canonical(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range same {
		if got, err := Canonical(s); err != nil || got != want {
			t.Errorf("%s\n= %s (%v)\nwant %s", s, got, err, want)
		}
	}
	for _, s := range other {
		if got, err := Canonical(s); err != nil || got == want {
			t.Errorf("%s is taken for the same schema (%v)", s, err)
		}
	}
	if again, err := Canonical(want); err != nil || again != want {
		t.Errorf("canonical of the canonical = %s (%v)", again, err)
	}
}

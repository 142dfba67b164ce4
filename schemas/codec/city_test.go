package codec

import (
	"errors"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// TestSampleCity: every layout of the sample city is within the profile, comes
// back from its schema as it was, and takes an empty record there and back.
func TestSampleCity(t *testing.T) {
	t.Parallel()
	city, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	layouts := map[string]*schemas.Layout{}
	for _, d := range city.Datasets {
		layouts["raw."+d.ID] = d.Layout
		for _, v := range d.Views {
			layouts["shared."+v.ID] = v.Layout
		}
	}
	for _, e := range city.Entities {
		layouts["resolved."+e.ID] = e.ResolvedLayout()
		for _, v := range e.Views {
			layouts["shared."+v.ID] = v.Layout
		}
	}
	c := New(NewMemory())
	for topic, l := range layouts {
		if len(l.Columns) == 0 {
			continue
		}
		w, err := c.Writer(t.Context(), topic+"-value", l)
		if err != nil {
			t.Errorf("%s: %v", topic, err)
			continue
		}
		back, err := ParseSchema(Schema(l))
		if err != nil || Schema(back) != Schema(l) {
			t.Errorf("%s: the schema does not come back as it was: %v", topic, err)
		}
		in := schemas.NewRecord(l, empty(l))
		value, err := w.Append(nil, in)
		if err != nil {
			t.Errorf("%s: %v", topic, err)
			continue
		}
		if out, err := c.Reader(l).Decode(t.Context(), value); err != nil || !out.Equal(in) {
			t.Errorf("%s: an empty record does not come back: %v", topic, err)
		}
	}
	if len(layouts) < 40 {
		t.Errorf("%d layouts, want those of 24 datasets and their views", len(layouts))
	}
}

// empty returns null where it can stand, the type's empty value elsewhere.
func empty(l *schemas.Layout) []schemas.Value {
	values := make([]schemas.Value, len(l.Columns))
	for i, c := range l.Columns {
		if c.Nullable {
			continue
		}
		switch c.Type {
		case schemas.String:
			values[i] = schemas.Text("")
		case schemas.Bytes:
			values[i] = schemas.Binary("")
		case schemas.Double:
			values[i] = schemas.Float(0)
		case schemas.Rows:
			values[i] = schemas.Table(nil)
		default:
			values[i] = schemas.Int(0)
		}
	}
	return values
}

// TestDefaults: a column that the writer lacks gets the default of its type.
func TestDefaults(t *testing.T) {
	t.Parallel()
	def := func(name string, typ schemas.Type, text string) schemas.Column {
		return schemas.Column{Name: name, Type: typ, Precision: 4, Scale: 2, Rows: lineLayout, Attrs: map[string]string{"default": text}}
	}
	l := schemas.MustLayout("yiyuan.test", "R",
		schemas.Column{Name: "k", Type: schemas.String},
		def("s", schemas.String, `"中文 <&>"`), def("n", schemas.Long, "9007199254740993"), def("d", schemas.Date, "-1"),
		def("t", schemas.Timestamp, "1"), def("b", schemas.Boolean, "true"), def("f", schemas.Double, "1.5e2"),
		def("m", schemas.Decimal, `"\u00ff\u009c"`), def("x", schemas.Bytes, `"\u0000\u00ff"`), def("r", schemas.Rows, "[]"),
	)
	m := NewMemory()
	got, err := New(m).Reader(l).Decode(t.Context(), append(registered(t, m, recordOf(key)), 2, 'k'))
	if err != nil {
		t.Fatal(err)
	}
	want := schemas.NewRecord(l, []schemas.Value{
		schemas.Text("k"), schemas.Text("中文 <&>"), schemas.Int(9007199254740993), schemas.Int(-1), schemas.Int(1), schemas.Bool(true),
		schemas.Float(150), schemas.Int(-100), schemas.Binary("\x00\xff"), schemas.Table(nil),
	})
	for i, c := range l.Columns {
		if !got.Value(i).Equal(want.Value(i)) {
			t.Errorf("column %s has another default", c.Name)
		}
	}
	for _, bad := range []schemas.Column{
		def("s", schemas.String, "1"), def("n", schemas.Long, "true"), def("d", schemas.Date, "4000000000"), def("d2", schemas.Date, "3000000"),
		def("b", schemas.Boolean, "0"), def("m", schemas.Decimal, `"\u0001\u0000\u0000"`), def("x", schemas.Bytes, `"\u0100"`), def("r", schemas.Rows, "[1]"),
	} {
		if _, err := parse(Schema(schemas.MustLayout("yiyuan.test", "R", bad))); !errors.Is(err, ErrProfile) {
			t.Errorf("default %s of a %s: error = %v, want ErrProfile", bad.Attrs["default"], bad.Type, err)
		}
	}
}

// TestBodies: a body without its frame travels with its id, and a record of
// another layout with the same columns can be written.
func TestBodies(t *testing.T) {
	t.Parallel()
	c := New(NewMemory())
	w, r := writer(t, c, personLayout), c.Reader(personLayout)
	body, err := w.AppendBody(nil, person())
	if err != nil {
		t.Fatal(err)
	}
	if framed := encode(t, w, person()); string(framed[headerSize:]) != string(body) {
		t.Error("body and framed value differ")
	}
	if got, err := r.DecodeBody(t.Context(), w.ID(), body); err != nil || !got.Equal(person()) {
		t.Errorf("body: %v", err)
	}
	if _, err := r.DecodeBody(t.Context(), w.ID(), make([]byte, MaxMessage)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("long body: error = %v, want ErrTooLarge", err)
	}
	twin, err := ParseSchema(Schema(personLayout))
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.Reader(twin).Decode(t.Context(), encode(t, w, person()))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := w.AppendBody(nil, read); err != nil || string(again) != string(body) {
		t.Errorf("a record read into the schema's own layout cannot be written again: %v", err)
	}
}

// TestBadLayout: a layout outside the profile is refused by Writer and Decode.
func TestBadLayout(t *testing.T) {
	t.Parallel()
	c := New(NewMemory())
	value := encode(t, writer(t, c, personLayout), person())
	for name, l := range map[string]*schemas.Layout{
		"Chinese name": schemas.MustLayout("yiyuan.test", "R", schemas.Column{Name: "姓名", Type: schemas.String}),
		"no type":      schemas.MustLayout("yiyuan.test", "R", schemas.Column{Name: "x"}),
		"no rows":      schemas.MustLayout("yiyuan.test", "R", schemas.Column{Name: "x", Type: schemas.Rows}),
		"no columns":   schemas.MustLayout("yiyuan.test", "R"),
		"precision":    schemas.MustLayout("yiyuan.test", "R", schemas.Column{Name: "x", Type: schemas.Decimal, Precision: 20}),
	} {
		if _, err := c.Writer(t.Context(), "s", l); !errors.Is(err, ErrProfile) {
			t.Errorf("%s: Writer error = %v, want ErrProfile", name, err)
		}
		if _, err := c.Reader(l).Decode(t.Context(), value); !errors.Is(err, ErrUnknownSchema) || !errors.Is(err, ErrProfile) {
			t.Errorf("%s: Decode error = %v, want ErrUnknownSchema", name, err)
		}
	}
}

// TestErrorsShowNoValues: an error names record, column and offset, in Chinese
// and English, and nothing of what was read.
func TestErrorsShowNoValues(t *testing.T) {
	t.Parallel()
	c := New(NewMemory())
	value := encode(t, writer(t, c, personLayout), person())
	value[6] = 0xFF // in the identity number
	_, err := c.Reader(personLayout).Decode(t.Context(), value)
	var d *DecodeError
	if !errors.As(err, &d) || d.Record != "Person" || d.Column != "GMSFHM" {
		t.Fatalf("error = %v, want record and column", err)
	}
	if text := err.Error(); text != `decode "Person" column "GMSFHM" at byte 24: 不是 UTF-8 文本 / text is not UTF-8` || strings.Contains(text, "539902") {
		t.Errorf("error = %s", text)
	}
	err = Compatible("BACKWARD", recordOf(typed(`"string"`)), []string{recordOf(typed(`"long"`))})
	if want := "模式不相容 / not BACKWARD compatible with older schema 1: yiyuan.test.R.x: 类型不同（新模式读旧数据） / long cannot be read as string (new reads old)"; err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant %s", err, want)
	}
}

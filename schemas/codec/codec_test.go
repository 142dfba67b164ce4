package codec

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// lineLayout and personLayout use every type, null and not, and rows in rows.
var (
	lineLayout = schemas.MustLayout("yiyuan.test", "Line",
		schemas.Column{Name: "field", Type: schemas.String},
		schemas.Column{Name: "at", Type: schemas.Timestamp, Nullable: true},
	)
	cellLayout = schemas.MustLayout("yiyuan.test", "Cell",
		schemas.Column{Name: "name", Type: schemas.String},
		schemas.Column{Name: "lines", Type: schemas.Rows, Rows: lineLayout},
	)
	personLayout = newPersonLayout()
)

func newPersonLayout() *schemas.Layout {
	l := schemas.MustLayout("yiyuan.test", "Person",
		schemas.Column{Name: "GMSFHM", Type: schemas.String, Doc: "公民身份号码", Attrs: map[string]string{"element": "id_number", "level": "L3"}},
		schemas.Column{Name: "XM", Type: schemas.String, Nullable: true, Doc: "姓名 <\"&>", Attrs: map[string]string{"mask": "partial", "aliases": "NAME,XINGMING"}},
		schemas.Column{Name: "CSRQ", Type: schemas.Date},
		schemas.Column{Name: "SWRQ", Type: schemas.Date, Nullable: true},
		schemas.Column{Name: "_ver", Type: schemas.Long},
		schemas.Column{Name: "_at", Type: schemas.Timestamp},
		schemas.Column{Name: "alive", Type: schemas.Boolean},
		schemas.Column{Name: "score", Type: schemas.Double, Nullable: true},
		schemas.Column{Name: "JFJS", Type: schemas.Decimal, Precision: 16, Scale: 4},
		schemas.Column{Name: "MJ", Type: schemas.Decimal, Precision: 18, Scale: 0, Nullable: true},
		schemas.Column{Name: "digest", Type: schemas.Bytes, Nullable: true},
		schemas.Column{Name: "cells", Type: schemas.Rows, Rows: cellLayout},
		schemas.Column{Name: "more", Type: schemas.Rows, Rows: lineLayout, Nullable: true},
	)
	l.Doc, l.Attrs = "人员", map[string]string{"title": "人员"}
	return l
}

func person() schemas.Record {
	line := func(s string, at schemas.Value) schemas.Record {
		return schemas.NewRecord(lineLayout, []schemas.Value{schemas.Text(s), at})
	}
	return schemas.NewRecord(personLayout, []schemas.Value{
		schemas.Text("539902199001011234"), schemas.Text("张三·𠮷"),
		schemas.Day(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)), schemas.Null,
		schemas.Int(1 << 40), schemas.Millis(time.UnixMilli(1_790_000_000_123)),
		schemas.Bool(true), schemas.Float(0.98),
		schemas.Int(-12345678), schemas.Int(999_999_999_999_999_999),
		schemas.Binary("\x00\xff\x80"),
		schemas.Table([]schemas.Record{
			schemas.NewRecord(cellLayout, []schemas.Value{schemas.Text("XM"), schemas.Table([]schemas.Record{line("GA01", schemas.Null), line("YB01", schemas.Int(5))})}),
			schemas.NewRecord(cellLayout, []schemas.Value{schemas.Text(""), schemas.Table(nil)}),
		}),
		schemas.Table([]schemas.Record{line("末", schemas.Int(-1))}),
	})
}

func writer(tb testing.TB, c *Codec, l *schemas.Layout) *Writer {
	tb.Helper()
	w, err := c.Writer(tb.Context(), l.Name+"-value", l)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func encode(tb testing.TB, w *Writer, r schemas.Record) []byte {
	tb.Helper()
	value, err := w.Append(nil, r)
	if err != nil {
		tb.Fatal(err)
	}
	return value
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	c := New(NewMemory())
	value := encode(t, writer(t, c, personLayout), person())
	got, err := c.Reader(personLayout).Decode(t.Context(), value)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(person()) {
		t.Error("what was read is not what was written")
	}
}

func TestEveryCutIsRefused(t *testing.T) {
	t.Parallel()
	c := New(NewMemory())
	value := encode(t, writer(t, c, personLayout), person())
	r := c.Reader(personLayout)
	for n := range value {
		if _, err := r.Decode(t.Context(), value[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut at %d of %d: error = %v, want ErrMalformed", n, len(value), err)
		}
	}
	for _, tail := range []string{"\x00", "junk", strings.Repeat("\x00", 4096)} {
		if _, err := r.Decode(t.Context(), append(value[:len(value):len(value)], tail...)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes after: error = %v, want ErrMalformed", len(tail), err)
		}
	}
}

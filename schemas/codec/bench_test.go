package codec

import (
	"testing"
	"time"

	hamba "github.com/hamba/avro/v2"
)

// hambaFlat is the record of flatLayout as hamba/avro wants it.
type hambaFlat struct {
	ID      string    `avro:"id"`
	Name    string    `avro:"name"`
	Birth   time.Time `avro:"birth"`
	Addr    *string   `avro:"addr"`
	Phone   *string   `avro:"phone"`
	Status  string    `avro:"status"`
	Amount  int64     `avro:"amount"`
	Score   float64   `avro:"score"`
	Active  bool      `avro:"active"`
	Updated time.Time `avro:"updated"`
	Src     string    `avro:"src"`
	LSN     int64     `avro:"lsn"`
}

func BenchmarkDecode(b *testing.B) {
	c := New(NewMemory())
	w := writer(b, c, flatLayout)
	value := encode(b, w, flat())
	b.Run("12-fields/ours", func(b *testing.B) {
		r, ctx := c.Reader(flatLayout), b.Context()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Decode(ctx, value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("12-fields/hamba-struct", func(b *testing.B) {
		schema := hamba.MustParse(Schema(flatLayout))
		b.ReportAllocs()
		for b.Loop() {
			var out hambaFlat
			if err := hamba.Unmarshal(schema, value[headerSize:], &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("rows-in-rows/ours", func(b *testing.B) {
		r, ctx := c.Reader(personLayout), b.Context()
		value := encode(b, writer(b, c, personLayout), person())
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Decode(ctx, value); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	c := New(NewMemory())
	w := writer(b, c, flatLayout)
	b.Run("12-fields/ours", func(b *testing.B) {
		r, dst := flat(), make([]byte, 0, 1024)
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if dst, err = w.Append(dst[:0], r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("12-fields/hamba-struct", func(b *testing.B) {
		schema := hamba.MustParse(Schema(flatLayout))
		var in hambaFlat
		if err := hamba.Unmarshal(schema, encode(b, w, flat())[headerSize:], &in); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := hamba.Marshal(schema, in); err != nil {
				b.Fatal(err)
			}
		}
	})
}

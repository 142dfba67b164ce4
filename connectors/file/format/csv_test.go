package format

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzCSV holds the reader against encoding/csv on what both must take, reads
// everything a byte at a time too, and must come to an end.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		"a,b\n1,2\n", "a,\"b\n\"\"c\"\n", "a\r\nb\rc", "\"a\"x,b\nc\n", "\"open\nx,y\nz", "a,\"b\",\"\"\n", "\n\n \n,\n", "\"\r\n\",x\r", strings.Repeat("\"\n", 300),
	} {
		f.Add(s)
	}
	o := Limits{MaxRow: 64, MaxColumns: 1024, Delimiter: ","}
	read := func(r io.Reader) ([][]string, int) {
		c := NewCSV(r, o)
		var rows [][]string
		bad := 0
		for {
			row, err := c.Next()
			if errors.Is(err, io.EOF) || errors.Is(err, ErrManyOpen) {
				return rows, bad
			}
			if err != nil {
				panic(err)
			}
			if row.Bad != nil {
				bad++
				continue
			}
			rows = append(rows, row.Fields)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		rows, bad := read(strings.NewReader(text))
		slow, slowBad := read(iotest.OneByteReader(strings.NewReader(text)))
		if bad != slowBad || !slices.EqualFunc(rows, slow, slices.Equal) {
			t.Fatal("reading a byte at a time gives other rows")
		}
		if len(text) > 60 || strings.ContainsRune(text, '\r') {
			return // longer rows than ours, and CR alone: the other reader differs
		}
		other := csv.NewReader(strings.NewReader(text))
		other.FieldsPerRecord = -1
		want, err := other.ReadAll()
		if err != nil {
			return
		}
		want = slices.DeleteFunc(want, func(r []string) bool { return len(r) == 1 && strings.TrimSpace(r[0]) == "" })
		rows = slices.DeleteFunc(rows, func(r []string) bool { return len(r) == 1 && strings.TrimSpace(r[0]) == "" })
		if bad > 0 || !slices.EqualFunc(rows, want, slices.Equal) {
			t.Fatalf("%q: rows %q and %d bad, want %q", text, rows, bad, want)
		}
	})
}

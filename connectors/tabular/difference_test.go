package tabular_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
)

// What a copy lacks of the one before is told, whatever stands in the keys, and counted
// against all that there were.
func TestGone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ before, now, gone []string }{
		{nil, []string{"a"}, nil},
		{[]string{"a", "b"}, nil, []string{"a", "b"}},
		{[]string{"a", "b\nc", "d", "\"e"}, []string{"d", "c"}, []string{"\"e", "a", "b\nc"}},
		{[]string{"a", "b"}, []string{"0", "a", "b", "z"}, nil},
	} {
		slices.Sort(test.before)
		var kept bytes.Buffer
		if err := tabular.WriteKeys(&kept, test.before); err != nil {
			t.Fatal(err)
		}
		var now tabular.Table
		for _, k := range test.now {
			now.Add(k)
		}
		now.Sort()
		text := kept.String()
		g := tabular.Compare(io.NopCloser(strings.NewReader(text)), now.Keys)
		var gone []string
		for {
			key, err := g.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			gone = append(gone, key)
		}
		if !slices.Equal(gone, test.gone) {
			t.Errorf("%q became %q: gone %q, want %q", test.before, test.now, gone, test.gone)
		}
		n, of, err := tabular.Compare(io.NopCloser(strings.NewReader(text)), now.Keys).Count()
		if n != len(test.gone) || of != len(test.before) || err != nil {
			t.Errorf("%q became %q: %d of %d, %v", test.before, test.now, n, of, err)
		}
	}
	if _, err := tabular.Compare(io.NopCloser(strings.NewReader("\"a\n")), nil).Next(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a damaged list: %v", err)
	}
	if n, of, err := (&tabular.Gone{}).Count(); n != 0 || of != 0 || err != nil {
		t.Errorf("without an earlier copy: %d of %d, %v", n, of, err)
	}
}

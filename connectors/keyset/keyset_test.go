package keyset_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/keyset"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

func TestQuery(t *testing.T) {
	t.Parallel()
	s := keyset.Select{Columns: []string{"a", "b", "x"}, Table: "t", Where: []string{"(x > 0)"}, Keys: []string{"a", "b"}}
	tuples := keyset.Dialect{Quote: strconv.Quote, Param: func(n int) string { return "$" + strconv.Itoa(n) }, Tuples: true}
	plain := keyset.Dialect{Quote: func(n string) string { return "[" + n + "]" }, Param: func(int) string { return "?" }}
	for _, test := range []struct {
		dialect keyset.Dialect
		behind  []string
		query   string
		params  []string
	}{
		{tuples, nil, `SELECT "a", "b", "x" FROM t WHERE (x > 0) ORDER BY "a", "b"`, nil},
		{tuples, []string{"1", "2"}, `SELECT "a", "b", "x" FROM t WHERE (x > 0) AND ("a", "b") > ($1, $2) ORDER BY "a", "b"`, []string{"1", "2"}},
		{plain, []string{"1", "2"}, `SELECT [a], [b], [x] FROM t WHERE (x > 0) AND ([a] > ? OR [a] = ? AND [b] > ?) ORDER BY [a], [b]`, []string{"1", "1", "2"}},
		{tuples, []string{"1"}, `SELECT "a", "b", "x" FROM t WHERE (x > 0) ORDER BY "a", "b"`, nil}, // a key of another table
	} {
		query, params := test.dialect.Query(s, test.behind)
		if query != test.query || !slices.Equal(params, test.params) {
			t.Errorf("behind %q: %s %q\nwant %s %q", test.behind, query, params, test.query, test.params)
		}
	}
}

// A position shows no key; who holds the keys reads it, for the same source only.
func TestSeal(t *testing.T) {
	t.Parallel()
	keys, err := keyring.New(keyring.Intl, map[int][]byte{1: []byte("a key that is long enough for it")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	cfg := connectors.Config{Name: "s", Keys: keys}
	sealed, err := keyset.Seal(cfg, []string{"539902198503120013", "x"})
	if err != nil || sealed == "" || strings.Contains(sealed, "5399") {
		t.Fatalf("sealed as %q, %v", sealed, err)
	}
	if got := keyset.Unseal(cfg, sealed); !slices.Equal(got, []string{"539902198503120013", "x"}) {
		t.Errorf("read back as %q", got)
	}
	for name, other := range map[string]connectors.Config{"another source": {Name: "t", Keys: keys}, "no keys": {Name: "s"}} {
		if got := keyset.Unseal(other, sealed); got != nil {
			t.Errorf("%s reads %q", name, got)
		}
	}
	if got := keyset.Unseal(cfg, "AAAA"); got != nil {
		t.Errorf("what was not sealed is read as %q", got)
	}
}

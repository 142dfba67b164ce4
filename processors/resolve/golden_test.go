package resolve

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/processors/verification"
)

// A head written by an earlier build must be read by this one. Whoever changes
// the format adds a golden file of the new version and keeps reading this one.
func TestHeadGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/head.v1.hex")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	want := head{
		known: true, version: 300, current: true, table: 2, wake: 1764028800123, forget: 1764028800456,
		golden: 0x0102030405060708, values: 0x1112131415161718, explain: 0x2122232425262728,
		views: []shown{{1, 2}, {3, 0}}, defined: 9, counted: 5, sums: []int64{7, -8},
		states: []verification.State{{
			Case: "MZ02|L1", Phase: 1, Since: 10, OpenedAt: 11, ClosedAt: 12, Due: 13, Reopened: 14, Version: 15, Wake: 16, Owner: "MZ", Shown: 17,
		}},
	}
	cat := []byte("addd2b0f9e12")
	if got := want.append(nil, cat); string(got) != string(golden) {
		t.Errorf("a head is stored as %x, want %x as version 1 is", got, golden)
	}
	var got head
	if err := got.parse(golden, cat, map[string]string{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(head{}, shown{})); diff != "" {
		t.Error(diff)
	}
}

package route

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// An image written by an earlier build must be read by this one. Whoever changes
// the format adds a golden file of the new version and keeps reading this one.
func TestImageGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/image.v2.hex")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	want := image{
		live: true, source: []byte("ga-live"), sequence: schemas.Sequence{Major: 4711, Minor: 12}, version: 300, edition: []byte("addd2b0f9e12"),
		row: []byte{0, 0, 0, 0, 7, 2, 1},
	}
	got, err := parseImage(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(image{})); diff != "" {
		t.Error(diff)
	}
	if got := want.append(nil); string(got) != string(golden) {
		t.Errorf("an image is stored as %x, want %x as version 2 is", got, golden)
	}
}

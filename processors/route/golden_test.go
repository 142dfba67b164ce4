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
	for version, epoch := range map[string]uint64{"v2": 0, "v3": 0x1FF, "v4": 0x1FF, "v5": 0x1FF} {
		text, err := os.ReadFile("testdata/image." + version + ".hex")
		if err != nil {
			t.Fatal(err)
		}
		golden, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		want := image{
			live: true, source: []byte("ga-live"), sequence: schemas.Sequence{Epoch: epoch, Major: 4711, Minor: 12}, version: 300, edition: []byte("addd2b0f9e12"),
			row: []byte{0, 0, 0, 0, 7, 2, 1},
		}
		if version > "v3" {
			want.refused = refusal{open: true, source: []byte("ga-live"), sequence: schemas.Sequence{Epoch: epoch, Major: 4712}, since: 1_790_000_000_000}
		}
		if version == "v5" {
			want.refused.beside, want.named, want.own, want.more = true, true, []byte("539902850312001"), true
			want.beside = []beside{{true, []byte("x"), true, []byte{0, 0, 0, 0, 7, 2, 3}}, {row: []byte{4}, own: []byte{}}}
		}
		got, err := parseImage(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(image{}, refusal{}, beside{})); diff != "" {
			t.Error(diff)
		}
		if got := want.append(nil); version == "v5" && string(got) != string(golden) {
			t.Errorf("an image is stored as %x, want %x as version 5 is", got, golden)
		}
	}
}

package claim

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// State written by an earlier build must be read by this one. Whoever changes the
// format adds a golden file of the new version and keeps reading these.
func TestStoredGolden(t *testing.T) {
	c := Claim{
		Dataset: "GA01", Row: "R1", Source: "ga-pg", Sequence: schemas.Sequence{Epoch: 0x1FF, Major: 0x1234, Minor: 5},
		At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Value: "\x00\x00\x00\x00\x07row",
	}
	for version, epoch := range map[string]uint64{"v1": 0, "v2": 0x1FF} {
		text, err := os.ReadFile("testdata/stored." + version + ".hex")
		if err != nil {
			t.Fatal(err)
		}
		golden, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendStored(nil, c); version == "v2" && string(got) != string(golden) {
			t.Errorf("a claim is stored as %x, want %x as version 2 is", got, golden)
		}
		want := c.Sequence
		want.Epoch = epoch
		var r Row
		if err := ParseStored(golden, &r); err != nil {
			t.Fatal(err)
		}
		if string(r.source) != c.Source || r.Sequence != want || r.At != c.At.UnixMilli() || string(r.value) != c.Value {
			t.Errorf("version %s is read as source %q, %v, %d, %q", version, r.source, r.Sequence, r.At, r.value)
		}
	}
	if got := string(AppendKey(nil, "GA01", "legal", "R1")); got != "GA01\x00legal\x00R1" {
		t.Errorf("the claim's key is %q", got)
	}
}

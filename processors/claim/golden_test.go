package claim

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// State written by an earlier build must be read by this one, and a build before
// must be able to read ours after a step back. Whoever changes the format adds a
// golden file of the new version and keeps reading this one.
func TestStoredGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/stored.v1.hex")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := Claim{
		Dataset: "GA01", Row: "R1", Source: "ga-pg", Sequence: schemas.Sequence{Major: 0x1234, Minor: 5},
		At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Value: "\x00\x00\x00\x00\x07row",
	}
	if got := AppendStored(nil, c); string(got) != string(golden) {
		t.Errorf("a claim is stored as %x, want %x as version 1 is", got, golden)
	}
	var r Row
	if err := ParseStored(golden, &r); err != nil {
		t.Fatal(err)
	}
	if string(r.source) != c.Source || r.Sequence != c.Sequence || r.At != c.At.UnixMilli() || string(r.value) != c.Value {
		t.Errorf("version 1 is read as source %q, %v, %d, %q", r.source, r.Sequence, r.At, r.value)
	}
	if got := string(AppendKey(nil, "GA01", "legal", "R1")); got != "GA01\x00legal\x00R1" {
		t.Errorf("the claim's key is %q", got)
	}
}

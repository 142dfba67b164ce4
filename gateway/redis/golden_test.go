package redis

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// Gateways of two builds work on one Redis while they are exchanged: what one
// writes the other reads. The script compares versions at the same places.
func TestValueGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/value.v1.hex")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	key := store.Digest{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	writes := []store.Write{
		{Key: key, Version: 0x0102030405060708, Time: at, Value: []byte("\x00\x00\x00\x00\x07row")},
		{Key: key, Version: 9, Time: at},
		{Key: key, Version: 9, Time: at, Moved: true},
		{Key: key, Version: 9, Time: at, Withheld: true},
	}
	lines := strings.Fields(string(text))
	if len(lines) != len(writes) {
		t.Fatalf("%d golden values, want %d", len(lines), len(writes))
	}
	for i, w := range writes {
		golden, err := hex.DecodeString(lines[i])
		if err != nil {
			t.Fatal(err)
		}
		if got := pack(nil, w); string(got) != string(golden) {
			t.Errorf("value %d is packed as %x, want %x as version 1 is", i, got, golden)
		}
		got, ok := unpack(string(golden), key)
		if !ok || got.Version != w.Version || !got.Time.Equal(at) || string(got.Value) != string(w.Value) || (got.Value == nil) != (w.Value == nil) || got.Moved != w.Moved || got.Withheld != w.Withheld {
			t.Errorf("value %d of version 1 is read as %+v, %v", i, got, ok)
		}
	}
	keys := newKeyspace("y", "g1")
	for got, want := range map[string]string{
		keys.record("person.partial", key): "y:g1:person.partial:000102030405060708090a0b0c0d0e0f",
		keys.marks("person.partial"):       "y:g1:person.partial:#",
		keys.ready("person.partial"):       "y:g1:person.partial:@",
		keys.withheld("person.partial"):    "y:g1:person.partial:?",
	} {
		if got != want {
			t.Errorf("key %q, want %q", got, want)
		}
	}
}

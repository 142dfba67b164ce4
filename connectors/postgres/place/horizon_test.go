package place_test

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors/postgres/place"
)

// What a snapshot sees, also where numbers of transactions have gone round.
func TestHorizon(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text         string
		sees, misses []uint32
	}{
		{"10:10:", []uint32{3, 9}, []uint32{10, 11}},
		{"10:20:10,14", []uint32{9, 11, 19}, []uint32{10, 14, 20, 21}},
		{"4294967290:4294967300:4294967290,4294967297", []uint32{4294967289, 4294967295, 0, 2}, []uint32{4294967290, 1, 4, 5}},
	} {
		h, err := place.ParseHorizon(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		for _, xid := range tt.sees {
			if !h.Sees(xid) {
				t.Errorf("%s does not see %d", tt.text, xid)
			}
		}
		for _, xid := range tt.misses {
			if h.Sees(xid) {
				t.Errorf("%s sees %d", tt.text, xid)
			}
		}
	}
	for _, text := range []string{"", "1:2", "a:b:c", "1:2:x", "1:2:3:4"} {
		if _, err := place.ParseHorizon(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for end, want := range map[place.LSN]place.LSN{
		0x3000028: 0x3000000, // behind the header of a segment
		0x3002018: 0x3002000, // and of a page
		0x3002028: 0x3002028, 0x3000018: 0x3000000, 0x3002020: 0x3002020,
	} {
		if got := place.Read(end); got != want {
			t.Errorf("%s is read up to %s, want %s", end, got, want)
		}
	}
}

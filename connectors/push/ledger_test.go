package push

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

func keyOf(n int) (k keyDigest) {
	binary.BigEndian.PutUint64(k[:], uint64(n))
	return k
}

// TestLedger remembers by time as well as by number: a retry after a thousand
// others within the window is still one, and what is forgotten is known to be.
func TestLedger(t *testing.T) {
	t.Parallel()
	o := options{Entries: 10, Window: time.Hour}
	start := time.Unix(1_790_000_000, 0)
	l := ledger{epoch: 1}
	add := func(n int, at time.Time) {
		l.ordinal++
		l = l.with(entry{key: keyOf(n), at: uint32(at.Unix()), ordinal: l.ordinal, rows: 3}, at, o)
		if n%500 != 0 {
			return
		}
		if again, err := parsePosition(l.encode()); err != nil || fmt.Sprint(again) != fmt.Sprint(l) {
			t.Fatalf("stored and read again it is another: %v", err)
		}
	}
	for n := range 3000 {
		add(n, start.Add(time.Duration(n)*time.Second))
	}
	if _, ok := l.find(keyOf(0)); !ok || !l.horizon().IsZero() {
		t.Errorf("within the window a key was forgotten after 3000 others")
	}
	add(3000, start.Add(10*time.Hour))
	if _, ok := l.find(keyOf(2990)); ok || len(l.entries) != 10 {
		t.Errorf("%d keys are remembered, want the last 10", len(l.entries))
	}
	if h := l.horizon(); !h.Equal(start.Add(2991 * time.Second)) {
		t.Errorf("what is before %s is forgotten, want %s", h, start.Add(2991*time.Second))
	}
	for n := range maxEntries + 5 { // all within the window
		l = l.with(entry{key: keyOf(n), at: uint32(start.Add(11 * time.Hour).Unix())}, start.Add(11*time.Hour), o)
	}
	if len(l.entries) != maxEntries || len(l.encode()) > 900<<10 {
		t.Errorf("%d keys in %d bytes: the ledger is not bounded", len(l.entries), len(l.encode()))
	}
}

// TestLedgerOfTheFirstRelease reads what the landed build stored.
func TestLedgerOfTheFirstRelease(t *testing.T) {
	t.Parallel()
	packed := make([]byte, 0, 34)
	packed = append(packed, "0123456789abcdefghij"...)
	packed = binary.BigEndian.AppendUint32(packed, 1_790_000_000)
	packed = binary.BigEndian.AppendUint64(packed, 77)
	packed = binary.BigEndian.AppendUint16(packed, 5)
	l, err := parsePosition(schemas.Position(fmt.Sprintf(`{"epoch":9,"push":80,"keys":%q}`, base64.StdEncoding.EncodeToString(packed))))
	if err != nil {
		t.Fatal(err)
	}
	var key keyDigest
	copy(key[:], "01234567")
	e, ok := l.find(key)
	if !ok || e.ordinal != 77 || e.rows != 5 || e.at != 1_790_000_000 || string(e.body[:]) != "abcdef" || l.ordinal != 80 {
		t.Errorf("it is read as %+v in %+v", e, l)
	}
	for _, bad := range []string{`{"epoch":9,"keys":"AAAA"}`, `2{"epoch":9,"keys":"AAAA"}`, `3{"epoch":9}`} {
		if _, err := parsePosition(schemas.Position(bad)); err == nil {
			t.Errorf("position %q was read", bad)
		}
	}
}

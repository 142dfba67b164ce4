package place

import (
	"fmt"
	"strconv"
	"strings"
)

// Horizon is what a snapshot of the database sees: the transactions that had ended, for others
// to see, when it was taken. A transaction can be in the log, and be sent, before anybody sees
// it: it becomes visible a moment later, and with synchronous replication much later.
type Horizon struct {
	next uint32 // none from here on is seen; it need not be the next to begin
	open map[uint32]bool
}

// ParseHorizon reads what txid_current_snapshot() says, xmin:xmax:xip,…; numbers of transactions
// are taken as the log writes them, without their epoch.
func ParseHorizon(text string) (Horizon, error) {
	parts := strings.Split(text, ":")
	h := Horizon{open: map[uint32]bool{}}
	if len(parts) != 3 {
		return h, fmt.Errorf("read snapshot: %q is none", text)
	}
	var bad error
	number := func(text string) uint32 {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			bad = fmt.Errorf("read snapshot: %q is none", text)
		}
		return uint32(n)
	}
	h.next = number(parts[1])
	for one := range strings.SplitSeq(parts[2], ",") {
		if one != "" {
			h.open[number(one)] = true
		}
	}
	return h, bad
}

// Sees reports whether the snapshot sees what a transaction has done.
func (h Horizon) Sees(xid uint32) bool { return before(xid, h.next) && !h.open[xid] }

// before compares numbers of transactions as the server does: they go round.
func before(a, b uint32) bool { return int32(a-b) < 0 }

// Read is a place in the log up to which it has been written at the end of a page, behind that
// page's header: no record lies between, and the server counts the place itself as the page's end.
func Read(end LSN) LSN {
	const page, segment, short, long = 8192, 16 << 20, 24, 40 // the header of a page, and of a segment
	if end%page == short {
		return end - short
	}
	if end%page == long && (end-long)%segment == 0 {
		return end - long
	}
	return end
}

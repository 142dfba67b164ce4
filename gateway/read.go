package gateway

import (
	"context"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// A record whose key in the shared topic moves to a token of a new key is deleted
// under the old one and written under the new one at once, but in two partitions:
// a lookup may find it gone and not yet there. It then looks again every transitPoll
// for at most transit, and says rather that it cannot answer than that nobody is there.
const (
	transit     = time.Second
	transitPoll = 10 * time.Millisecond
)

// read reads what is stored of owners' keys. It looks as of when the view is before
// it reads: read the other way round, a change that arrived in between would be
// claimed and not shown. For the same reason it looks first at what was refused.
func (a *ask) read(ctx context.Context, keys []string, into []store.Stored) *Problem {
	a.asOf, a.stale = a.g.fresh.View(a.view.View)
	a.missing = a.g.fresh.Missing(a.view.View)
	a.marks = a.refusals(keys)
	digests := make([]store.Digest, 0, len(keys))
	var room [2]string
	for _, key := range keys {
		for _, name := range a.view.RecordKeys(room[:0], key) {
			digests = append(digests, a.view.Digest(name))
		}
	}
	found := into
	if len(digests) != len(into) {
		found = make([]store.Stored, len(digests))
	}
	began := time.Now()
	a.hold = a.g.ledger.Hold(a.charges, a.records, began)
	defer a.hold.Landed()
	for {
		reserve, p := a.reservation(ctx)
		if p != nil {
			return p
		}
		err := a.g.parts.Cache.Get(ctx, a.view.ID, digests, found, reserve)
		if p, again := a.reserved(ctx, reserve, began); p != nil {
			return p
		} else if err == nil && again {
			continue
		}
		if err == nil && newest(found, into) {
			return nil
		}
		if err == nil && time.Since(began) > transit {
			err = store.ErrNotLoaded
		}
		if err != nil {
			return a.unanswered(ctx, err)
		}
		timer := time.NewTimer(transitPoll)
		select {
		case <-timer.C:
		case <-ctx.Done(): // Get says so
		}
		timer.Stop()
	}
}

// newest takes of all that was found the newest of each record, of the keys it may
// have, and reports whether none is on its way from one to another.
func newest(found, into []store.Stored) bool {
	each, settled := len(found)/max(1, len(into)), true
	for i := range into {
		best := &found[i*each]
		for j := 1; j < each; j++ {
			if one := &found[i*each+j]; one.Version > best.Version || one.Version == best.Version && best.Moved {
				best = one
			}
		}
		settled = settled && !best.Moved
		into[i] = *best
	}
	return settled
}

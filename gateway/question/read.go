package question

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
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
func (a *Ask) read(ctx context.Context, keys []string, into []store.Stored) *Problem {
	a.asOf, a.stale = a.d.Fresh.View(a.view.View)
	a.missing = a.d.Fresh.Missing(a.view.View)
	renewing := a.d.Fresh.Renewing(a.view.View) // what is not there may only not have come again yet
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
	a.hold = a.d.ledger.Hold(a.charges, a.records, began)
	defer a.hold.Landed()
	for {
		reserve, p := a.reservation(ctx)
		if p != nil {
			return p
		}
		err := a.d.Cache.Get(ctx, a.view.ID, digests, found, reserve)
		if p, again := a.reserved(ctx, reserve, began); p != nil {
			return p
		} else if err == nil && again {
			continue
		}
		if err == nil && newest(found, into) {
			if a.former = a.d.Fresh.Former(a.view.View); a.former { // it may have been said meanwhile
				a.asOf, a.stale = time.Time{}, true
			}
			for i := range into {
				into[i].Withheld = into[i].Withheld || renewing || a.former
			}
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

// refused returns what of the i-th answer is older than what a department says.
func (a *Ask) refused(i int) []Refused {
	if a.marks == nil {
		return nil
	}
	return a.marks[i]
}

// refusals returns what of the answers about keys is older than what a department
// says, among the datasets that the granted fields are made of.
func (a *Ask) refusals(keys []string) [][]Refused {
	if a.d.Refused.Empty() {
		return nil
	}
	out := make([][]Refused, len(keys))
	for i, key := range keys {
		out[i] = a.refusalsOf(key)
	}
	return out
}

func (a *Ask) refusalsOf(key string) []Refused {
	var out []Refused
	for _, m := range a.view.Refused(a.d.Refused, key, a.granted) {
		title := m.Dataset
		if d, err := a.d.Catalogue.Dataset(m.Dataset); err == nil {
			title = d.Title
		}
		one := Refused{
			Dataset: m.Dataset, Since: answer.Time(m.Since), More: m.More,
			Message:   fmt.Sprintf("%s（%s）有更新的行因不合要求被退回，此处仍是退回前的内容；部门更正并重新报送后自动解除", m.Dataset, title),
			MessageEN: fmt.Sprintf("a newer row of %s was refused, so this is what was known before; it settles by itself when the department has sent a good one", m.Dataset),
		}
		if m.More {
			one.Message = fmt.Sprintf("%s（%s）被退回的行过多，不再逐行记录，不能断定此处是否已是最新内容；部门更正并重新报送后自动解除", m.Dataset, title)
			one.MessageEN = fmt.Sprintf("too many rows of %s were refused to keep each of them, so whether this is the newest is not known; it settles by itself when the department has sent good ones", m.Dataset)
		}
		out = append(out, one)
	}
	return out
}

// readOne reads what is stored of a key.
func (a *Ask) readOne(ctx context.Context, key string) (store.Stored, *Problem) {
	var out [1]store.Stored
	p := a.read(ctx, []string{key}, out[:])
	return out[0], p
}

// record reads the record of a key, which has to be there.
func (a *Ask) record(ctx context.Context, key string) (store.Stored, schemas.Record, *Problem) {
	stored, p := a.readOne(ctx, key)
	if p == nil && !stored.Found() {
		p = a.absent(ctx, stored.Withheld)
		p.Refused = a.refused(0)
	}
	if p != nil {
		return stored, schemas.Record{}, p
	}
	record, err := a.view.Reader.Decode(ctx, stored.Value)
	if err != nil {
		return stored, record, a.unreadable(ctx, err)
	}
	a.found(0, 1)
	return stored, record, nil
}

// absent says that there is no record, and as of when; or that nobody knows, because
// of something that the view is made of no complete copy has come through yet, or
// because some of its records are withheld, or the catalogue in force is another.
func (a *Ask) absent(ctx context.Context, withheld bool) *Problem {
	if withheld || len(a.missing) > 0 {
		return a.undecided(ctx, withheld)
	}
	p := a.fail(ctx, problem.Absent, "absent")
	if p.Status == problem.Absent.Status { // else the entry could not be written
		p.AsOf, p.Stale = catalog.Moment(a.asOf), &a.stale
	}
	return p
}

// undecided says that nobody knows: the same of every key of which it is said.
func (a *Ask) undecided(ctx context.Context, withheld bool) *Problem {
	reason := "not_loaded"
	switch {
	case a.former:
		reason = "former_catalogue"
	case withheld:
		reason = "withheld"
	}
	return a.unknown(a.fail(ctx, problem.NotLoaded, reason))
}

// unknown names the datasets that are missing, or says that the process is to be started again.
func (a *Ask) unknown(p *Problem) *Problem {
	if p.Code != problem.NotLoaded.Code { // the entry could not be written
		return p
	}
	if a.former {
		p.Errors = append(p.Errors, FieldError{
			Location: "view", Message: "生效的目录已不是本网关运行的那一版，其中没有这个视图或其内容不同，不能断定查无此人：请管理员重新启动网关",
			MessageEN: "another catalogue is in force than this gateway runs, which has this view otherwise or not at all, so absence cannot be claimed: have the gateway started again",
		})
	}
	if len(a.missing) > 0 {
		names := strings.Join(a.missing, "、")
		p.Errors = append(p.Errors, FieldError{Location: "view", Message: "以下数据集尚无完整副本，不能断定查无此人：" + names, MessageEN: "no complete copy of these datasets has come through yet, so absence cannot be claimed: " + strings.Join(a.missing, ", ")})
	}
	return p
}

// unreadable ends a question whose record is in the cache and not whole.
func (a *Ask) unreadable(ctx context.Context, err error) *Problem {
	if a.former { // it may be written as this process does not know it
		return a.undecided(ctx, true)
	}
	if n, ok := a.d.told.Tell("record "+a.entry.View, time.Now()); ok {
		a.d.Logger.Error("cached record cannot be read", "view", a.entry.View, "request", a.call.ID, "times", n, "error", err)
	}
	return a.fail(ctx, problem.Mixed, "unreadable")
}

package connectors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/connectors/standing"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A backfill reads a table of a source, or a range of its keys, again beside the source's
// stream. Its rows come between what the stream brings, each in a place of the source's order
// behind all that it knows and before all that it does not (Batch.Backfill); which those are is
// the kind's affair. So nothing that is valid is missing for a moment, and what is current stays
// so. When all are read, the source is closed while the raw topic is read: keys in the range of
// which nothing was said since are deleted, in a place that is older than whatever the source says
// of them later. Are they more than the share that may go, a person answers first, and it goes on meanwhile.

// ErrNoBackfill says that a source has no backfill of that number that waits for an answer.
var ErrNoBackfill = errors.New("没有等待确认的这一项补读，看 yiyuan source ls / no backfill of that number waits for an answer, see yiyuan source ls")

// ErrWhole says that a source has to be read again as a whole, or is being.
var ErrWhole = errors.New("数据源须整个重读，或正在重读，读完后才能补读 / the source is to be read again as a whole, or is being: a part of it can be once that is done")

// Backfill has part of a source read again beside its stream.
func Backfill(ctx context.Context, b *bus.Bus, name string, what contract.Backfill) error {
	var refused error
	err := order(ctx, b, "backfill", name, func(s *contract.SourceStatus) {
		if s.Lost != "" || s.Resync != nil {
			refused = ErrWhole
			return
		}
		s.Backfill++
		what.ID, what.Step, what.Asked = s.Backfill, contract.BackfillAsked, time.Now().UnixMilli()
		s.Backfills = append(slices.Clone(s.Backfills), what)
	})
	return errors.Join(err, refused)
}

// AcceptBackfill says yes to so many deletes of a backfill that waits for that.
func AcceptBackfill(ctx context.Context, b *bus.Bus, name string, id, accept int64) error {
	return answer(ctx, b, name, id, func(s *contract.SourceStatus, i int) bool {
		if s.Backfills[i].Step != contract.BackfillHeld {
			return false
		}
		s.Backfills[i].Step, s.Backfills[i].Accept = contract.BackfillDeleting, accept
		return true
	})
}

// CancelBackfill forgets a backfill. What it has read stays, and it deletes no more.
func CancelBackfill(ctx context.Context, b *bus.Bus, name string, id int64) error {
	return answer(ctx, b, name, id, func(s *contract.SourceStatus, i int) bool {
		s.Backfills = slices.Delete(s.Backfills, i, i+1)
		return true
	})
}

func answer(ctx context.Context, b *bus.Bus, name string, id int64, do func(s *contract.SourceStatus, i int) bool) error {
	done := false
	err := order(ctx, b, "backfill", name, func(s *contract.SourceStatus) {
		s.Backfills = slices.Clone(s.Backfills)
		if i := slices.IndexFunc(s.Backfills, func(b contract.Backfill) bool { return b.ID == id }); i >= 0 {
			done = do(s, i)
		}
	})
	if err == nil && !done {
		return ErrNoBackfill
	}
	return err
}

// nextBackfill is what a source that is opened has to read beside its stream, nil if nothing:
// one at a time, and the source is opened again for the next.
func nextBackfill(s contract.SourceStatus) *contract.Backfill {
	if s.Resync != nil {
		return nil
	}
	for _, b := range s.Backfills {
		switch b.Step {
		case contract.BackfillAsked:
			b.Base = s.Reread
			return &b
		case contract.BackfillReading:
			return &b
		}
	}
	return nil
}

// deletingPart returns the backfill of which the deletes are to be found, -1 if there is none.
func deletingPart(s contract.SourceStatus) int {
	if s.Resync != nil {
		return -1
	}
	return slices.IndexFunc(s.Backfills, func(b contract.Backfill) bool { return b.Step == contract.BackfillDeleting })
}

// progressed is a status with what a batch holds of a backfill.
func progressed(s contract.SourceStatus, b *Backfilled) contract.SourceStatus {
	i := slices.IndexFunc(s.Backfills, func(o contract.Backfill) bool { return b != nil && o.ID == b.ID })
	if i < 0 {
		return s
	}
	s.Backfills = slices.Clone(s.Backfills)
	o := &s.Backfills[i]
	if o.Step == contract.BackfillAsked {
		o.Base = s.Reread
	}
	s.Reread += uint32(b.Rows)
	o.Step, o.Since, o.Minor, o.Place, o.About, o.Why = contract.BackfillReading, b.Since.Major, b.Since.Minor, b.Place, b.About, b.Why
	if o.Rows += b.Rows; o.Began == 0 && b.Rows > 0 {
		o.Began = time.Now().UnixMilli()
	}
	if b.Done {
		o.Step = contract.BackfillDeleting
	}
	return s
}

// deletePart deletes what did not come again of a part of the source, unless that is so much
// that a person must answer first. At its end the order is forgotten.
func (r *resync) deletePart(ctx context.Context, i int) error {
	order := r.status.Backfills[i]
	k := slices.IndexFunc(r.cfg.Datasets, func(d *schemas.Dataset) bool { return d.ID == order.Dataset })
	if k < 0 || r.cfg.Reread.Backfill == nil { // it was taken from the source since
		return r.settlePart(ctx, i, nil)
	}
	d := r.cfg.Datasets[k]
	var found int64
	var first []string // of them
	since := schemas.Sequence{Epoch: r.status.Epoch, Major: order.Since, Minor: order.Minor}
	err := r.speaking(ctx, func(ctx context.Context) error {
		return r.gone(ctx, d, order, since, func(keys []string) error {
			found += int64(len(keys))
			if len(first) <= deleteBatch {
				first = append(first, keys...)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	if found > order.Accept && option.DefaultDeleteLimit.Exceeded(int(found), int(found+order.Rows)) {
		r.log.Warn("backfill would delete too much and waits for an answer", "backfill", order.ID, "found", found)
		return r.settlePart(ctx, i, func(o *contract.Backfill) { o.Step, o.Found = contract.BackfillHeld, found })
	}
	encoder, err := newEncoder(ctx, r.bus, r.codec, r.cfg, r.run)
	if err != nil {
		return err
	}
	remove := func(keys []string) error { return r.publishPart(ctx, encoder, d, i, keys) }
	if int64(len(first)) == found {
		err = remove(first)
	} else {
		err = r.gone(ctx, d, order, since, remove)
	}
	if err != nil {
		return err
	}
	r.log.Info("backfill is done", "backfill", order.ID, "table", order.Table, "rows", order.Rows, "deleted", r.status.Backfills[i].Deleted)
	return r.settlePart(ctx, i, nil)
}

// settlePart changes an order, or forgets it.
func (r *resync) settlePart(ctx context.Context, i int, change func(*contract.Backfill)) error {
	next := r.status
	next.Backfills = slices.Clone(next.Backfills)
	if change == nil {
		next.Backfills = slices.Delete(next.Backfills, i, i+1)
	} else {
		change(&next.Backfills[i])
	}
	return r.say(ctx, next)
}

// gone calls fn with the keys that a dataset has of before a backfill and that did not come again.
func (r *resync) gone(ctx context.Context, d *schemas.Dataset, order contract.Backfill, since schemas.Sequence, fn func(keys []string) error) error {
	sources, err := statuses(ctx, r.bus)
	if err != nil {
		return fmt.Errorf("look who else feeds the dataset: %w", err)
	}
	return r.search(sources, d, since).Passes(ctx, func(p *standing.Pass) error {
		rows, err := p.Names(ctx)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(rows, deleteBatch) {
			keys, err := r.within(ctx, order, some)
			if err == nil && len(keys) > 0 {
				err = fn(keys)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// within are the keys of the rows in the range of a backfill.
func (r *resync) within(ctx context.Context, order contract.Backfill, rows []standing.Name) ([]string, error) {
	keys := make([]string, 0, len(rows))
	if order.From == "" && order.To == "" {
		for _, n := range rows {
			keys = append(keys, n.Key)
		}
		return keys, nil
	}
	inside, err := r.cfg.Reread.Backfill.Within(ctx, r.cfg, order, rows)
	if err != nil {
		return nil, fmt.Errorf("look which rows lie in the range of backfill %d: %w", order.ID, err)
	}
	for n, is := range inside {
		if is {
			keys = append(keys, rows[n].Key)
		}
	}
	return keys, nil
}

// publishPart deletes rows that did not come again.
func (r *resync) publishPart(ctx context.Context, e *encoder, d *schemas.Dataset, i int, keys []string) error {
	for some := range slices.Chunk(keys, deleteBatch) {
		next := r.status
		next.Backfills = slices.Clone(next.Backfills)
		o := &next.Backfills[i]
		from := schemas.Sequence{Major: o.Since, Minor: o.Minor + uint32(o.Rows+o.Deleted)}
		o.Deleted += int64(len(some))
		next.Reread += uint32(len(some)) // as many places of the order are taken
		if err := r.publishDeletes(ctx, e, d, some, from, next); err != nil {
			return err
		}
	}
	return nil
}

// speaking does work in which nothing is said, and says meanwhile that the source is there.
func (r *resync) speaking(ctx context.Context, work func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			if err := r.say(ctx, r.status); err != nil {
				cancel()
				return errors.Join(err, <-done)
			}
		}
	}
}

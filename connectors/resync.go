package connectors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/connectors/standing"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Reading a source again goes in steps, each of which is done once it stands in
// the status, and done again if the process ends before:
//
//	asked     the epoch is raised, the position forgotten
//	reading   the source is opened at the beginning; every row is published under
//	          the new epoch, with the position, as ever
//	deleting  the source is closed; the raw topics are read twice, and keys whose
//	          last record is this source's and of an elder epoch are deleted. A row
//	          that was refused again is there. Of a dataset that no other source
//	          feeds any more, rows that a former one left are this source's too.
//
// A row that is changed while it is read again comes under the new epoch, one
// that is deleted meanwhile leaves a tombstone of it: neither is inferred. An
// inferred delete has the lowest sequence of its epoch, so that whatever the
// source says of that row later is newer.

// deleteBatch is how many inferred deletes are published together.
const deleteBatch = 1000

// errNext ends a session because the next step of a resync begins.
var errNext = errors.New("the next step of a resync")

// rereading reports whether a source is being read again.
func rereading(s contract.SourceStatus) bool {
	return s.Resync != nil && s.Resync.Step == contract.ResyncReading
}

// deleting reports whether what it did not bring again is being deleted.
func deleting(s contract.SourceStatus) bool {
	return s.Resync != nil && s.Resync.Step == contract.ResyncDeleting
}

// resync takes the steps in which the source is closed.
type resync struct {
	*voice
	bus     *bus.Bus
	codec   *codec.Codec
	metrics *metrics
	run     string // which of the source's lives this is
}

// beginAgain forgets the position under a raised epoch.
func (r *resync) beginAgain(ctx context.Context) error {
	next := r.status
	if r.cfg.Reread.Cannot != "" {
		next.Resync, next.Error = nil, r.cfg.Reread.Cannot
		r.log.Error("source cannot be read again", "why", r.cfg.Reread.Cannot)
		return r.say(ctx, next)
	}
	next.Position, next.Error, next.State = "", "", contract.StateResync
	next.Lost, next.Do = "", "" // what is lost from now on is a position of this reading
	r.failure = nil
	next.Epoch, next.Backfills = r.publisher.NextEpoch(), nil // parts of it are read with it
	next.Resync = &contract.Resync{Step: contract.ResyncReading, Accept: r.status.Resync.Accept}
	r.log.Info("source is read again from the beginning", "epoch", next.Epoch)
	return r.say(ctx, next)
}

// allRead goes over to deleting when a source has ended.
func (r *resync) allRead(ctx context.Context) error {
	next := r.status
	again := *next.Resync
	again.Step = contract.ResyncDeleting
	next.Resync = &again
	if err := r.say(ctx, next); err != nil {
		return err
	}
	return errNext
}

// deleteGone deletes what the source did not bring again, unless that is so much
// that a person must answer first. At its end the resync is done, and a position
// that was lost is forgotten.
func (r *resync) deleteGone(ctx context.Context) error {
	encoder, err := newEncoder(ctx, r.bus, r.codec, r.cfg, r.run)
	if err != nil {
		return err
	}
	missing, why, err := r.missing(ctx)
	if err != nil {
		return err
	}
	next := r.status
	again := *next.Resync
	again.Found, again.Of, again.Deleted = 0, 0, 0
	for _, m := range missing {
		again.Found += m.found
		again.Of += m.of
	}
	next.Resync = &again
	if why != "" && again.Found > again.Accept {
		return r.holdDeletes(ctx, next, why)
	}
	next.State, next.Error, next.Do, next.Restarts = contract.StateResync, "", "", 0
	if err := r.say(ctx, r.failure.still(next)); err != nil {
		return err
	}
	for _, m := range missing {
		if err := r.deleteMissing(ctx, encoder, m); err != nil {
			return err
		}
	}
	r.log.Info("source was read again", "rows", again.Rows, "deleted", r.status.Resync.Deleted)
	next = r.status
	if next.Inherited, err = inherited(ctx, r.bus, r.cfg, next.Inherited); err != nil {
		return err
	}
	next.Resync, next.Lost, next.Do, next.Error, next.State, next.Restarts, next.Returned = nil, "", "", "", contract.StateStarting, 0, nil
	r.failure = nil
	if err := r.say(ctx, next); err != nil {
		return err
	}
	return errNext
}

// holdDeletes stands still until a person's answer fences this publisher.
func (r *resync) holdDeletes(ctx context.Context, next contract.SourceStatus, why string) error {
	next.State, next.Error = contract.StateHeld, clip(why)
	next.Do = fmt.Sprintf("%s --accept-deletes %d", contract.ResyncCommand(r.cfg.Name), next.Resync.Found)
	r.log.Warn("resync stands still: it would delete too much", "found", next.Resync.Found, "of", next.Resync.Of)
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		if err := r.say(ctx, next); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// missing tells, of each dataset, which rows did not come again, and why a person
// must be asked, "" if not.
func (r *resync) missing(ctx context.Context) ([]*missing, string, error) {
	sources, err := statuses(ctx, r.bus)
	if err != nil {
		return nil, "", fmt.Errorf("look who else feeds the datasets: %w", err)
	}
	limit, partZH, partEN := option.DefaultDeleteLimit, "", ""
	if r.cfg.Reread.Part != nil {
		partZH, partEN = r.cfg.Reread.Part(r.cfg, schemas.Position(r.status.Position))
	}
	if partZH != "" {
		limit = 0 // what did not come may still be there
	}
	var out []*missing
	var why []string
	for _, d := range r.cfg.Datasets {
		m := &missing{dataset: d, search: r.search(sources, d, schemas.Sequence{Epoch: r.status.Epoch})}
		err := m.search.Passes(ctx, func(p *standing.Pass) error {
			found := p.Found()
			m.found += found
			m.of += found + p.Kept
			m.traces += p.Traces()
			if m.whole = p; p.Parts > 1 {
				m.whole = nil
			}
			return nil
		})
		if err != nil {
			return nil, "", err
		}
		if limit.Exceeded(int(m.found), int(m.of)) {
			why = append(why, fmt.Sprintf("%s %d/%d", d.ID, m.found, m.of))
		}
		out = append(out, m)
	}
	if len(why) == 0 {
		return out, "", nil
	}
	list := strings.Join(why, ", ")
	if partZH != "" {
		return out, fmt.Sprintf("有行没有随重读再来，删除前等待确认：%s；%s / rows did not come again, it waits for an answer before it deletes them: %s; %s", list, partZH, list, partEN), nil
	}
	return out, fmt.Sprintf("重读时缺少的行多于 %s，删除前等待确认：%s / more than %s of the rows did not come again, it waits for an answer before it deletes them: %s",
		option.DefaultDeleteLimit, list, option.DefaultDeleteLimit, list), nil
}

// search looks for what a dataset has of before a place.
func (r *resync) search(sources map[string]contract.SourceStatus, d *schemas.Dataset, since schemas.Sequence) *standing.Search {
	return &standing.Search{
		Bus: r.bus, Ear: standing.Listen(r.codec, r.cfg.Name, since, d, Key), Topic: contract.Raw(d.ID),
		Sole: contract.SoleFeeder(sources, d.ID) == r.cfg.Name, Digest: r.cfg.rowDigest,
	}
}

// missing is how many rows of a dataset did not come again, of how many.
type missing struct {
	dataset   *schemas.Dataset
	search    *standing.Search
	found, of int64
	traces    int64          // with those that may be of no row
	whole     *standing.Pass // all of it, if it was few enough for one pass
}

// deleteMissing publishes the deletes of one dataset.
func (r *resync) deleteMissing(ctx context.Context, e *encoder, m *missing) error {
	if m.traces == 0 {
		return nil
	}
	if m.whole != nil {
		return r.deletePass(ctx, e, m.dataset, m.whole)
	}
	return m.search.Passes(ctx, func(p *standing.Pass) error { return r.deletePass(ctx, e, m.dataset, p) })
}

func (r *resync) deletePass(ctx context.Context, e *encoder, d *schemas.Dataset, p *standing.Pass) error {
	var keys []string
	flush := func() error {
		err := r.publishDeletes(ctx, e, d, keys, schemas.Sequence{Minor: uint32(r.status.Resync.Deleted)}, r.deleted(len(keys)))
		keys = keys[:0]
		return err
	}
	err := p.Keys(ctx, func(key string) error {
		if keys = append(keys, key); len(keys) < deleteBatch {
			return nil
		}
		return flush()
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	return flush()
}

// deleted is the status once so many rows more are deleted; if that passes, the source does.
func (r *resync) deleted(rows int) contract.SourceStatus {
	next := r.status
	again := *next.Resync
	again.Deleted += int64(rows)
	next.Resync = &again
	next.State, next.Error, next.Do, next.Restarts = contract.StateResync, "", "", 0
	return next
}

// publishDeletes publishes the inferred deletes of rows, from a place in the source's order on,
// and the status behind them.
func (r *resync) publishDeletes(ctx context.Context, e *encoder, d *schemas.Dataset, keys []string, from schemas.Sequence, next contract.SourceStatus) error {
	var b Batch
	for i, key := range keys {
		at := from
		at.Minor += uint32(i)
		b.Changes = append(b.Changes, schemas.Change{Dataset: d, Key: key, Op: schemas.Delete, Origin: schemas.Origin{Source: r.cfg.Name, Sequence: at, At: time.Now()}})
	}
	next.At = 0
	began := time.Now()
	e.epoch = next.Epoch
	records, _, err := e.encode(ctx, b)
	if err != nil {
		return err
	}
	if err := r.commit(ctx, records, next); err != nil {
		return err
	}
	r.progress, r.failure = true, nil
	r.metrics.count(r.cfg.Name, r.status.CaughtUp, b, nil, e.bytes, time.Since(began))
	return nil
}

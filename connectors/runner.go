package connectors

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// farewell bounds the last words of a source that ends.
const farewell = 3 * time.Second

// Run publishes one source until ctx ends, the source ends, a person stops it,
// or it fails for good; it then returns nil, nil, nil, or the error. Topics must
// exist.
//
// A source that has never published, or was retired, says first of all that it
// starts: from then on whoever answers knows that there is something which has not
// come through yet.
//
// Each batch is one Kafka transaction: rows, rejections, position. The batch is
// never torn, so a source that reads large transactions cuts its batches where
// it can go on. After any error that time may mend, publisher and source are
// closed and built anew from the last committed position, with growing pauses:
// what was not committed is read again, what was is not. ErrConfig and
// ErrPositionLost end Run with the status failed. A lost position stays lost: a
// later Run does not open the source until a person has it read again (Resync).
func Run(ctx context.Context, b *bus.Bus, c *codec.Codec, cfg Config, open Open) error {
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return fmt.Errorf("run source %q: %w", cfg.Name, err)
	}
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails, says its documentation
	r := &runner{
		bus: b, codec: c, open: open, metrics: m, run: cfg.Name + "-" + hex.EncodeToString(id[:]),
		voice: &voice{cfg: cfg, log: cfg.Log().With("source", cfg.Name, "kind", cfg.Kind)},
	}
	r.complete = newCompleteness(r.voice, b)
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 200*time.Millisecond, 30*time.Second
	for {
		r.progress = false
		err := r.session(ctx)
		switch {
		case errors.Is(err, errNext):
			continue // the next part of a resync
		case err == nil, errors.Is(err, errStopped), ctx.Err() != nil:
			return nil //nolint:nilerr // told to end: what broke on the way is nobody's concern
		case forGood(err) && (r.failure == nil || r.failure.said):
			return fmt.Errorf("run source %q: %w", cfg.Name, err)
		}
		if r.progress {
			pause.Reset()
			r.restarts = 0
		}
		r.restarts++
		wait := pause.NextBackOff()
		if errors.Is(err, ErrWaiting) {
			wait = min(wait, heartbeat)
		}
		r.log.Warn("source failed, trying again", "error", err, "in", wait.Round(time.Millisecond))
		m.restarts.WithLabelValues(cfg.Name).Inc()
		r.tellFailure(err)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// errStopped ends Run for a source that a person has stopped.
var errStopped = errors.New("a person has stopped it")

type runner struct {
	*voice
	bus      *bus.Bus
	codec    *codec.Codec
	open     Open
	metrics  *metrics
	run      string
	complete *completeness

	encoder *encoder
	refused bool // rows, or what else a batch publishes, were not taken
	caught  bool // the last status came with CaughtUp
}

func (r *runner) resync() *resync {
	return &resync{voice: r.voice, bus: r.bus, codec: r.codec, metrics: r.metrics, run: r.run}
}

// session is one life of publisher and source.
func (r *runner) session(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("source panicked: %w", crash.Of(p)) // tried again, like whatever time may mend
		}
	}()
	r.publisher, err = r.bus.Publisher(ctx, r.cfg.Name)
	if err != nil {
		return fmt.Errorf("open publisher: %w", err)
	}
	defer r.publisher.Close()
	r.status = r.publisher.Status()
	fed := r.status.Datasets
	r.status.Kind, r.status.Datasets = r.cfg.Kind, nil
	if r.status.Position == "" { // it begins anew: what it says now is newer than all it ever said
		r.status.Epoch = r.publisher.NextEpoch()
	}
	for _, d := range r.cfg.Datasets {
		r.status.Datasets = append(r.status.Datasets, d.ID)
	}
	r.status.Awaited = joined(r.status, fed)
	r.status = returned(r.status, fed, r.cfg.Catalogue)
	r.status.Left = slices.DeleteFunc(slices.Clone(union(r.status.Left, fed)), func(id string) bool { return slices.Contains(r.status.Datasets, id) })
	r.refused = false
	if err = r.obey(ctx); err == nil {
		err = r.read(ctx)
	}
	r.farewell(ctx, err)
	return err
}

// obey does what must be done before the source is opened: what a person has
// asked for, and a first word of a source that does not count yet.
func (r *runner) obey(ctx context.Context) error {
	unsaid := r.failure != nil && !r.failure.said
	switch s := r.status; {
	case s.Stop:
		if s.State != contract.StateStopped && s.State != contract.StateRetired {
			s.State, s.Error = contract.StateStopped, ""
		}
		if err := r.say(ctx, s); err != nil {
			return err
		}
		return errStopped
	case s.Resync != nil && s.Resync.Step == contract.ResyncAsked:
		return r.resync().beginAgain(ctx)
	case unsaid:
		// Whoever looks at the topic must not believe what was said before.
		if err := r.say(ctx, r.failure.status(s)); err != nil {
			return err
		}
		r.failure.said = true
		if r.failure.forGood != nil {
			return r.failure.forGood
		}
		return r.obey(ctx)
	case deleting(s):
		return r.resync().deleteGone(ctx)
	case s.Lost != "": // also while it is read again: what comes then would be taken for all there is
		return fmt.Errorf("%s: %w", strings.TrimSuffix(s.Lost, ": "+ErrPositionLost.Error()), ErrPositionLost)
	case deletingPart(s) >= 0:
		if err := r.resync().deletePart(ctx, deletingPart(s)); err != nil {
			return err
		}
		return r.obey(ctx)
	case s.State == "", s.State == contract.StateRetired:
		s.State, s.Error = contract.StateStarting, ""
		return r.say(ctx, s)
	}
	return nil
}

// remedy is what a person does about a position that is lost.
func (r *runner) remedy() string {
	if r.cfg.Reread.Cannot != "" {
		return r.cfg.Reread.Cannot
	}
	return contract.ResyncCommand(r.cfg.Name)
}

func (r *runner) read(ctx context.Context) (err error) {
	if r.encoder, err = newEncoder(ctx, r.bus, r.codec, r.cfg, r.run); err != nil {
		return err
	}
	if r.cfg.Bus, err = BusMark(ctx, r.bus); err != nil {
		return err
	}
	cfg := r.cfg
	cfg.Again, cfg.Backfill = r.status.Resync != nil, nextBackfill(r.status)
	cfg.Waits = func(ctx context.Context, why error) error {
		waiting := r.status
		waiting.State = contract.StateWaiting
		waiting.Error, waiting.Do = words(why)
		return r.say(ctx, waiting)
	}
	src, err := r.open(ctx, cfg, schemas.Position(r.publisher.Position()))
	if err != nil {
		return err
	}
	up := r.metrics.up.WithLabelValues(r.cfg.Name)
	up.Set(1)
	defer up.Set(0)
	defer func() {
		if e := src.Close(); e != nil {
			r.log.Debug("source closed uncleanly", "error", e)
		}
	}()
	r.log.Info("source opened", "resumed", r.publisher.Position() != "")
	for {
		batch, err := src.Read(ctx)
		if errors.Is(err, io.EOF) {
			r.log.Info("source ended", "rows", r.status.Rows)
			if rereading(r.status) {
				return r.resync().allRead(ctx)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.publish(ctx, batch); err != nil {
			return err
		}
		if err := r.complete.announce(ctx); err != nil {
			return err
		}
		if c, ok := src.(Confirmer); ok && r.publisher.Position() != "" {
			if err := c.Confirm(ctx, schemas.Position(r.publisher.Position())); err != nil {
				return err
			}
		}
		if err := r.turned(ctx, batch); err != nil {
			return err
		}
		if deleting(r.status) || deletingPart(r.status) >= 0 {
			return errNext
		}
	}
}

// BusMark is which bus this is to its sources, see Config.Bus: the topic that keeps their
// positions, since who reads another one knows nothing of where they are.
func BusMark(ctx context.Context, b *bus.Bus) (string, error) {
	id, err := b.Identity(ctx, contract.Sources)
	return hex.EncodeToString(id[:]), err
}

// publish commits a batch. An empty one is only worth writing when it is due or
// says something new.
func (r *runner) publish(ctx context.Context, b Batch) error {
	next := r.next(b)
	empty := len(b.Changes) == 0 && len(b.Rejections) == 0 && !b.Anew
	if empty && !r.due(b, next) {
		return nil
	}
	began := time.Now()
	if b.Anew {
		next.Epoch = r.publisher.NextEpoch()
	}
	r.encoder.epoch = next.Epoch
	records, rejections, err := r.encoder.encode(ctx, b)
	if err != nil {
		return err
	}
	next.Rows += int64(len(b.Changes))
	moved := next.Position != r.status.Position
	if err := r.commit(ctx, records, next); err != nil {
		r.refused = len(records) > 0
		return err
	}
	r.failure.passed(records, moved)
	r.caught = !b.CaughtUp.IsZero()
	r.metrics.count(r.cfg.Name, r.status.CaughtUp, b, rejections, r.encoder.bytes, time.Since(began))
	return nil
}

// next is the status after a batch.
func (r *runner) next(b Batch) contract.SourceStatus {
	next := r.status
	next.At, next.Error, next.Do, next.Restarts = 0, "", "", 0
	switch next.State = b.State; {
	case b.Held != "":
		next.State, next.Error, next.Do = contract.StateHeld, clip(b.Held), b.Do
	case next.State == "":
		next.State = contract.StateRunning
	}
	if b.After != "" {
		next.Position = string(b.After)
	}
	again := rereading(r.status)
	next = progressed(next, b.Backfill)
	next.Returned = delivered(next.Returned, r.cfg, b)
	b.Awaited = union(b.Awaited, next.Returned)
	if again {
		// What the source has committed meanwhile is not in before the end: as_of
		// stands still.
		reading := *next.Resync
		reading.Rows += int64(len(b.Changes))
		if b.Held == "" {
			next.State = contract.StateResync
			if b.State != contract.StateSnapshot && !b.CaughtUp.IsZero() {
				reading.Step = contract.ResyncDeleting
			}
		}
		next.Resync = &reading
	} else if !b.CaughtUp.IsZero() {
		// A source whose clock is ahead has committed nothing later than now.
		next.CaughtUp = min(max(next.CaughtUp, b.CaughtUp.UnixMilli()), time.Now().UnixMilli())
	}
	next.Awaited, next.Complete = awaits(next.Awaited, b, again), completes(r.cfg.Datasets, next.Complete, b, again)
	if b.Held == "" {
		next = r.failure.still(next)
	}
	return next
}

// due says whether an empty batch is written: every heartbeat, and at once when
// the state changed or the source has caught up behind a batch of rows.
func (r *runner) due(b Batch, next contract.SourceStatus) bool {
	if b.Backfill != nil || next.Resync != nil && next.Resync.Step != r.status.Resync.Step {
		return true
	}
	return next.State != r.status.State || len(next.Complete) != len(r.status.Complete) || next.Error != r.status.Error || time.Since(r.written) >= heartbeat || !b.CaughtUp.IsZero() && !r.caught
}

func (r *runner) tellFailure(err error) {
	if r.cfg.Tell == nil {
		return
	}
	why, do := words(err)
	status := r.status
	if do != "" {
		status.Do = do
	}
	r.cfg.Tell(Told{status, why, r.restarts})
}

// farewell says how a session ended. When that cannot be said, because the
// publisher is lost or Kafka is away, the next session does, before anything else.
func (r *runner) farewell(ctx context.Context, err error) {
	if errors.Is(err, errNext) || errors.Is(err, errStopped) {
		return
	}
	if err == nil || ctx.Err() != nil {
		last := r.status
		last.State, last.Error, last.Do, last.Restarts = contract.StateStopped, "", "", 0
		_ = r.lastWord(ctx, last)
		return
	}
	f := &failure{at: time.Now(), rows: r.refused}
	f.word = contract.SourceStatus{State: contract.StateFailed, Restarts: r.restarts + 1}
	f.word.Error, f.word.Do = words(err)
	var refusal *bus.WriteError
	if errors.As(err, &refusal) {
		f.topic = refusal.Topic
	}
	switch {
	case errors.Is(err, ErrWaiting):
		f.word.State = contract.StateWaiting
	case errors.Is(err, ErrPositionLost):
		f.word.Lost, f.word.Do = f.word.Error, r.remedy()
	case errors.Is(err, ErrConfig):
		f.word.Do = fmt.Sprintf("原因在部门系统的，改好后 yiyuan source start %[1]s；在数据源文件的，改好后重启本进程 / what lies in the department's system: mend it, then yiyuan source start %[1]s; what lies in the source's file: mend it and restart this process", r.cfg.Name)
	}
	if forGood(err) {
		f.forGood = err
	}
	r.failure = f
	f.said = r.lastWord(ctx, f.status(r.status)) == nil
}

// lastWord publishes a status when a session ends, for which there is little time.
func (r *runner) lastWord(ctx context.Context, last contract.SourceStatus) error {
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	err := r.say(short, last)
	if err != nil {
		r.log.Debug("last status was not written", "error", err)
	}
	return err
}

// turned ends a turn of read, publish, announce and confirm in which nothing failed.
func (r *runner) turned(ctx context.Context, b Batch) error {
	if r.failure != nil {
		if !r.failure.over(b) {
			return nil
		}
		failed := r.failure.word.State == contract.StateFailed
		r.failure = nil
		if r.restarts = 0; failed && b.Held == "" {
			next := r.next(Batch{State: b.State, Awaited: b.Awaited})
			if next.Resync != nil {
				next.State = contract.StateResync
			}
			if err := r.say(ctx, next); err != nil {
				return err
			}
		}
	}
	r.progress = true
	return nil
}

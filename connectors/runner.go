package connectors

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v5"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

const (
	// heartbeat is how often an idle source's status is written.
	heartbeat = 2 * time.Second
	// farewell bounds the last words of a source that ends.
	farewell = 3 * time.Second
	// maxError is how much of an error a status carries, in bytes.
	maxError = 1200
)

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
		bus: b, codec: c, cfg: cfg, open: open, metrics: m, run: cfg.Name + "-" + hex.EncodeToString(id[:]),
		log: cfg.Log().With("source", cfg.Name, "kind", cfg.Kind), announced: map[string]bool{},
	}
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
	bus     *bus.Bus
	codec   *codec.Codec
	cfg     Config
	open    Open
	metrics *metrics
	run     string
	log     *slog.Logger

	progress bool // this session has got somewhere: a turn of it is whole
	restarts int  // sessions that failed since one has
	failure  *failure

	publisher *bus.Publisher
	encoder   *encoder
	refused   bool                  // rows, or what else a batch publishes, were not taken
	status    contract.SourceStatus // as last published
	written   time.Time
	caught    bool // the last status came with CaughtUp

	announced map[string]bool // datasets of which it has said that they are complete
	looked    int             // of how many it looked last whether they are
	look      time.Time       // when it looks again
	lookWait  time.Duration
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
	r.status.Awaited = r.joined(fed)
	r.status.Left = slices.DeleteFunc(slices.Clone(union(r.status.Left, fed)), func(id string) bool { return slices.Contains(r.status.Datasets, id) })
	r.refused = false
	if err = r.obey(ctx); err == nil {
		err = r.read(ctx)
	}
	r.farewell(ctx, err)
	return err
}

// say publishes a status alone.
func (r *runner) say(ctx context.Context, next contract.SourceStatus) error {
	next.At = 0
	if err := r.publisher.Publish(ctx, nil, next); err != nil {
		return err
	}
	r.status, r.written = next, time.Now()
	r.tell()
	return nil
}

func (r *runner) tell() {
	if r.cfg.Tell != nil {
		r.cfg.Tell(Told{r.status, "", r.restarts})
	}
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
		return r.beginAgain(ctx)
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
	case s.Resync != nil && s.Resync.Step == contract.ResyncDeleting:
		return r.deleteGone(ctx)
	case s.Lost != "": // also while it is read again: what comes then would be taken for all there is
		return fmt.Errorf("%s: %w", strings.TrimSuffix(s.Lost, ": "+ErrPositionLost.Error()), ErrPositionLost)
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
	// The topic that keeps the positions is the bus to its sources: who reads
	// another one knows nothing of where they are.
	id, err := r.bus.Identity(ctx, contract.Sources)
	if err != nil {
		return err
	}
	r.cfg.Bus = hex.EncodeToString(id[:])
	cfg := r.cfg
	cfg.Again = r.status.Resync != nil
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
			if r.rereading() {
				return r.allRead(ctx)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.publish(ctx, batch); err != nil {
			return err
		}
		if err := r.announce(ctx); err != nil {
			r.look = time.Time{} // a source that fails at this says so until it has passed
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
		if r.status.Resync != nil && r.status.Resync.Step == contract.ResyncDeleting {
			return errNext
		}
	}
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
	if err := r.publisher.Publish(ctx, records, next); err != nil {
		r.refused = len(records) > 0
		return err
	}
	r.failure.passed(records, next.Position != r.status.Position)
	r.status, r.written, r.caught = next, time.Now(), !b.CaughtUp.IsZero()
	r.tell()
	r.count(b, rejections, time.Since(began))
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
	if r.rereading() {
		// What the source has committed meanwhile is not in before the end: as_of
		// stands still.
		again := *next.Resync
		again.Rows += int64(len(b.Changes))
		if b.Held == "" {
			next.State = contract.StateResync
			if b.State != contract.StateSnapshot && !b.CaughtUp.IsZero() {
				again.Step = contract.ResyncDeleting
			}
		}
		next.Resync = &again
	} else if !b.CaughtUp.IsZero() {
		// A source whose clock is ahead has committed nothing later than now.
		next.CaughtUp = min(max(next.CaughtUp, b.CaughtUp.UnixMilli()), time.Now().UnixMilli())
	}
	next.Awaited, next.Complete = r.awaits(b), r.completes(next.Complete, b)
	if b.Held == "" {
		next = r.failure.still(next)
	}
	return next
}

// due says whether an empty batch is written: every heartbeat, and at once when
// the state changed or the source has caught up behind a batch of rows.
func (r *runner) due(b Batch, next contract.SourceStatus) bool {
	if next.Resync != nil && next.Resync.Step != r.status.Resync.Step {
		return true
	}
	return next.State != r.status.State || len(next.Complete) != len(r.status.Complete) || next.Error != r.status.Error || time.Since(r.written) >= heartbeat || !b.CaughtUp.IsZero() && !r.caught
}

func (r *runner) count(b Batch, rejections []contract.Rejection, took time.Duration) {
	name := r.cfg.Name
	if r.status.CaughtUp > 0 {
		r.metrics.caughtUp.WithLabelValues(name).Set(float64(r.status.CaughtUp) / 1000)
	}
	if len(b.Changes) == 0 && len(rejections) == 0 {
		return
	}
	type label struct {
		dataset string
		op      schemas.Op
	}
	counts := map[label]int{}
	for i := range b.Changes {
		counts[label{b.Changes[i].Dataset.ID, b.Changes[i].Op}]++
	}
	for l, n := range counts {
		r.metrics.changes.WithLabelValues(name, l.dataset, string(ops[l.op])).Add(float64(n))
	}
	for _, x := range rejections {
		r.metrics.rejections.WithLabelValues(name, x.Dataset, x.Reason).Inc()
	}
	r.metrics.bytes.WithLabelValues(name).Add(float64(r.encoder.bytes))
	r.metrics.batches.WithLabelValues(name).Inc()
	r.metrics.publish.WithLabelValues(name).Observe(took.Seconds())
}

// clip keeps an error short without cutting a character.
func clip(s string) string {
	if len(s) <= maxError {
		return s
	}
	s = s[:maxError]
	for len(s) > 0 && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "..."
}

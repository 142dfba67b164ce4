package synthetic

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// standstill: a live stream further behind than this skips the time, not the changes.
const standstill = time.Minute

// source is one department's stream.
type source struct {
	w        *world.World
	d        world.Department
	options  Options
	name     string
	digest   func(raw []byte) string
	log      *slog.Logger
	bindings [world.TableCount]*binding
	now      func() time.Time

	copy  *world.Stream
	fixes *world.Fixes
	live  world.Live
	pos   position
	step  []world.Event // events of step pos.Step, nil = not made yet
	ended bool
	// resumed: the live stream goes on where an earlier source left it.
	resumed bool

	closing sync.Once
	closed  chan struct{}
}

func open(_ context.Context, cfg connectors.Config, after schemas.Position, now func() time.Time) (connectors.Source, error) {
	var set settings
	if err := cfg.Read(&set); err != nil {
		return nil, err
	}
	o := set.Options
	s := &source{name: cfg.Name, digest: cfg.Digest, log: cfg.Log(), now: now, closed: make(chan struct{})}
	var err error
	if s.d, s.bindings, err = bind(cfg, &o); err != nil {
		return nil, fmt.Errorf("open synthetic source %q: %w", cfg.Name, err)
	}
	if after != "" {
		if s.pos, err = o.resume(after); err != nil {
			return nil, fmt.Errorf("open synthetic source %q: %w", cfg.Name, err)
		}
		s.resumed = true
	} else {
		if o.Base.IsZero() {
			o.Base = now()
		}
		s.pos = position{City: world.Edition, Seed: o.Seed, Size: o.Size, Base: o.Base.In(schemas.Zone).Format(time.DateOnly), Department: o.Department, Calm: o.Calm}
	}
	if s.w, err = o.world(now()); err != nil {
		return nil, fmt.Errorf("open synthetic source %q: %w: %w", cfg.Name, err, connectors.ErrConfig)
	}
	if o.Truth != "" {
		if err := writeTruthFile(o); err != nil {
			return nil, fmt.Errorf("open synthetic source %q: %w", cfg.Name, err)
		}
	}
	s.options = o
	s.copy, s.fixes, s.live = world.NewStream(s.w, s.d), world.NewFixes(s.w, s.d), world.NewLive(s.w, s.d, o.Faults)
	return s, nil
}

// Close implements connectors.Source.
func (s *source) Close() error {
	s.closing.Do(func() { close(s.closed) })
	return nil
}

// Read implements connectors.Source.
func (s *source) Read(ctx context.Context) (connectors.Batch, error) {
	if err := ctx.Err(); err != nil {
		return connectors.Batch{}, err
	}
	select {
	case <-s.closed:
		return connectors.Batch{}, fmt.Errorf("read synthetic source %q: %w", s.name, io.ErrClosedPipe)
	default:
	}
	switch {
	case s.pos.Step < s.copy.Steps():
		return s.readCopy()
	case s.options.End:
		return s.readFixes()
	}
	return s.readLive(ctx)
}

// readCopy fills a batch from the first copy.
func (s *source) readCopy() (connectors.Batch, error) {
	batch := connectors.Batch{State: contract.StateSnapshot}
	for n := 0; n < s.options.Batch && s.pos.Step < s.copy.Steps(); {
		if s.step == nil {
			s.step = s.copy.Step(s.pos.Step)
		}
		if s.pos.Skip >= len(s.step) {
			s.pos.Step, s.pos.Skip, s.step = s.pos.Step+1, 0, nil
			continue
		}
		e := s.step[s.pos.Skip]
		s.pos.Skip++
		n += s.add(&batch, e)
	}
	if s.pos.Step == s.copy.Steps() && (!s.options.End || !s.options.Correct) {
		batch.State, batch.CaughtUp = "", s.now()
	}
	return s.finish(batch)
}

// readFixes sends the corrections of a source that ends.
func (s *source) readFixes() (connectors.Batch, error) {
	if !s.options.Correct || s.pos.Fix >= s.fixes.Total {
		if s.ended {
			return connectors.Batch{}, io.EOF
		}
		s.ended = true // one last word: everything was said
		return s.finish(connectors.Batch{CaughtUp: s.now()})
	}
	var batch connectors.Batch
	for n := 0; n < s.options.Batch && s.pos.Fix < s.fixes.Total; s.pos.Fix++ {
		for _, e := range s.fixes.Fix(s.pos.Fix) {
			n += s.add(&batch, e)
		}
	}
	return s.finish(batch)
}

// readLive waits for what is due next: neutral changes and corrections, each at
// its time after the first copy.
func (s *source) readLive(ctx context.Context) (connectors.Batch, error) {
	now, due := s.now().UnixMilli(), s.due()
	if s.pos.Epoch == 0 {
		s.pos.Epoch, s.resumed = now, false
	}
	if due >= 0 && (s.resumed || s.pos.Epoch+due < now-standstill.Milliseconds()) {
		s.pos.Epoch = now - due // the source stood still: go on from here, do not catch up
	}
	s.resumed = false
	until := now + connectors.IdleRead.Milliseconds()/2
	if due >= 0 {
		until = min(until, s.pos.Epoch+due)
	}
	if err := s.sleep(ctx, until-now); err != nil {
		return connectors.Batch{}, err
	}
	var batch connectors.Batch
	at := s.now()
	for n := 0; n < s.options.Batch; {
		due = s.due()
		if due < 0 || s.pos.Epoch+due > at.UnixMilli() {
			batch.CaughtUp = at
			break
		}
		n += s.next(&batch, s.pos.Epoch+due)
	}
	return s.finish(batch)
}

// next adds the change that is due at an instant.
func (s *source) next(batch *connectors.Batch, at int64) int {
	fix, change := s.dueFix(), s.dueLive()
	if fix >= 0 && (change < 0 || fix <= change) {
		n := 0
		for _, e := range s.fixes.Fix(s.pos.Fix) {
			e.At = at
			n += s.add(batch, e)
		}
		s.pos.Fix++
		return n
	}
	if s.live.Plants(s.pos.Live) {
		s.log.Info("planted a contradiction", "source", s.name, "rule", "XV-18", "change", s.pos.Live)
	}
	e := s.live.At(s.pos.Live)
	e.At = at
	s.pos.Live++
	return s.add(batch, e)
}

// due returns when the next event is due, in milliseconds after the first copy;
// -1 = never.
func (s *source) due() int64 {
	fix, change := s.dueFix(), s.dueLive()
	if fix < 0 || change >= 0 && change < fix {
		return change
	}
	return fix
}

func (s *source) dueFix() int64 {
	if !s.options.Correct || s.pos.Fix >= s.fixes.Total {
		return -1
	}
	return s.options.CorrectAfter.Milliseconds() + int64(s.pos.Fix)*s.options.CorrectEvery.Milliseconds()
}

func (s *source) dueLive() int64 {
	share := int64(s.options.Rate) * int64(s.d.Share())
	if share == 0 {
		return -1
	}
	return (int64(s.pos.Live) + 1) * 100_000 / share
}

func (s *source) sleep(ctx context.Context, millis int64) error {
	if millis <= 0 {
		return nil
	}
	timer := time.NewTimer(time.Duration(millis) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return fmt.Errorf("read synthetic source %q: %w", s.name, io.ErrClosedPipe)
	}
}

func (s *source) finish(batch connectors.Batch) (connectors.Batch, error) {
	after, err := s.pos.encode()
	batch.After = after
	return batch, err
}

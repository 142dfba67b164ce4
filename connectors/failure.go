package connectors

import (
	"context"
	"errors"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// failure is why a session ended. It is the source's word until what failed has
// passed: a source that is opened again, says that it runs and fails at the same
// place stands still, however often it says so.
type failure struct {
	word     contract.SourceStatus // State, Error, Do, Lost and Restarts of it
	said     bool                  // it stands in the topic
	forGood  error                 // Run ends with it once it is said
	at       time.Time
	rows     bool           // it was rows that were not taken
	topic    contract.Topic // that did not take them, "" = not known
	overcome bool           // what failed has passed
}

// forGood reports whether Run does not try again after an error.
func forGood(err error) bool { return errors.Is(err, ErrConfig) || errors.Is(err, ErrPositionLost) }

// words are what is said of an error: why, and what a person does, "" if Why says it.
func words(err error) (why, do string) {
	var w *bus.WriteError
	if errors.As(err, &w) {
		return clip(w.Error()), w.Do
	}
	return clip(err.Error()), ""
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
		f.word.Do = "按原因改配置，再启动 / mend the configuration, then: yiyuan source start " + r.cfg.Name
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

// status is s with the failure's word.
func (f *failure) status(s contract.SourceStatus) contract.SourceStatus {
	s.State, s.Error, s.Do, s.Restarts = f.word.State, f.word.Error, f.word.Do, f.word.Restarts
	if f.word.Lost != "" {
		s.Lost = f.word.Lost
	}
	return s
}

// still is s with the failure's word where it still holds. A source that waited does
// no more once it is open.
func (f *failure) still(s contract.SourceStatus) contract.SourceStatus {
	if f == nil || f.word.State != contract.StateFailed {
		return s
	}
	return f.status(s)
}

// passed takes note of what was committed.
func (f *failure) passed(records []bus.Record, moved bool) {
	if f == nil {
		return
	}
	f.overcome = f.overcome || !f.rows && moved
	f.overcome = f.overcome || f.topic == contract.Sources
	for i := range records {
		f.overcome = f.overcome || f.topic == "" || records[i].Topic == f.topic
	}
}

// over reports whether the failure is overcome, once a whole turn is done. Of a source
// that has caught up nothing waits to be published; of one that hands rows back to
// whoever sent them only time tells whether it takes them again.
func (f *failure) over(b Batch) bool {
	if f.overcome || f.word.State != contract.StateFailed {
		return true
	}
	reads := !b.CaughtUp.IsZero() || b.Held != ""
	return reads && (!f.rows || time.Since(f.at) > contract.Silence)
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

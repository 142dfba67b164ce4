package connectors

import (
	"errors"
	"time"
	"unicode/utf8"

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

// maxError is how much of an error a status carries, in bytes.
const maxError = 1200

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

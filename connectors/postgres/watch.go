package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

const (
	// silence is how long the server may owe the answer to a probe: a connection
	// on which nothing comes back any more breaks by itself after many minutes.
	silence = 10 * time.Second
	// probeEvery is how often the source looks how far the server is.
	probeEvery = time.Second
)

// watch looks whether what reading rests on is still so. It is for one goroutine.
type watch struct {
	*server
	want    facts
	kept    json.RawMessage // of them, for the position
	from    position        // where the source was opened
	log     sending         // nil until the log is received
	backend string          // the server's process that sends it, once seen
	last    time.Time
}

// sending is a log that is being received.
type sending interface {
	heard() lsn   // how far the server has told us of it
	allowed() lsn // what the server may forget
}

// stand is where reading stands.
func (w *watch) stand() *stand {
	at := &stand{setting: w.setting, reached: max(w.from.Flush, w.from.Start), allowed: max(w.from.Kept, w.from.Start)}
	if w.from.Commit != 0 {
		at.reached = max(at.reached, w.from.Commit+1)
	}
	if w.log != nil {
		at.reached, at.allowed, at.backend = max(at.reached, w.log.heard()), max(at.allowed, w.log.allowed()), &w.backend
	}
	return at
}

// hold compares what is seen with what was.
func (w *watch) hold(seen facts) error { return w.stand().hold(w.want, seen) }

// grow has what facts have grown to stand for them.
func (w *watch) grow(seen facts) {
	if w.stand().takeUp(w.want, seen) {
		w.kept = w.want.kept()
	}
}

// look looks at the facts again, at most once in probeEvery, and fails when they
// are no longer what they were. It returns the server's clock, read before the
// facts, and the end of its log; zero if it is not time yet.
func (w *watch) look(ctx context.Context) (now time.Time, end lsn, err error) {
	if time.Since(w.last) < probeEvery {
		return now, 0, nil
	}
	w.last = time.Now()
	reached := w.stand().reached // what it told us before it is asked
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	var seen facts
	err = w.ask(func(sql *pgx.Conn) error {
		// The clock is read first: what commits in between is promised by the next look.
		if err := sql.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now); err != nil {
			return fmt.Errorf("数据库没有应答 / look at the clock: %w", err)
		}
		seen, err = w.server.look(ctx)
		return err
	})
	if err != nil {
		return now, 0, err
	}
	at := w.stand() // what it was let forget it may have forgotten while it was asked
	at.reached = reached
	err = at.hold(w.want, seen)
	if !errors.Is(err, connectors.ErrPositionLost) {
		w.grow(seen)
	}
	return now.UTC(), parseLSN(seen["end"][""]), err
}

package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/guard"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/place"
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
	want    guard.Facts
	kept    json.RawMessage // of them, for the position
	from    place.Position  // where the source was opened
	log     sending         // nil until the log is received
	backend string          // the server's process that sends it, once seen
	last    time.Time
}

// sending is a log that is being received.
type sending interface {
	heard() place.LSN   // how far the server has told us of it
	allowed() place.LSN // what the server may forget
}

// stand is where reading stands.
func (w *watch) stand() *guard.Stand {
	reached, allowed := max(w.from.Flush, w.from.Start), max(w.from.Kept, w.from.Start)
	if w.from.Commit != 0 {
		reached = max(reached, w.from.Commit+1)
	}
	at := &guard.Stand{Ground: w.ground()}
	if w.log != nil {
		reached, allowed, at.Backend = max(reached, w.log.heard()), max(allowed, w.log.allowed()), &w.backend
	}
	at.Reached, at.Allowed = pglogrepl.LSN(reached), pglogrepl.LSN(allowed)
	return at
}

// hold compares what is seen with what was.
func (w *watch) hold(seen guard.Facts) error { return w.stand().Hold(w.want, seen) }

// grow has what facts have grown to stand for them.
func (w *watch) grow(seen guard.Facts) {
	if w.stand().TakeUp(w.want, seen) {
		w.kept = w.want.Kept()
	}
}

// look looks at the facts again, at most once in probeEvery, and fails when they
// are no longer what they were. It returns the server's clock, read before the
// facts, and the end of its log; zero if it is not time yet.
func (w *watch) look(ctx context.Context) (now time.Time, end place.LSN, err error) {
	if time.Since(w.last) < probeEvery {
		return now, 0, nil
	}
	w.last = time.Now()
	reached := w.stand().Reached // what it told us before it is asked
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	var seen guard.Facts
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
	at.Reached = reached
	err = at.Hold(w.want, seen)
	if !errors.Is(err, connectors.ErrPositionLost) {
		w.grow(seen)
	}
	return now.UTC(), place.LSN(seen.End()), err
}

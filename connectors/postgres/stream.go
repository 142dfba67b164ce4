package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/cdc"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/backfill"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/place"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// tick is how soon the receiver notices what others ask of it.
const tick = 100 * time.Millisecond

// stream receives the log. One goroutine owns the connection: it receives,
// decodes, and tells the server that we are alive, also while nothing is taken
// from it. Read takes what it has put into log.
type stream struct {
	db    *server
	watch *watch
	conn  *pgconn.PgConn
	life  context.Context //nolint:containedctx // of the receiver
	stop  context.CancelFunc
	over  chan struct{} // closed when the receiver has ended

	confirmed atomic.Uint64 // the server may forget what lies before
	ask       atomic.Bool   // the server shall say where it is
	told      place.LSN
	toldAt    time.Time

	log   *cdc.Log[place.Position]
	aimed *backfill.Chunk // of which the log knows that it waits
}

// newStream goes on behind a position. The server sends from heard on.
func newStream(ctx context.Context, w *watch, from place.Position, heard place.LSN) (*stream, error) {
	s := w.server
	conn, err := s.dial(ctx, true)
	if err != nil {
		return nil, err
	}
	publication := pgx.Identifier{s.options.Publication}.Sanitize()
	// From where the server may have forgotten: what is published already comes
	// again and shows that the log is still the one that was read.
	err = pglogrepl.StartReplication(ctx, conn, s.slot, 0, pglogrepl.StartReplicationOptions{
		PluginArgs: []string{"proto_version '1'", "publication_names '" + publication + "'"},
	})
	if err != nil {
		s.disconnect(conn)
		return nil, fmt.Errorf("start replication from slot %q: %w", s.slot, err)
	}
	st := &stream{
		db: s, watch: w, conn: conn, over: make(chan struct{}), told: from.Kept, toldAt: time.Now(),
		log: cdc.New(from, s.options.BatchRows, int(s.options.BatchBytes)),
	}
	st.life, st.stop = context.WithCancel(s.life)
	st.confirmed.Store(uint64(from.Kept))
	go st.receive(from, heard)
	return st, nil
}

// heard is how far the server has told us of its log.
func (st *stream) heard() place.LSN { return place.LSN(st.log.Mark()) }

// allowed is what the server may forget.
func (st *stream) allowed() place.LSN { return place.LSN(st.confirmed.Load()) }

// confirm lets the server forget what lies before an LSN.
func (st *stream) confirm(at place.LSN) {
	if uint64(at) > st.confirmed.Load() {
		st.confirmed.Store(uint64(at))
	}
}

// wait ends the receiver.
func (st *stream) wait() {
	st.stop()
	// A receiver in the middle of a message waits without a deadline.
	_ = st.conn.Conn().SetReadDeadline(time.Now()) // a closed connection has no reader to wake
	<-st.over
}

// next yields what has been received, whole transactions as far as they fit, and the rows of a
// backfill, nil if there is none, for which it was time.
func (st *stream) next(ctx context.Context, bf *backfill.Backfill) (connectors.Batch, error) {
	idle := connectors.Idle[struct{}]{Wake: st.log.Filled(), Pace: func() time.Duration { return probeEvery }}
	return idle.Await(ctx, func(expired bool) (connectors.Batch, bool, error) {
		if err := st.probe(ctx); err != nil {
			return connectors.Batch{}, false, err
		}
		if err := st.seek(ctx, bf); err != nil {
			return connectors.Batch{}, false, err
		}
		taken, ok, err := st.log.Take(expired)
		if !ok || err != nil {
			return connectors.Batch{}, ok, err
		}
		b := taken.Batch
		if b.CaughtUp, b.State = taken.CaughtUp, st.state(taken.At); !taken.Inside {
			taken.At.Facts = st.watch.kept // as they were last seen
		}
		taken.At.Missed = taken.At.Missed.Join(st.db.also())
		b.After = taken.At.Encode()
		if bf != nil {
			err = bf.Heed(&b, taken.At.Flush)
		}
		return b, true, err
	})
}

// seek has a backfill read its next chunk if it is time, and asks the server for the log up to
// where that was read.
func (st *stream) seek(ctx context.Context, bf *backfill.Backfill) error {
	if bf == nil {
		return nil
	}
	if err := bf.Step(ctx); err != nil {
		return err
	}
	c := bf.Chunk()
	if c == nil || c == st.aimed {
		return nil
	}
	st.db.miss(c.Missed)
	if st.log.Aim(uint64(c.High), c.At) { // else it aims elsewhere first
		st.aimed = c
	}
	st.ask.Store(true)
	return nil
}

// probe watches the facts, and notes where the server's log ends now: when the
// stream has come that far, everything that was committed by now is read.
func (st *stream) probe(ctx context.Context) error {
	now, end, err := st.watch.look(ctx)
	if err == nil && end == 0 {
		return nil
	}
	if err != nil {
		if failed := st.log.Failed(); failed != nil && !errors.Is(err, connectors.ErrPositionLost) {
			return failed // why the slot is no longer read
		}
		return err
	}
	st.log.Aim(uint64(end), now)
	st.ask.Store(true)
	return nil
}

// state is snapshot until the stream has passed what a resumed snapshot saw.
func (st *stream) state(at place.Position) string {
	if at.Resumed && at.Flush < at.High {
		return contract.StateSnapshot
	}
	return ""
}

// receive is the goroutine that owns the connection.
func (st *stream) receive(from place.Position, heard place.LSN) {
	defer close(st.over)
	d := newDecoder(st.life, st.db, st.log, from, heard)
	var err error
	for err == nil && st.life.Err() == nil {
		if err = st.log.Room(st.life, tick, st.tellIfDue); err == nil {
			err = st.step(d)
		}
	}
	if err == nil || st.life.Err() != nil {
		err = errClosed
		_ = st.tell(false) // what was confirmed is worth a last word, no more
	}
	st.log.End(err)
	st.db.disconnect(st.conn)
}

func (st *stream) tellIfDue() error {
	ask := st.ask.Swap(false)
	if !ask && place.LSN(st.confirmed.Load()) == st.told && time.Since(st.toldAt) < st.db.options.Status {
		return nil
	}
	return st.tell(ask)
}

func (st *stream) tell(reply bool) error {
	at := st.confirmed.Load()
	err := pglogrepl.SendStandbyStatusUpdate(st.life, st.conn, pglogrepl.StandbyStatusUpdate{
		WALWritePosition: pglogrepl.LSN(at), WALFlushPosition: pglogrepl.LSN(at), WALApplyPosition: pglogrepl.LSN(at), ReplyRequested: reply,
	})
	if err != nil {
		return fmt.Errorf("send standby status: %w", err)
	}
	st.told, st.toldAt = place.LSN(at), time.Now()
	return nil
}

// step receives one message, or finds after a tick that there is none.
func (st *stream) step(d *decoder) error {
	if err := st.tellIfDue(); err != nil {
		return err
	}
	ctx, cancel := context.WithoutCancel(st.life), func() {}
	if st.conn.Frontend().ReadBufferLen() == 0 {
		// Nothing of the next message is here: do not wait for it for long. A
		// deadline for each message would cost more than the message.
		ctx, cancel = context.WithTimeout(ctx, tick)
	}
	message, err := st.conn.ReceiveMessage(ctx)
	cancel()
	if err != nil {
		if pgconn.Timeout(err) {
			return nil
		}
		return fmt.Errorf("receive: %w", err)
	}
	switch m := message.(type) {
	case *pgproto3.CopyData:
		return st.data(d, m.Data)
	case *pgproto3.ErrorResponse:
		return fmt.Errorf("receive: %w", pgconn.ErrorResponseToPgError(m))
	case *pgproto3.CopyDone:
		return errors.New("receive: the server ended the stream")
	}
	return nil
}

func (st *stream) data(d *decoder, data []byte) error {
	if len(data) == 0 {
		return errors.New("receive: an empty message")
	}
	switch data[0] {
	case pglogrepl.PrimaryKeepaliveMessageByteID:
		k, err := pglogrepl.ParsePrimaryKeepaliveMessage(data[1:])
		if err != nil {
			return fmt.Errorf("receive keepalive: %w", err)
		}
		if k.ReplyRequested {
			st.toldAt = time.Time{}
		}
		if d.inside {
			return nil
		}
		if !d.proof.Passed(place.LSN(k.ServerWALEnd)) {
			return d.another()
		}
		st.alive(place.LSN(k.ServerWALEnd))
		return nil
	case pglogrepl.XLogDataByteID:
		x, err := pglogrepl.ParseXLogData(data[1:])
		if err != nil {
			return fmt.Errorf("receive log data: %w", err)
		}
		return d.message(x.WALData)
	}
	return nil
}

// alive takes a keepalive outside a transaction: whatever committed before has
// been sent. On quiet tables this is what lets the server's log be recycled.
func (st *stream) alive(end place.LSN) {
	st.log.Alive(uint64(end), func(at place.Position) place.Position {
		at.Flush = max(at.Flush, end)
		return at
	})
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

const (
	// tick is how soon the receiver notices what others ask of it.
	tick = 100 * time.Millisecond
	// silence is how long the server may owe the answer to a probe: a connection
	// on which nothing comes back any more breaks by itself after many minutes.
	silence = 10 * time.Second
	// probeEvery is how often the source looks how far the server is.
	probeEvery = time.Second
)

// part is a run of events that are published together or split nowhere else.
type part struct {
	changes    []schemas.Change
	rejections []contract.Rejection
	refused    []connectors.Refusal
	bytes      int
}

func (p *part) rows() int { return len(p.changes) + len(p.rejections) }

func (p *part) join(o part) {
	p.changes = append(p.changes, o.changes...)
	p.rejections = append(p.rejections, o.rejections...)
	p.refused = append(p.refused, o.refused...)
	p.bytes += o.bytes
}

// stream receives the log. One goroutine owns the connection: it receives,
// decodes, and tells the server that we are alive, also while nothing is taken
// from it. Read takes whole transactions, or a part of one that is too large.
type stream struct {
	s    *source
	conn *pgconn.PgConn
	life context.Context //nolint:containedctx // of the receiver
	stop context.CancelFunc
	over chan struct{} // closed when the receiver has ended

	confirmed atomic.Uint64 // the server may forget what lies before
	ask       atomic.Bool   // the server shall say where it is
	told      lsn
	toldAt    time.Time

	filled chan struct{} // a token for Read: there may be something
	taken  chan struct{} // a token for the receiver: there is room

	mu       sync.Mutex
	ready    part     // of whole transactions
	at       position // after ready
	progress lsn      // everything that committed before is in ready or taken
	tail     part     // of the transaction that is being received
	tailAt   position
	out      position // after the last part of tail that was taken
	err      error

	target   lsn // when progress is here,
	targetAt time.Time
	backend  string // the server's process that sends, once seen
}

func newStream(ctx context.Context, s *source) (*stream, error) {
	conn, err := s.replicate(ctx)
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
		s: s, conn: conn, at: s.at, over: make(chan struct{}), told: s.at.Kept, toldAt: time.Now(),
		filled: make(chan struct{}, 1), taken: make(chan struct{}, 1),
	}
	st.life, st.stop = context.WithCancel(s.life)
	st.confirmed.Store(uint64(s.at.Kept))
	go st.receive(s.at)
	return st, nil
}

// confirm lets the server forget what lies before an LSN.
func (st *stream) confirm(at lsn) {
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

// next yields what has been received, whole transactions as far as they fit.
func (st *stream) next(ctx context.Context) (connectors.Batch, error) {
	idle := time.NewTimer(connectors.IdleRead)
	defer idle.Stop()
	pace := time.NewTicker(probeEvery)
	defer pace.Stop()
	expired := false
	for {
		if err := st.probe(ctx); err != nil {
			return connectors.Batch{}, err
		}
		b, ok, err := st.take(expired)
		if ok || err != nil {
			return b, err
		}
		select {
		case <-ctx.Done():
			return connectors.Batch{}, ctx.Err()
		case <-st.filled:
		case <-pace.C:
		case <-idle.C:
			expired = true
		}
	}
}

// probe watches the facts, and notes where the server's log ends now: when the
// stream has come that far, everything that was committed by now is read.
func (st *stream) probe(ctx context.Context) error {
	now, end, err := st.s.watch(ctx)
	if err == nil && end == 0 {
		return nil
	}
	st.mu.Lock()
	if err != nil {
		defer st.mu.Unlock()
		if st.err != nil && !errors.Is(err, connectors.ErrPositionLost) {
			return st.err // why the slot is no longer read
		}
		return err
	}
	if st.target == 0 { // a newer target might never be reached under load
		st.target, st.targetAt = end, now
	}
	st.mu.Unlock()
	st.ask.Store(true)
	return nil
}

// take hands out what is ready; with expired set, also that nothing is.
func (st *stream) take(expired bool) (connectors.Batch, bool, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	var b connectors.Batch
	reached := st.target != 0 && st.progress >= st.target
	switch {
	case st.ready.rows() > 0 || reached:
		if reached {
			b.CaughtUp = st.targetAt
			st.target = 0
		}
		b.Changes, b.Rejections, b.Refused, b.After = st.ready.changes, st.ready.rejections, st.ready.refused, st.here().encode()
		b.State = st.state(st.at)
		st.ready = part{}
	case st.full(st.tail):
		b.Changes, b.Rejections, b.Refused, b.After = st.tail.changes, st.tail.rejections, st.tail.refused, st.tailAt.encode()
		b.State = st.state(st.tailAt)
		st.tail, st.out = part{}, st.tailAt
	case st.err != nil:
		return b, false, st.err
	case expired:
		b.After, b.State = st.here().encode(), st.state(st.at)
	default:
		return b, false, nil
	}
	token(st.taken)
	return b, true, nil
}

// here is the position of what has been handed out: that of whole transactions,
// unless parts of the next one are out already.
func (st *stream) here() position {
	at := st.at
	if st.out.Commit > st.at.Commit {
		at = st.out
	}
	at.Facts = st.s.at.Facts // as they were last seen
	return at
}

// state is snapshot until the stream has passed what a resumed snapshot saw.
func (st *stream) state(at position) string {
	if at.Resumed && at.Flush < at.High {
		return contract.StateSnapshot
	}
	return ""
}

func (st *stream) full(p part) bool {
	return p.rows() >= st.s.options.BatchRows || p.bytes >= int(st.s.options.BatchBytes)
}

func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// receive is the goroutine that owns the connection.
func (st *stream) receive(from position) {
	defer close(st.over)
	d := newDecoder(st, from)
	var err error
	for err == nil && st.life.Err() == nil {
		if err = st.room(); err == nil {
			err = st.step(d)
		}
	}
	if err == nil || st.life.Err() != nil {
		err = errClosed
		_ = st.tell(false) // what was confirmed is worth a last word, no more
	}
	st.mu.Lock()
	st.err = err
	st.mu.Unlock()
	token(st.filled)
	st.s.disconnect(st.conn)
}

var errClosed = errors.New("source is closed")

// room waits until there is place for more, and keeps telling the server that
// we are alive: a server that hears nothing cuts the connection.
func (st *stream) room() error {
	for {
		st.mu.Lock()
		crowded := st.full(st.ready) || st.full(st.tail)
		st.mu.Unlock()
		if !crowded {
			return nil
		}
		wait := time.NewTimer(tick)
		select {
		case <-st.life.Done():
			wait.Stop()
			return errClosed
		case <-st.taken:
		case <-wait.C:
		}
		wait.Stop()
		if err := st.tellIfDue(); err != nil {
			return err
		}
	}
}

func (st *stream) tellIfDue() error {
	ask := st.ask.Swap(false)
	if !ask && lsn(st.confirmed.Load()) == st.told && time.Since(st.toldAt) < st.s.options.Status {
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
	st.told, st.toldAt = lsn(at), time.Now()
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
		if !d.proof.passed(lsn(k.ServerWALEnd)) {
			return d.s.another()
		}
		st.alive(lsn(k.ServerWALEnd))
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
func (st *stream) alive(end lsn) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if end > st.progress {
		st.progress = end
	}
	if end > st.at.Flush {
		st.at.Flush = end
	}
	if st.target != 0 && st.progress >= st.target {
		token(st.filled)
	}
}

// emit adds events of the transaction that is being received.
func (st *stream) emit(p part, at position) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.tail.join(p)
	st.tailAt = at
	// The transaction is not whole: the server must be ready to send it again.
	st.tailAt.Flush = st.at.Flush
	if st.full(st.tail) {
		token(st.filled)
	}
}

// commit makes the received transaction ready.
func (st *stream) commit(at position) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ready.join(st.tail)
	st.tail = part{}
	st.at = at
	st.progress = max(st.progress, at.Flush)
	if st.ready.rows() > 0 || st.target != 0 && st.progress >= st.target {
		token(st.filled)
	}
}

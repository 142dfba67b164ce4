package postgres

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/guard"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/place"
)

// server is the database as it answers questions, over one connection. A question that may
// come while the source is read goes by ask; those of the start have it to themselves.
type server struct {
	*setting
	asking sync.Mutex // several ask while the source is read
	sql    *pgx.Conn  // nil once closed

	missed atomic.Pointer[place.Missed] // of which rows a backfill found a version that is refused
}

// miss notes rows that a backfill has found refused.
func (s *server) miss(rows place.Missed) {
	all := s.also().Join(rows)
	s.missed.Store(&all)
}

// also are those rows.
func (s *server) also() place.Missed {
	if m := s.missed.Load(); m != nil {
		return *m
	}
	return nil
}

// reach connects to the database of a source that is not open.
func reach(ctx context.Context, cfg connectors.Config) (*server, error) {
	o, err := read(cfg)
	if err != nil {
		return nil, err
	}
	set, err := prepare(ctx, cfg, o)
	if err != nil {
		return nil, err
	}
	s := &server{setting: set}
	if err := s.connect(ctx); err != nil {
		return nil, clean(err)
	}
	return s, nil
}

// connect opens the connection for all questions.
func (s *server) connect(ctx context.Context) (err error) {
	s.sql, err = s.query(ctx)
	return err
}

var errClosed = errors.New("source is closed")

// look asks the server for what reading rests on.
func (s *server) look(ctx context.Context) (guard.Facts, error) {
	return guard.Look(ctx, s.sql, s.ground())
}

// ask asks something while the source is read. It fails with errClosed once it is closed.
func (s *server) ask(question func(*pgx.Conn) error) error {
	s.asking.Lock()
	defer s.asking.Unlock()
	if s.sql == nil {
		return errClosed
	}
	return question(s.sql)
}

// close ends the connection. It may be called more than once.
func (s *server) close() {
	s.asking.Lock()
	defer s.asking.Unlock()
	if s.sql != nil {
		s.disconnect(s.sql.PgConn())
		s.sql = nil
	}
}

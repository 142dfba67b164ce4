package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/guard"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// setting is what stays as it is while a source is open, but for the slot's name, which
// is found, and the tables' columns, which are looked up.
type setting struct {
	cfg     connectors.Config
	options Options
	conn    *pgconn.Config
	log     *slog.Logger
	tables  map[string]*table // by schema.table
	byOID   map[uint32]*table
	slot    string          // its name on the server
	life    context.Context //nolint:containedctx // ended by Close, lives as long as the receiver
}

// prepare makes what the options say of a source; ctx is how long it lives.
func prepare(ctx context.Context, cfg connectors.Config, o Options) (*setting, error) {
	tables, err := newTables(cfg, o)
	if err != nil {
		return nil, err
	}
	conn, err := o.connection()
	if err != nil {
		return nil, err
	}
	return &setting{cfg: cfg, options: o, conn: conn, slot: o.Slot, tables: tables, log: cfg.Log().With("source", cfg.Name), life: ctx}, nil
}

// ground is what reading rests on.
func (s *setting) ground() guard.Ground {
	g := guard.Ground{Publication: s.options.Publication, Slot: s.slot, Snapshot: s.options.Snapshot, Tables: map[string]guard.Table{}, Lost: s.lost}
	for name, t := range s.tables {
		one := guard.Table{Schema: t.schema, Relation: t.relation, OID: t.oid}
		for _, c := range t.columns {
			one.Columns = append(one.Columns, c.name)
		}
		for _, k := range t.keyColumns() {
			one.Key = append(one.Key, k.name)
		}
		g.Tables[name] = one
	}
	return g
}

// know notes which tables are meant by their names.
func (s *setting) know(f guard.Facts) {
	s.byOID = map[uint32]*table{}
	for name, oid := range f.OIDs() {
		if t := s.tables[name]; t != nil {
			t.oid = oid
			s.byOID[oid] = t
		}
	}
}

// lost is the error that stops a source until it is read again.
func (s *setting) lost(zh, en string) error {
	return fmt.Errorf("%s，变更可能已丢失；请重读本数据源：yiyuan source resync %s / %s: changes may be lost: read this source again: yiyuan source resync %s: %w",
		zh, s.cfg.Name, en, s.cfg.Name, connectors.ErrPositionLost)
}

// another is the error of a log that is not the one that was read.
func (s *setting) another() error {
	return s.lost("数据库日志里已没有上次读到的事务，或多出当时没有的事务：数据库是从较早的备份恢复的",
		"the log no longer holds the transaction that was read last, or holds one that was not there: the database was put back from an earlier copy")
}

// take takes a row of a table; was is how it was, nil if that is not known. It returns the
// key of a row that was refused, if it has one.
func (s *setting) take(t *table, b *connectors.Batch, op schemas.Op, cells []connectors.Cell, raw, was [][]byte, origin schemas.Origin) (refused string) {
	record, key, problems := connectors.Row(t.dataset, cells)
	a := connectors.Arrival{Dataset: t.dataset, Cells: cells, Op: op, Origin: origin, Raw: raw, Spelling: t.spelling(key, raw, was)}
	if len(problems) > 0 {
		a.Where = t.where(origin)
	}
	b.Add(s.cfg, a, record, key, problems)
	if len(problems) == 0 {
		return ""
	}
	return key
}

// disconnect says goodbye for a moment at most; the server notices either way.
func (s *setting) disconnect(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.life), 2*time.Second)
	defer cancel()
	if err := conn.Close(ctx); err != nil {
		s.log.Debug("connection closed uncleanly", "error", clean(err))
	}
}

// clean keeps the values of rows out of errors: what the server says about
// data (SQLSTATE classes 22 and 23) quotes them.
func clean(err error) error {
	p, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	if strings.HasPrefix(p.Code, "22") || strings.HasPrefix(p.Code, "23") {
		return fmt.Errorf("postgres refused data (SQLSTATE %s)", p.Code)
	}
	return err
}

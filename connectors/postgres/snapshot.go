package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/keyset"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/place"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// snapshot reads the rows that are there, table by table in the order of the
// tables' names, rows in the order of their keys.
type snapshot struct {
	s      *setting
	dry    bool           // the position counts for nothing
	behind place.Position // behind the rows that were read
	conn   *pgconn.PgConn
	life   context.Context //nolint:containedctx // of the running query
	cancel context.CancelFunc
	at     time.Time // when the rows were as they are read

	table  *table // being read
	reader *pgconn.ResultReader
	key    []string // of the last row that was read
	broken bool     // a read was cut off: begin again behind the position
}

// newSnapshot takes over an exported snapshot, or goes on with a new one, behind a position.
func newSnapshot(ctx context.Context, s *setting, from place.Position, exported string, dry bool) (*snapshot, error) {
	conn, err := s.dial(ctx, false)
	if err != nil {
		return nil, err
	}
	sn := &snapshot{s: s, dry: dry, behind: from, conn: conn}
	sn.life, sn.cancel = context.WithCancel(s.life)
	if err := sn.begin(ctx, exported); err != nil {
		sn.close()
		return nil, fmt.Errorf("begin snapshot: %w", err)
	}
	return sn, nil
}

func (sn *snapshot) begin(ctx context.Context, exported string) error {
	script := "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	if exported != "" {
		script += "; SET TRANSACTION SNAPSHOT '" + strings.ReplaceAll(exported, "'", "''") + "'"
	}
	if err := sn.conn.Exec(ctx, script).Close(); err != nil {
		return err
	}
	// The snapshot is taken by this statement if it was not exported. What it
	// sees committed below the log's end that the statement then reads.
	const look = `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, pg_current_wal_insert_lsn()::text`
	result := sn.conn.ExecParams(ctx, look, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return result.Err
	}
	millis, err := strconv.ParseInt(string(result.Rows[0][0]), 10, 64)
	if err != nil {
		return fmt.Errorf("read clock: %w", err)
	}
	sn.at = time.UnixMilli(millis).UTC()
	if exported == "" && !sn.dry {
		end, err := pglogrepl.ParseLSN(string(result.Rows[0][1]))
		if err != nil {
			return fmt.Errorf("read end of log: %w", err)
		}
		sn.behind.Resumed = true
		sn.behind.High = max(sn.behind.High, place.LSN(end))
		sn.s.log.Info("snapshot resumed", "table", sn.behind.Table, "rows", sn.behind.Rows)
	}
	return nil
}

// next yields the next rows; the last batch's position is no longer Snapshot.
func (sn *snapshot) next(ctx context.Context) (connectors.Batch, error) {
	if sn.broken {
		sn.close()
		again, err := newSnapshot(ctx, sn.s, sn.behind, "", sn.dry)
		if err != nil {
			return connectors.Batch{}, err
		}
		*sn = *again
	}
	defer context.AfterFunc(ctx, sn.cancel)()
	b, at, err := sn.read(ctx)
	if err != nil {
		sn.broken = true
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return connectors.Batch{}, err
	}
	sn.behind = at
	b.After, b.State = at.Encode(), contract.StateSnapshot
	return b, nil
}

func (sn *snapshot) read(ctx context.Context) (connectors.Batch, place.Position, error) {
	var b connectors.Batch
	at := sn.behind
	bytes := 0
	for len(b.Changes)+len(b.Rejections) < sn.s.options.BatchRows && bytes < int(sn.s.options.BatchBytes) {
		if sn.reader == nil {
			if !sn.open(&at) {
				at.Snapshot, at.Table, at.Key = false, "", ""
				sn.close()
				return b, at, ctx.Err()
			}
		}
		if !sn.reader.NextRow() {
			if _, err := sn.reader.Close(); err != nil {
				return b, at, fmt.Errorf("read table %q: %w", sn.table.name(), err)
			}
			sn.reader, sn.key, at.Key = nil, nil, ""
			at.Table = sn.table.name() + "\x00" // the next name behind it
			continue
		}
		if at.Rows == math.MaxUint32 {
			return b, at, fmt.Errorf("read table %q: more than %d rows in one snapshot: %w", sn.table.name(), at.Rows, connectors.ErrConfig)
		}
		at.Rows++
		n, refused := sn.row(&b, at)
		if bytes += n; refused != "" {
			at.Missed = at.Missed.With(sn.s.cfg, sn.table.name(), refused)
		}
	}
	if sn.reader != nil && sn.key != nil {
		sealed, err := keyset.Seal(sn.s.cfg, sn.key)
		if err != nil {
			return b, at, err
		}
		at.Key = sealed
	}
	return b, at, ctx.Err()
}

// open starts reading the table that the position names, or the next one.
func (sn *snapshot) open(at *place.Position) bool {
	i, _ := slices.BinarySearch(at.Tables, at.Table)
	if i == len(at.Tables) {
		return false
	}
	name := at.Tables[i]
	key := keyset.Unseal(sn.s.cfg, at.Key)
	if name != at.Table {
		key = nil
	}
	at.Table, at.Key = name, ""
	sn.table = sn.s.tables[name]
	query, values := selectRows(sn.table.selection(), key)
	sn.reader = sn.conn.ExecParams(sn.life, query, values, nil, nil, nil)
	sn.key = key
	return true
}

// dialect is how PostgreSQL is asked.
var dialect = keyset.Dialect{
	Quote:  func(name string) string { return pgx.Identifier{name}.Sanitize() },
	Param:  func(n int) string { return "$" + strconv.Itoa(n) },
	Tuples: true,
}

// selection asks for the mapped columns of the table's rows.
func (t *table) selection() keyset.Select {
	s := keyset.Select{Table: "ONLY " + t.quoted()}
	if t.kind == "p" {
		s.Table = t.quoted()
	}
	for _, c := range t.columns {
		s.Columns = append(s.Columns, c.name)
	}
	for _, c := range t.keyColumns() {
		s.Keys = append(s.Keys, c.name)
	}
	if t.filter != "" {
		s.Where = append(s.Where, "("+t.filter+")")
	}
	return s
}

// selectRows writes a selection of the rows behind a key.
func selectRows(s keyset.Select, behind []string) (string, [][]byte) {
	query, params := dialect.Query(s, behind)
	var values [][]byte
	for _, p := range params {
		values = append(values, []byte(p))
	}
	return query, values
}

// row turns the reader's row into a change or rejections and notes its key. It returns how
// much that is, and the key of a row that was refused.
func (sn *snapshot) row(b *connectors.Batch, at place.Position) (bytes int, refused string) {
	values := sn.reader.Values()
	cells, key, bytes := sn.table.read(values)
	if key != nil {
		sn.key = key
	}
	origin := schemas.Origin{Source: sn.s.cfg.Name, Sequence: schemas.Sequence{Major: uint64(at.Start) - 1, Minor: at.Rows}, At: sn.at}
	return bytes, sn.s.take(sn.table, b, schemas.Snapshot, cells, values, nil, origin)
}

// read arranges a row that was selected by field. key is that of the table, nil where part of
// it is null: such rows stand last, and there is nothing to go on behind.
func (t *table) read(values [][]byte) (cells []connectors.Cell, key []string, bytes int) {
	cells = make([]connectors.Cell, len(t.dataset.Fields))
	bytes = 64
	for i, c := range t.columns {
		bytes += len(values[i])
		if values[i] == nil {
			cells[c.field].State = connectors.Null
			continue
		}
		cells[c.field] = connectors.Text(t.text(c, values[i]))
	}
	for _, k := range t.keyColumns() {
		i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == k.name })
		if values[i] == nil {
			return cells, nil, bytes
		}
		key = append(key, string(values[i]))
	}
	return cells, key, bytes
}

func (sn *snapshot) close() {
	sn.cancel()
	if sn.conn != nil && !sn.conn.IsClosed() {
		sn.s.disconnect(sn.conn)
	}
	sn.reader = nil
}

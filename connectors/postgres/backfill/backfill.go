// Package backfill reads rows of a PostgreSQL table again beside the source's stream.
//
// It reads rows in chunks, each in a snapshot of its own, while the log is received. The rows of
// a chunk go out once the log has been read up to where it ended when the snapshot was taken, but
// for those that a transaction has touched which the snapshot does not see: what the log says of
// these is newer. It is DBLog's window (Andreakis and Papapanagiotou 2020, arXiv:2010.12597)
// without its writes: which transactions a snapshot sees the server says itself.
//
// A row's place in the source's order is just before the log's end at the time of its chunk, so
// behind everything that its snapshot sees and before everything that it does not.
package backfill

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/keyset"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/place"
	"github.com/yiyuan-bus/yiyuan/connectors/throttle"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Table is the table of a backfill, as the source knows it.
type Table struct {
	Name    string
	Dataset *schemas.Dataset
	OID     uint32
	// Query asks for the rows behind a key, within a range.
	Query func(behind, from, to []string, limit int) (query string, params [][]byte)
	// Read makes a batch of one row: its change, or why it is refused. key is that of the
	// table, and row that of the dataset, "" if it has none.
	Read func(values [][]byte, origin schemas.Origin) (b connectors.Batch, key []string, row string, bytes int)
}

// Server is the database.
type Server struct {
	Dial  func(ctx context.Context) (*pgconn.PgConn, error)
	Close func(conn *pgconn.PgConn)
	Clean func(err error) error // without values of rows
	Log   *slog.Logger
	Rows  int // of a chunk, at the most,
	Bytes int // and about
}

// Backfill reads one order. It is for one goroutine.
type Backfill struct {
	cfg      connectors.Config
	server   Server
	order    contract.Backfill
	table    Table
	throttle *throttle.Throttle
	from, to []string
	rows     uint32 // first rows and what backfills have said, before this one and by it

	conn   *pgconn.PgConn
	behind []string // the last key that was published
	since  schemas.Sequence
	begun  bool            // it knows which transactions are open
	sent   map[uint32]bool // those that came by the log, or may have, and may not be seen by everybody yet
	chunk  *Chunk
	retry  time.Time
	why    string // it waits, as last said,
	next   string // and to be said
	done   bool
}

// Chunk is rows that were read and are not out yet.
type Chunk struct {
	High   place.LSN    // where the log ended when they were read
	At     time.Time    // and when that was
	Missed place.Missed // which of them are refused

	rows    []row
	horizon place.Horizon
	behind  []string // the last key
	last    bool     // there are no more
	touched map[string]bool
	void    bool // all of it, by a truncate
}

type row struct {
	key string // "" = it has none, and nothing is known of it anywhere
	connectors.Batch
}

// pace is how soon it looks again whether it can go on.
const pace = time.Second

// New goes on with the order of a source that stands at a place; table is nil if the source has
// it no longer. What is amiss with an order is said, and does not end the source.
func New(cfg connectors.Config, server Server, table *Table, at place.Position) *Backfill {
	order := *cfg.Backfill
	bf := &Backfill{
		cfg: cfg, server: server, order: order, sent: map[uint32]bool{},
		from: keyset.Unseal(cfg, order.From), to: keyset.Unseal(cfg, order.To),
		since: schemas.Sequence{Major: order.Since, Minor: order.Minor},
	}
	if bf.rows = at.Rows + order.Base + uint32(order.Rows); bf.rows < at.Rows || bf.rows < order.Base {
		bf.rows = math.MaxUint32
	}
	window, err := throttle.ParseWindow(order.Window)
	bf.throttle = throttle.New(window, order.Rate)
	var left struct {
		Behind string `json:"behind"`
	}
	if json.Unmarshal([]byte(order.Place), &left) == nil {
		bf.behind = keyset.Unseal(cfg, left.Behind)
	}
	switch {
	case err != nil:
		bf.stuck("时间段读不懂", "its window cannot be read")
	case table == nil || table.Dataset.ID != order.Dataset:
		bf.stuck("数据源已没有这张表", "the source no longer has this table")
	case order.From != "" && bf.from == nil || order.To != "" && bf.to == nil:
		bf.stuck("密钥换过，范围读不出了", "the keys have changed, and its range cannot be read")
	}
	if table != nil {
		bf.table = *table
	}
	return bf
}

// stuck says why it can never go on.
func (bf *Backfill) stuck(zh, en string) {
	bf.next = fmt.Sprintf("%s，请取消：yiyuan source resync %s --backfill %d --cancel / %s: cancel it: yiyuan source resync %[2]s --backfill %[3]d --cancel", zh, bf.cfg.Name, bf.order.ID, en)
	bf.retry = time.Now().Add(math.MaxInt64)
}

// Step reads the next chunk where it is time for one. What fails is tried again, and the log is
// read meanwhile.
func (bf *Backfill) Step(ctx context.Context) error {
	now := time.Now()
	if bf.done || bf.chunk != nil || now.Before(bf.retry) {
		return nil
	}
	wait, why := bf.throttle.Wait(now)
	if wait > 0 {
		if bf.next = why; why != "" { // for long: it begins as if it were opened then
			bf.begun, bf.sent = false, map[uint32]bool{}
		}
		bf.retry = now.Add(min(wait, pace))
		return nil
	}
	err := bf.read(ctx)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	bf.Close()
	bf.retry = now.Add(5 * pace)
	err = bf.server.Clean(err)
	zh, en := problem.Halves(err.Error())
	bf.next = fmt.Sprintf("读不了：%s，稍后再试 / cannot be read: %s; tried again", zh, en)
	bf.server.Log.Warn("backfill cannot read", "backfill", bf.order.ID, "table", bf.order.Table, "error", err)
	return nil
}

// read reads a chunk in a snapshot of its own, unless that does not see all it must.
func (bf *Backfill) read(ctx context.Context) error {
	if bf.conn == nil || bf.conn.IsClosed() {
		var err error
		if bf.conn, err = bf.server.Dial(ctx); err != nil {
			return err
		}
	}
	if !bf.begun {
		if err := bf.begin(ctx); err != nil {
			return err
		}
	}
	if err := bf.conn.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").Close(); err != nil {
		return err
	}
	before := bf.rows
	c, err := bf.look(ctx)
	if err == nil && c != nil {
		err = bf.fill(ctx, c)
	}
	if err != nil {
		bf.rows = before
		return err
	}
	bf.chunk = c
	return bf.conn.Exec(ctx, "COMMIT").Close()
}

// begin notes about how many rows there are, and which transactions of this database are open. What
// an earlier life has received it does not know, and a transaction holds the lock on its number until
// everybody sees what it did.
func (bf *Backfill) begin(ctx context.Context) error {
	const query = `SELECT l.transactionid FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid LEFT JOIN pg_prepared_xacts p ON p.transaction = l.transactionid
		WHERE l.locktype = 'transactionid' AND l.granted AND coalesce(a.datname, p.database, current_database()) = current_database()`
	result := bf.conn.ExecParams(ctx, query, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return result.Err
	}
	for _, told := range result.Rows {
		xid, err := strconv.ParseUint(string(told[0]), 10, 32)
		if err != nil {
			return fmt.Errorf("read open transactions: %w", err)
		}
		bf.sent[uint32(xid)] = true
	}
	bf.begun = true
	if bf.from != nil || bf.to != nil {
		return nil
	}
	const count = `SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_class c WHERE c.oid = $1::oid OR c.oid IN (SELECT relid FROM pg_partition_tree($1::oid) WHERE isleaf)`
	result = bf.conn.ExecParams(ctx, count, [][]byte{[]byte(strconv.FormatUint(uint64(bf.table.OID), 10))}, nil, nil, nil).Read()
	if result.Err != nil {
		return result.Err
	}
	var err error
	if bf.order.About, err = strconv.ParseInt(string(result.Rows[0][0]), 10, 64); err != nil {
		return fmt.Errorf("read how many rows there are: %w", err)
	}
	return nil
}

// look begins a chunk; nil: its snapshot misses a transaction that the log has brought already,
// so its rows could be older than what is published.
func (bf *Backfill) look(ctx context.Context) (*Chunk, error) {
	const query = `SELECT txid_current_snapshot()::text, pg_current_wal_insert_lsn()::text, (extract(epoch FROM clock_timestamp()) * 1000)::bigint`
	result := bf.conn.ExecParams(ctx, query, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, result.Err
	}
	told := result.Rows[0]
	horizon, err := place.ParseHorizon(string(told[0]))
	if err != nil {
		return nil, err
	}
	end, err := pglogrepl.ParseLSN(string(told[1]))
	if err != nil {
		return nil, fmt.Errorf("read end of log: %w", err)
	}
	millis, err := strconv.ParseInt(string(told[2]), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read clock: %w", err)
	}
	c := &Chunk{horizon: horizon, High: place.Read(place.LSN(end)), At: time.UnixMilli(millis).UTC(), touched: map[string]bool{}}
	if bf.since.Major == 0 {
		bf.since = schemas.Sequence{Major: uint64(c.High) - 1, Minor: bf.rows + 1}
	}
	unseen := 0
	for xid := range bf.sent {
		if horizon.Sees(xid) {
			delete(bf.sent, xid)
		} else {
			unseen++
		}
	}
	if unseen > 0 {
		bf.retry, bf.next = time.Now().Add(pace/5), "等待早先开始的事务结束 / waits for transactions that began earlier"
		return nil, nil //nolint:nilnil // no chunk yet is an answer
	}
	bf.next = ""
	return c, nil
}

// fill reads the rows of a chunk.
func (bf *Backfill) fill(ctx context.Context, c *Chunk) error {
	limit := bf.throttle.Most(bf.server.Rows)
	query, params := bf.table.Query(bf.behind, bf.from, bf.to, limit)
	reader := bf.conn.ExecParams(ctx, query, params, nil, nil, nil)
	bytes := 0
	for reader.NextRow() {
		if bytes > bf.server.Bytes { // the rest is read with the next
			continue
		}
		if bf.rows == math.MaxUint32 {
			return fmt.Errorf("行数过多，请整个重读 / too many rows: read the source again: %s", contract.ResyncCommand(bf.cfg.Name))
		}
		bf.rows++
		origin := schemas.Origin{Source: bf.cfg.Name, Sequence: schemas.Sequence{Major: uint64(c.High) - 1, Minor: bf.rows}, At: c.At}
		b, key, name, n := bf.table.Read(reader.Values(), origin)
		if bytes += n; len(b.Refused) > 0 {
			c.Missed = c.Missed.With(bf.cfg, bf.table.Name, name)
		}
		c.rows, c.behind = append(c.rows, row{name, b}), key
	}
	tag, err := reader.Close()
	if err != nil {
		return err
	}
	c.last = int(tag.RowsAffected()) < limit && len(c.rows) == int(tag.RowsAffected())
	bf.throttle.Took(len(c.rows), time.Now())
	return nil
}

// Heed notes what the log says, and adds to a batch, which stands at a place, the rows of a chunk
// that the log has come up to, and what is to be said of the backfill.
func (bf *Backfill) Heed(b *connectors.Batch, at place.LSN) error {
	for i := range b.Changes {
		c := &b.Changes[i]
		if c.Dataset == bf.table.Dataset {
			bf.touch(c.Origin, c.Key, c.Op == schemas.Truncate)
		}
	}
	for i := range b.Refused {
		if r := &b.Refused[i]; r.Dataset == bf.table.Dataset {
			bf.touch(r.Origin, r.Key, false)
		}
	}
	said := connectors.Backfilled{ID: bf.order.ID, Why: bf.next}
	news := bf.next != bf.why
	if c := bf.chunk; c != nil && at >= c.High {
		bf.chunk = nil
		if c.void { // read again
			bf.rows -= uint32(len(c.rows))
		} else {
			bf.out(b, c)
			bf.done = c.last
			if len(c.rows) > 0 {
				bf.behind = c.behind
			}
			said.Rows, said.Done, news = int64(len(c.rows)), c.last, true
		}
	}
	if !news {
		return nil
	}
	bf.why = bf.next
	behind, err := keyset.Seal(bf.cfg, bf.behind)
	if err != nil {
		return err
	}
	left, err := json.Marshal(map[string]string{"behind": behind})
	if err != nil {
		panic(err) // text always marshals
	}
	said.Since, said.About, said.Place = bf.since, bf.order.About, string(left)
	b.Backfill = &said
	return nil
}

// touch notes that a transaction of the log has changed a row, or emptied the table.
func (bf *Backfill) touch(origin schemas.Origin, key string, all bool) {
	xid, err := strconv.ParseUint(origin.Tx, 10, 32)
	if err != nil || !bf.begun {
		return
	}
	bf.sent[uint32(xid)] = true
	if c := bf.chunk; c != nil && !c.horizon.Sees(uint32(xid)) {
		c.touched[key] = true
		c.void = c.void || all
	}
}

// out adds the rows of a chunk to a batch.
func (bf *Backfill) out(b *connectors.Batch, c *Chunk) {
	for i := range c.rows {
		if r := &c.rows[i]; r.key == "" || !c.touched[r.key] {
			b.Changes = append(b.Changes, r.Changes...)
			b.Rejections = append(b.Rejections, r.Rejections...)
			b.Refused = append(b.Refused, r.Refused...)
		}
	}
}

// Chunk is what waits for the log, nil if nothing does.
func (bf *Backfill) Chunk() *Chunk { return bf.chunk }

// Close ends its connection.
func (bf *Backfill) Close() {
	if bf.conn != nil && !bf.conn.IsClosed() {
		bf.server.Close(bf.conn)
	}
	bf.conn = nil
}

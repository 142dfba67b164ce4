package postgres

import (
	"context"
	"errors"
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
	"github.com/yiyuan-bus/yiyuan/connectors/cdc"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/place"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// relation is a table as the log describes it at the moment.
type relation struct {
	table   *table // nil: not mapped
	blind   bool   // deletes and changes of key do not name their row
	columns []int  // of the relation -> of table.columns, -1 if not mapped
}

// decoder turns pgoutput messages into changes. Only the receiver uses it.
type decoder struct {
	*server
	life      context.Context //nolint:containedctx // of the receiver
	out       *cdc.Log[place.Position]
	from      place.Position // what is published already
	proof     place.Proof
	relations map[uint32]relation

	inside bool // between begin and commit
	commit place.LSN
	at     time.Time
	number uint32
	xid    string
	index  uint32 // of the next event in the transaction
	skip   uint32 // events before this one are published
}

// newDecoder begins behind from; the server sends from heard on.
func newDecoder(life context.Context, s *server, out *cdc.Log[place.Position], from place.Position, heard place.LSN) *decoder {
	return &decoder{server: s, life: life, out: out, from: from, proof: place.NewProof(from, heard), relations: map[uint32]relation{}}
}

func (d *decoder) message(data []byte) error {
	m, err := pglogrepl.Parse(data)
	if err != nil {
		return fmt.Errorf("decode log message: malformed message of type %q", data[:min(1, len(data))])
	}
	switch m := m.(type) {
	case *pglogrepl.RelationMessage:
		return d.relation(m)
	case *pglogrepl.BeginMessage:
		return d.begin(m)
	case *pglogrepl.CommitMessage:
		d.inside = false
		at := d.position(d.index)
		at.Index, at.Whole, at.Flush = 0, true, place.LSN(m.TransactionEndLSN)
		d.out.Commit(at, uint64(at.Flush))
	case *pglogrepl.InsertMessage:
		return d.event(m.RelationID, len(data), func(t *table, r relation, out *cdc.Part) error { return d.insert(t, r, m, out) })
	case *pglogrepl.UpdateMessage:
		return d.event(m.RelationID, len(data), func(t *table, r relation, out *cdc.Part) error { return d.update(t, r, m, out) })
	case *pglogrepl.DeleteMessage:
		return d.event(m.RelationID, len(data), func(t *table, r relation, out *cdc.Part) error { return d.remove(t, r, m, out) })
	case *pglogrepl.TruncateMessage:
		for _, id := range m.RelationIDs {
			err := d.event(id, len(data), func(t *table, _ relation, out *cdc.Part) error {
				out.Changes = append(out.Changes, schemas.Change{Dataset: t.dataset, Op: schemas.Truncate, Origin: d.origin(0)})
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *decoder) begin(m *pglogrepl.BeginMessage) error {
	d.inside = true
	d.commit, d.at, d.number, d.xid = place.LSN(m.FinalLSN), m.CommitTime.UTC(), m.Xid, strconv.FormatUint(uint64(m.Xid), 10)
	if !d.proof.Transaction(d.commit, m.Xid, d.at.UnixMicro()) {
		return d.another()
	}
	d.index, d.skip = 0, 0
	switch {
	case d.commit < d.from.Commit || d.commit == d.from.Commit && d.from.Whole:
		d.skip = math.MaxUint32
	case d.commit == d.from.Commit:
		d.skip = d.from.Index
	}
	return nil
}

// position is the one after so many events of the current transaction.
func (d *decoder) position(events uint32) place.Position {
	at := d.from
	at.Commit, at.Index, at.Whole, at.XID, at.At = d.commit, events, false, d.number, d.at.UnixMicro()
	return at
}

// origin names the current event; a change of key is two changes.
func (d *decoder) origin(second uint32) schemas.Origin {
	minor := 2*d.index + second
	return schemas.Origin{
		Source: d.cfg.Name, Sequence: schemas.Sequence{Major: uint64(d.commit), Minor: minor},
		At: d.at, Tx: d.xid, TxIndex: int(minor),
	}
}

// event decodes one row change unless it is published or of no mapped table.
func (d *decoder) event(id uint32, bytes int, decode func(*table, relation, *cdc.Part) error) error {
	if d.index >= math.MaxUint32/2 {
		return fmt.Errorf("decode transaction %s: more than %d events: %w", d.xid, d.index, connectors.ErrConfig)
	}
	r, known := d.relations[id]
	if !known {
		return fmt.Errorf("decode transaction %s: the log names a table it has not described", d.xid)
	}
	if d.index >= d.skip && r.table != nil {
		out := cdc.Part{Bytes: 2*bytes + 128}
		if err := decode(r.table, r, &out); err != nil {
			return err
		}
		d.emit(out, d.position(d.index+1))
	}
	d.index++
	return nil
}

// relation notes how a table looks from here on. A table is known by its oid: its
// name may have changed for a while, and another may bear it. One that lost a
// mapped column holds the stream: its rows would go out incomplete.
func (d *decoder) relation(m *pglogrepl.RelationMessage) error {
	t := d.byOID[m.RelationID]
	if other := d.tables[m.Namespace+"."+m.RelationName]; t == nil && other != nil && other.oid != 0 {
		return d.lost(fmt.Sprintf("表 %q 被换成另一张同名的表", other.name()), fmt.Sprintf("table %q was replaced by another of that name", other.name()))
	}
	r := relation{table: t}
	if t != nil {
		found := make([]bool, len(t.columns))
		for _, c := range m.Columns {
			at, name := -1, c.Name
			if now, ok := t.renamed[name]; ok {
				name = now
			}
			for i := range t.columns {
				if t.columns[i].name == name {
					at = i
					found[i] = true
					r.blind = r.blind || t.columns[i].key && c.Flags&1 == 0
					if err := d.retype(&t.columns[i], c.DataType); err != nil {
						return err
					}
				}
			}
			r.columns = append(r.columns, at)
		}
		if lost := slices.Index(found, false); lost >= 0 {
			return fmt.Errorf("表 %q 的列 %q 被删除或改名，数据源停在日志的这个位置，什么也没有丢；把新列映射好(旧名写进 renamed)再启动 / decode table %q: its mapped column %q was dropped or renamed; the source is held at this point of the log and loses nothing: map the new column (and list the former name in renamed), then start it again: %w: %w",
				t.name(), t.columns[lost].name, t.name(), t.columns[lost].name, errHeld, connectors.ErrConfig)
		}
	}
	d.relations[m.RelationID] = r
	return nil
}

// retype looks a column's type up again after ALTER TABLE changed it.
func (d *decoder) retype(c *column, oid uint32) error {
	if c.oid == oid {
		return nil
	}
	ctx, cancel := context.WithTimeout(d.life, 10*time.Second)
	defer cancel()
	return d.ask(func(sql *pgx.Conn) error {
		base := oid
		for {
			var kind string
			var of uint32
			if err := sql.QueryRow(ctx, "SELECT typtype::text, typbasetype FROM pg_type WHERE oid = $1", base).Scan(&kind, &of); err != nil {
				return fmt.Errorf("look up type of column %q: %w", c.name, err)
			}
			if kind != "d" {
				break
			}
			base = of
		}
		c.oid, c.base = oid, base
		return nil
	})
}

// cells arranges a tuple by field. Rows of the key only leave the rest absent.
func (d *decoder) cells(t *table, r relation, tuple *pglogrepl.TupleData) ([]connectors.Cell, [][]byte) {
	cells := make([]connectors.Cell, len(t.dataset.Fields))
	raw := make([][]byte, len(t.columns))
	for i, v := range tuple.Columns {
		if i >= len(r.columns) || r.columns[i] < 0 {
			continue
		}
		c := t.columns[r.columns[i]]
		switch v.DataType {
		case pglogrepl.TupleDataTypeNull:
			cells[c.field].State = connectors.Null
		case pglogrepl.TupleDataTypeToast:
			cells[c.field].State = connectors.NotSent
		default:
			raw[r.columns[i]] = v.Data
			cells[c.field] = connectors.Text(t.text(c, v.Data))
		}
	}
	return cells, raw
}

func (d *decoder) insert(t *table, r relation, m *pglogrepl.InsertMessage, out *cdc.Part) error {
	cells, raw := d.cells(t, r, m.Tuple)
	d.row(t, cells, raw, nil, schemas.Create, 0, out)
	return nil
}

// row takes the row as it is now; was is how it was, nil if that is not known or another key.
func (d *decoder) row(t *table, cells []connectors.Cell, raw, was [][]byte, op schemas.Op, second uint32, out *cdc.Part) {
	if refused := d.take(t, &out.Batch, op, cells, raw, was, d.origin(second)); refused != "" {
		d.from.Missed = d.from.Missed.With(d.cfg, t.name(), refused)
	}
}

// nameless is the error of an update or delete that does not say which row it was.
func (d *decoder) nameless(t *table) error {
	return d.lost(fmt.Sprintf("表 %q 的复制标识（REPLICA IDENTITY）一度不含主键列，其间的删除与改键没有写明是哪一行", t.name()),
		fmt.Sprintf("the replica identity of table %q did not hold its key for a while, deletes and changes of key then do not name their row", t.name()))
}

func (d *decoder) update(t *table, r relation, m *pglogrepl.UpdateMessage, out *cdc.Part) error {
	if r.blind {
		return d.nameless(t)
	}
	cells, raw := d.cells(t, r, m.NewTuple)
	if m.OldTuple == nil {
		if d.unknown(t, cells) {
			if err := d.complete(t, cells, raw); err != nil {
				return err
			}
		}
		d.row(t, cells, raw, nil, schemas.Update, 0, out)
		return nil
	}
	old, oldRaw := d.cells(t, r, m.OldTuple)
	for i := range cells {
		if cells[i].State == connectors.NotSent && old[i].State == connectors.Given {
			cells[i] = old[i] // the old image has it: identity FULL, or a long key
		}
	}
	for i := range raw {
		if raw[i] == nil {
			raw[i] = oldRaw[i]
		}
	}
	oldKey, oldBad := connectors.RowKey(t.dataset, old)
	newKey, newBad := connectors.RowKey(t.dataset, cells)
	switch {
	case len(oldBad) > 0: // it was never published
		if err := d.complete(t, cells, raw); err != nil {
			return err
		}
		d.row(t, cells, raw, nil, schemas.Update, 0, out)
		return nil
	case len(newBad) == 0 && oldKey == newKey:
		d.row(t, cells, raw, oldRaw, schemas.Update, 0, out)
		return nil
	}
	out.Changes = append(out.Changes, schemas.Change{Dataset: t.dataset, Key: oldKey, Op: schemas.Delete, Origin: d.origin(0), Spelling: t.spelling(oldKey, oldRaw, nil)})
	if err := d.complete(t, cells, raw); err != nil {
		return err
	}
	d.row(t, cells, raw, nil, schemas.Create, 1, out)
	return nil
}

func (d *decoder) remove(t *table, r relation, m *pglogrepl.DeleteMessage, out *cdc.Part) error {
	if r.blind {
		return d.nameless(t)
	}
	cells, raw := d.cells(t, r, m.OldTuple)
	key, problems := connectors.RowKey(t.dataset, cells)
	if len(problems) > 0 {
		out.Reject(d.cfg, connectors.Arrival{Dataset: t.dataset, Origin: d.origin(0), Where: t.where(d.origin(0)), Raw: raw}, problems...)
	} else {
		out.Changes = append(out.Changes, schemas.Change{Dataset: t.dataset, Key: key, Op: schemas.Delete, Origin: d.origin(0), Spelling: t.spelling(key, raw, nil)})
	}
	return nil
}

// unknown says whether the log leaves out of a row what nobody on the bus may have, because
// its version before was refused.
func (d *decoder) unknown(t *table, cells []connectors.Cell) bool {
	also := d.also()
	if len(d.from.Missed)+len(also) == 0 || !slices.ContainsFunc(cells, func(c connectors.Cell) bool { return c.State == connectors.NotSent }) {
		return false
	}
	key, bad := connectors.RowKey(t.dataset, cells)
	return len(bad) == 0 && (d.from.Missed.Has(d.cfg, t.name(), key) || also.Has(d.cfg, t.name(), key))
}

// complete looks up what the log did not send of a row of which no image exists from
// which it could be filled: it got a new key, or its last version was refused. The table may be
// ahead of the log by now; then the log brings that later image too, or the
// row's delete, and the last event decides.
func (d *decoder) complete(t *table, cells []connectors.Cell, raw [][]byte) error {
	var missing []int
	for i, c := range t.columns {
		if cells[c.field].State == connectors.NotSent {
			missing = append(missing, i)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var columns, where []string
	var values [][]byte
	for _, i := range missing {
		columns = append(columns, pgx.Identifier{t.columns[i].name}.Sanitize())
	}
	for i, c := range t.columns {
		if c.key {
			if raw[i] == nil {
				return nil // no key, no row: the row is rejected anyway
			}
			values = append(values, raw[i])
			where = append(where, pgx.Identifier{c.name}.Sanitize()+" = $"+strconv.Itoa(len(values)))
		}
	}
	ctx, cancel := context.WithTimeout(d.life, 10*time.Second)
	defer cancel()
	query := "SELECT " + strings.Join(columns, ", ") + " FROM " + t.quoted() + " WHERE " + strings.Join(where, " AND ") + " LIMIT 1"
	var result *pgconn.Result
	err := d.ask(func(sql *pgx.Conn) error {
		result = sql.PgConn().ExecParams(ctx, query, values, nil, nil, nil).Read()
		return result.Err
	})
	if p, ok := errors.AsType[*pgconn.PgError](err); ok && p.Code == "42501" {
		return nil // without the right to read the table: route refuses the row and says why
	}
	if err != nil {
		return fmt.Errorf("look up row of table %q: %w", t.name(), err)
	}
	if len(result.Rows) == 0 {
		return nil // gone already: the log brings its end
	}
	for n, i := range missing {
		c := t.columns[i]
		if v := result.Rows[0][n]; v == nil {
			cells[c.field].State = connectors.Null
		} else {
			raw[i] = v
			cells[c.field] = connectors.Text(t.text(c, v))
		}
	}
	return nil
}

var errHeld = errors.New("schema held")

// emit adds events of the transaction that is being received. It is not whole: the server
// must be ready to send it again.
func (d *decoder) emit(p cdc.Part, at place.Position) {
	d.out.Emit(p, func(whole place.Position) place.Position {
		at.Flush = whole.Flush
		return at
	})
}

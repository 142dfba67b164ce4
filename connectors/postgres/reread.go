package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/keyset"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/backfill"
	"github.com/yiyuan-bus/yiyuan/connectors/standing"
	"github.com/yiyuan-bus/yiyuan/connectors/throttle"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// chunkFactor is how many batches' worth of rows a chunk of a backfill holds: each waits for
// the log once.
const chunkFactor = 4

// forBackfill is the database as a backfill uses it.
func (s *setting) forBackfill() backfill.Server {
	return backfill.Server{
		Dial:  func(ctx context.Context) (*pgconn.PgConn, error) { return s.dial(ctx, false) },
		Close: s.disconnect, Clean: clean, Log: s.log,
		Rows: chunkFactor * s.options.BatchRows, Bytes: chunkFactor * int(s.options.BatchBytes),
	}
}

// table is a table as a backfill uses it, nil if the source has none of that name.
func (s *setting) table(name string) *backfill.Table {
	t := s.tables[name]
	if t == nil {
		return nil
	}
	return &backfill.Table{
		Name: name, Dataset: t.dataset, OID: t.oid,
		Query: func(behind, from, to []string, limit int) (string, [][]byte) {
			sel := t.selection()
			sel.From, sel.To, sel.Limit = from, to, limit
			for _, k := range sel.Keys {
				sel.Where = append(sel.Where, dialect.Quote(k)+" IS NOT NULL") // without a key it was refused, and is nobody's
			}
			return selectRows(sel, behind)
		},
		Read: func(values [][]byte, origin schemas.Origin) (b connectors.Batch, key []string, row string, bytes int) {
			cells, key, bytes := t.read(values)
			if row = s.take(t, &b, schemas.Snapshot, cells, values, nil, origin); row == "" && len(b.Changes) > 0 {
				row = b.Changes[0].Key
			}
			return b, key, row, bytes
		},
	}
}

// order makes an order of what a person asks to read again, see connectors.Backfilling. Keys
// of a range stand in it sealed, since it travels in a topic that holds no personal values.
func order(cfg connectors.Config, ask connectors.Ask) (contract.Backfill, error) {
	var none contract.Backfill
	o, err := read(cfg)
	if err != nil {
		return none, err
	}
	tables, err := newTables(cfg, o)
	if err != nil {
		return none, err
	}
	name := ask.Table
	if !strings.Contains(name, ".") {
		name = "public." + name
	}
	t := tables[name]
	if t == nil {
		return none, fmt.Errorf("数据源没有这张表：%[1]s / the source has no table %[1]q: %[2]w", ask.Table, connectors.ErrConfig)
	}
	if _, err := throttle.ParseWindow(ask.Window); err != nil {
		return none, fmt.Errorf("时间段 / window: %w: %w", err, connectors.ErrConfig)
	}
	if ask.Rate < 0 {
		return none, fmt.Errorf("每秒行数不能为负 / rate: it must not be negative: %w", connectors.ErrConfig)
	}
	out := contract.Backfill{Dataset: t.dataset.ID, Table: t.name(), Window: ask.Window, Rate: ask.Rate}
	for _, end := range []struct {
		key  []string
		into *string
	}{{ask.From, &out.From}, {ask.To, &out.To}} {
		if len(end.key) == 0 {
			continue
		}
		if n := len(t.dataset.KeyIndex); len(end.key) != n {
			return none, fmt.Errorf("主键由 %[1]d 列组成（%[2]s），这里写了 %[3]d 个值 / the key is of %[1]d columns (%[2]s), here are %[3]d values: %[4]w",
				n, strings.Join(t.dataset.Key, ", "), len(end.key), connectors.ErrConfig)
		}
		if *end.into, err = keyset.Seal(cfg, end.key); err != nil {
			return none, err
		}
		if *end.into == "" {
			return none, fmt.Errorf("没有密钥环，范围无法保密地记下 / without a key ring a range cannot be kept secret: %w", connectors.ErrConfig)
		}
	}
	return out, nil
}

// within says which rows that did not come again lie in the range of an order, as the server
// sorts keys, and are not in the table. One of which that cannot be told is not taken for gone.
func within(ctx context.Context, cfg connectors.Config, bf contract.Backfill, rows []standing.Name) ([]bool, error) {
	s, err := reach(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer s.close()
	from, to := keyset.Unseal(cfg, bf.From), keyset.Unseal(cfg, bf.To)
	t := s.tables[bf.Table]
	out := make([]bool, len(rows))
	if t == nil || bf.From != "" && from == nil || bf.To != "" && to == nil {
		return out, nil
	}
	if err := (&checks{server: s}).checkTable(ctx, t); err != nil {
		return nil, clean(err)
	}
	query := rangeQuery(t, from != nil, to != nil)
	for i, row := range rows {
		name := row.Key
		if len(row.Own) > 0 {
			name = string(row.Own)
		}
		parts, err := schemas.SplitKey(name)
		if err != nil || len(parts) != len(t.dataset.KeyIndex) {
			continue
		}
		var params [][]byte
		for _, key := range [][]string{parts, from, to} {
			for _, part := range key {
				params = append(params, []byte(part))
			}
		}
		result := s.sql.PgConn().ExecParams(ctx, query, params, nil, nil, nil).Read()
		if p, ok := errors.AsType[*pgconn.PgError](result.Err); ok && strings.HasPrefix(p.Code, "22") {
			continue // no value of the key's type
		}
		if result.Err != nil {
			return nil, clean(result.Err)
		}
		out[i] = len(result.Rows) == 1
	}
	return out, nil
}

// rangeQuery yields a row for a key, its first parameters, that lies between the keys that
// follow and is not in the table. What it is of, and how it is sorted, it has of the columns.
func rangeQuery(t *table, from, to bool) string {
	s := t.selection()
	keys := make([]string, len(s.Keys))
	for i, k := range s.Keys {
		keys[i] = dialect.Quote(k)
	}
	n, list := 0, strings.Join(keys, ", ")
	next := func() string {
		var marks []string
		for range keys {
			n++
			marks = append(marks, "$"+strconv.Itoa(n))
		}
		return strings.Join(marks, ", ")
	}
	query := "SELECT 1 FROM (SELECT " + list + " FROM " + s.Table + " WHERE false UNION ALL SELECT " + next() + ") AS x WHERE NOT EXISTS (SELECT FROM " + s.Table + " WHERE (" + list + ") = (x." + strings.Join(keys, ", x.") + "))"
	if from {
		query += " AND (" + list + ") >= (" + next() + ")"
	}
	if to {
		query += " AND (" + list + ") <= (" + next() + ")"
	}
	return query
}

package tables

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/yiyuan-bus/yiyuan/connectors/probe"
)

// columnsQuery follows a domain down to what it is made of; the innermost length holds, and
// NOT NULL wherever it stands.
const columnsQuery = `WITH RECURSIVE base(num, typ, kind, below, mod, filled) AS (
	SELECT a.attnum, t.oid, t.typtype, t.typbasetype, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, a.attnotnull OR t.typnotnull
		FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
	UNION ALL SELECT b.num, t.oid, t.typtype, t.typbasetype, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE b.mod END, b.filled OR t.typnotnull
		FROM base b JOIN pg_type t ON t.oid = b.below WHERE b.kind = 'd')
	SELECT a.attname::text, coalesce(col_description(a.attrelid, a.attnum), ''), format_type(a.atttypid, a.atttypmod), CASE WHEN d.typtype = 'd' THEN d.typname::text ELSE '' END,
		b.typ, b.kind::text, (SELECT typcategory::text FROM pg_type WHERE oid = b.typ), b.mod, b.filled, a.attgenerated <> '', has_column_privilege(a.attrelid, a.attnum, 'SELECT')
	FROM pg_attribute a JOIN pg_type d ON d.oid = a.atttypid JOIN base b ON b.num = a.attnum AND b.kind <> 'd' WHERE a.attrelid = $1 ORDER BY a.attnum`

func (l *looker) columns(ctx context.Context, r *relation) error {
	rows, err := l.sql.Query(ctx, columnsQuery, r.oid)
	if err != nil {
		return fmt.Errorf("read columns: %w", told(err))
	}
	r.Columns, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c probe.Column, err error) {
		var base uint32
		var kind, category string
		var mod int32
		var filled, generated, readable bool
		err = row.Scan(&c.Name, &c.Comment, &c.Type, &c.Domain, &base, &kind, &category, &mod, &filled, &generated, &readable)
		c.Nullable = !filled
		shape(&c, base, kind, category, mod)
		switch {
		case generated:
			c.Left = probe.Said{Chinese: "由其他列算出（GENERATED），数据库不把它写进变更日志；要它，请部门改为普通列", English: "it is generated from others and not in the log of changes; to have it the department makes it a plain column"}
		case !readable:
			c.Left = probe.Said{Chinese: "角色没有读这一列的权限；要它，请数据库管理员 GRANT SELECT", English: "the role may not read the column; to have it have a DBA GRANT SELECT"}
		case c.Shape == probe.Other:
			c.Left = probe.Said{Chinese: "这种类型（二进制、数组、文档等）不是一个数据项，不进总线；要其中的一项，请部门另设一列", English: "a type (bytes, arrays, documents and the like) that is no data item and does not go onto the bus; for one item in it the department adds a column"}
		}
		return c, err
	})
	if err != nil {
		return fmt.Errorf("read columns: %w", told(err))
	}
	return nil
}

// shape says what a column holds by its type, and within which bounds.
func shape(c *probe.Column, base uint32, kind, category string, mod int32) {
	if kind == "e" || kind == "b" && category == "S" { // an enumeration is written as its word; citext is a text
		c.Shape = probe.Text
	}
	if kind != "b" {
		return
	}
	switch base {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID, pgtype.UUIDOID, pgtype.InetOID, pgtype.CIDROID, pgtype.MacaddrOID:
		c.Shape = probe.Text
		if mod > 4 && (base == pgtype.VarcharOID || base == pgtype.BPCharOID) {
			c.Length = int(mod) - 4
		}
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		c.Shape = probe.Whole
	case pgtype.NumericOID:
		if c.Shape = probe.Number; mod > 4 {
			c.Precision, c.Scale = int(mod-4)>>16, int(mod-4)&0x7ff
			if c.Scale > 1000 { // PostgreSQL 15 and later know scales below zero
				c.Scale = 0
			}
		}
	case pgtype.Float4OID, pgtype.Float8OID, money:
		c.Shape = probe.Number
	case pgtype.DateOID:
		c.Shape = probe.Day
	case pgtype.TimestampOID, pgtype.TimestamptzOID:
		c.Shape = probe.Moment
	case pgtype.BoolOID:
		c.Shape = probe.Truth
	case pgtype.TimeOID, pgtype.TimetzOID, pgtype.IntervalOID:
		c.Shape = probe.Text
	}
}

// money is the type's oid, for which pgtype has no name.
const money = 790

// sample counts what the values of a bounded number of rows are. That it took too long is
// no fault of the table: it is guessed by names alone then.
func (l *looker) sample(ctx context.Context, r *relation) error {
	if l.Sample <= 0 {
		r.Unsampled = probe.Said{Chinese: "没有看内容（--sample 0）", English: "its content was not looked at (--sample 0)"}
		return nil
	}
	if len(r.Key) == 0 {
		return nil // it is refused
	}
	part := ""
	if r.Rows > int64(20*l.Sample) {
		part = fmt.Sprintf(" TABLESAMPLE SYSTEM (%.6f)", min(100, 400*float64(l.Sample)/float64(r.Rows)))
	}
	n, err := l.count(ctx, r, part)
	if err == nil && part != "" && n < l.Sample/10 { // the estimate was old
		n, err = l.count(ctx, r, "")
	}
	if err != nil {
		if ctx.Err() != nil || l.sql.IsClosed() {
			return told(err)
		}
		for i := range r.Columns {
			r.Columns[i].Values = nil
		}
		zh, en, _ := strings.Cut(told(err).Error(), " / ")
		r.Unsampled = probe.Said{Chinese: "样本没有取到：" + zh, English: "no sample could be taken: " + en}
		return nil
	}
	if r.Sampled = n; n == 0 {
		r.Unsampled = probe.Said{Chinese: "表是空的", English: "the table is empty"}
	}
	return nil
}

// widest is how many columns are looked at: the server returns no row that is much wider.
const widest = 800

// count reads the sample once and returns how many rows it had.
func (l *looker) count(ctx context.Context, r *relation, part string) (n int, err error) {
	var exprs []string
	var into []any
	type cell struct {
		column *probe.Column
		text   *string
		size   *int
	}
	var cells []*cell
	for i := range r.Columns {
		c := &r.Columns[i]
		c.Values = nil
		if c.Left.Chinese != "" || len(cells) == widest {
			continue
		}
		c.Values = l.tests.New()
		name := pgx.Identifier{c.Name}.Sanitize()
		one := &cell{column: c}
		cells = append(cells, one)
		exprs = append(exprs, fmt.Sprintf("left(%s::text, %d)", name, probe.Looked), "octet_length("+name+"::text)")
		into = append(into, &one.text, &one.size)
	}
	if len(cells) == 0 {
		return 0, nil
	}
	rows, err := l.sql.Query(ctx, "SELECT "+strings.Join(exprs, ", ")+" FROM "+pgx.Identifier{r.Schema, r.Name}.Sanitize()+part+fmt.Sprintf(" LIMIT %d", l.Sample))
	if err != nil {
		return 0, err
	}
	_, err = pgx.ForEachRow(rows, into, func() error {
		n++
		for _, one := range cells {
			if one.text != nil && one.size != nil {
				one.column.Values.Add(*one.text, *one.size)
			}
		}
		return nil
	})
	return n, err
}

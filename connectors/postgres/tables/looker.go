package tables

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors/postgres/dsn"
	"github.com/yiyuan-bus/yiyuan/connectors/probe"
)

// looker asks one database.
type looker struct {
	sql   *pgx.Conn
	tests *probe.Tests
	probe.Request
	role  string
	super bool
	made  bool // a publication can be made by the role, as far as the database is concerned
}

// connect opens the one connection, which cannot write.
func (l *looker) connect(ctx context.Context) error {
	c, err := dsn.Read(l.DSN)
	if err != nil {
		return err
	}
	config, err := pgx.ParseConfig("")
	if err != nil {
		return fmt.Errorf("prepare connection: %w", err)
	}
	within := strconv.FormatInt(max(l.Timeout.Milliseconds(), 1), 10)
	for name, value := range map[string]string{
		"application_name": "yiyuan source init", "client_encoding": "UTF8", "datestyle": "ISO, YMD", "timezone": "Asia/Shanghai",
		"default_transaction_read_only": "on", "row_security": "off",
		"statement_timeout": within, "lock_timeout": within, "idle_in_transaction_session_timeout": "60000",
	} {
		c.RuntimeParams[name] = value
	}
	config.Config = *c
	if l.sql, err = pgx.ConnectConfig(ctx, config); err != nil {
		return fmt.Errorf("数据库连不上 / connect: %w", err)
	}
	err = l.sql.QueryRow(ctx, `SELECT current_user::text, rolsuper, rolsuper OR has_database_privilege(current_database(), 'CREATE') FROM pg_roles WHERE rolname = current_user`).
		Scan(&l.role, &l.super, &l.made)
	if err != nil {
		l.close(ctx)
		return fmt.Errorf("看不到角色 / read the role: %w", told(err))
	}
	return nil
}

// close says goodbye for a moment at most; the server notices either way.
func (l *looker) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = l.sql.Close(ctx) // nothing is left to be done in it
}

// relation is one table as the system's catalogue has it.
type relation struct {
	probe.Table
	oid                              uint32
	kind, persistence, whole         string // whole: of which table it is a partition
	filtered, usable, readable, owns bool
	full                             bool // the whole row is its replica identity
}

// told is an error without what the server quotes of data: its code at the most.
func told(err error) error {
	p, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok:
		return err
	case p.Code == "57014":
		return fmt.Errorf("超时 / timed out (SQLSTATE %s)", p.Code)
	case p.Code == "55P03":
		return fmt.Errorf("表被锁住 / the table is locked (SQLSTATE %s)", p.Code)
	case p.Code == "42501":
		return fmt.Errorf("没有权限 / no right to (SQLSTATE %s)", p.Code)
	}
	return fmt.Errorf("数据库拒绝 / the server refused it (SQLSTATE %s)", p.Code)
}

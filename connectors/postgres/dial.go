package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// dial opens a connection; one for replication speaks that protocol, too.
func (s *setting) dial(ctx context.Context, replication bool) (*pgconn.PgConn, error) {
	c := s.conn.Copy()
	if replication {
		c.RuntimeParams["replication"] = "database"
	}
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		return nil, unreached(err)
	}
	if err := settle(ctx, conn); err != nil {
		s.disconnect(conn)
		return nil, err
	}
	return conn, nil
}

// query opens a connection for questions.
func (s *setting) query(ctx context.Context) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("")
	if err != nil {
		return nil, fmt.Errorf("prepare connection: %w", err)
	}
	config.Config = *s.conn.Copy()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, unreached(err)
	}
	if err := settle(ctx, conn.PgConn()); err != nil {
		s.disconnect(conn.PgConn())
		return nil, err
	}
	return conn, nil
}

// settle looks that the server itself answers, and takes off what a role, a database or
// the server may limit a session by and older servers do not know.
func settle(ctx context.Context, conn *pgconn.PgConn) error {
	results, err := conn.Exec(ctx, `SELECT pg_backend_pid(); SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('idle_session_timeout', 'transaction_timeout')`).ReadAll()
	if err != nil {
		return fmt.Errorf("数据库没有应答 / settle the session: %w", err)
	}
	if len(results) == 0 || len(results[0].Rows) == 0 || string(results[0].Rows[0][0]) != strconv.FormatUint(uint64(conn.PID()), 10) {
		return errPooler // it made up a process of its own for us
	}
	return nil
}

var errPooler = fmt.Errorf("应答的是连接池（如 PgBouncer），不是数据库本身；逻辑复制和会话设置过不了连接池，请在 dsn 中写数据库自己的主机和端口 / connect: a connection pooler (such as PgBouncer) answers, not the server itself: logical replication and a session's settings do not go through one: name the server's own host and port in the dsn: %w", connectors.ErrConfig)

// unreached is the error of a connection that was not made.
func unreached(err error) error {
	if p, ok := errors.AsType[*pgconn.PgError](err); ok && strings.Contains(p.Message, "unsupported startup parameter") {
		return errPooler // no server says so
	}
	return fmt.Errorf("数据库连不上 / connect: %w", err)
}

package postgres

import (
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/dsn"
)

// connection decides how the server is reached, without ever showing the secret.
func (o *Options) connection() (*pgconn.Config, error) {
	text := o.DSN
	if referred(text) {
		secret, err := option.ResolveSecret(text)
		if err != nil {
			return nil, fmt.Errorf("option %q: %w", "dsn", err)
		}
		text = secret.Reveal()
	}
	if err := dsn.CheckCertificates(text); err != nil {
		return nil, fmt.Errorf("%w: %w", err, connectors.ErrConfig)
	}
	c, err := pgconn.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("不是 PostgreSQL 连接串 / option %q: not a connection string of PostgreSQL: %w", "dsn", connectors.ErrConfig)
	}
	if p := o.Password.Reveal(); p != "" {
		c.Password = p
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	// Both ways of reading a row must write its values alike.
	maps.Copy(c.RuntimeParams, map[string]string{
		"application_name": "yiyuan", "client_encoding": "UTF8", "datestyle": "ISO, YMD", "intervalstyle": "postgres",
		"timezone": "UTC", "extra_float_digits": "1", "bytea_output": "hex",
		"row_security": "off", // rather an error than some of the rows
		// How long a first read or a quiet stream takes is not for a role's settings to say.
		"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0",
	})
	return c, nil
}

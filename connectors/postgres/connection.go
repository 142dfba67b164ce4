package postgres

import (
	"maps"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors/postgres/dsn"
)

// connection decides how the server is reached, without ever showing the secret.
func (o *Options) connection() (*pgconn.Config, error) {
	c, err := dsn.Read(o.DSN)
	if err != nil {
		return nil, err
	}
	if p := o.Password.Reveal(); p != "" {
		c.Password = p
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

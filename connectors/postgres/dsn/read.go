package dsn

import (
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
)

// Referred reports whether the option dsn says where the connection string is, and not the string itself.
func Referred(option string) bool {
	return strings.HasPrefix(option, "env:") || strings.HasPrefix(option, "file:")
}

// Read reads the option dsn, the string itself or where it is. No error shows any of it.
func Read(text string) (*pgconn.Config, error) {
	if Referred(text) {
		secret, err := option.ResolveSecret(text)
		if err != nil {
			return nil, fmt.Errorf("option %q: %w", "dsn", err)
		}
		text = secret.Reveal()
	}
	if err := CheckCertificates(text); err != nil {
		return nil, fmt.Errorf("%w: %w", err, connectors.ErrConfig)
	}
	c, err := pgconn.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("不是 PostgreSQL 连接串 / option %q: not a connection string of PostgreSQL: %w", "dsn", connectors.ErrConfig)
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	return c, nil
}

package redis

import (
	"context"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// connect opens connections that greet whoever answers.
func (c Config) connect(timeout time.Duration, pool int, greet func(context.Context, *goredis.Conn) error) *goredis.Client {
	options := &goredis.Options{
		Addr: c.Address, Username: c.Username, Password: c.Password, DB: c.Database, TLSConfig: c.TLS,
		Dialer: c.Dialer, PoolSize: pool, MaxRetries: 1,
		DialTimeout: 5 * time.Second, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: 2 * timeout,
		ContextTimeoutEnabled: true,
		// Redis 7.0 has no CLIENT SETINFO, and its timeout once shifted replies.
		DisableIdentity: true,
		Protocol:        2,
	}
	options.OnConnect = greet
	return c.client(options)
}

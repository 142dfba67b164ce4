package redis

import (
	"context"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
)

// Sentinel says who knows which server is the master. The zero Sentinel is nobody.
type Sentinel struct {
	Master    string   // the name under which they watch it
	Addresses []string // host:port of each
	Username  string   // of the sentinels themselves; "" = none is asked for
	Password  string
}

var (
	// ErrReplica says that a server is not, or no longer, the master.
	ErrReplica = errors.New("server is a replica")
	// ErrNoMaster says that the sentinels answer, and watch nobody under the name of Sentinel.Master.
	ErrNoMaster = errors.New("the sentinels know no such master")
)

// explain names what the client calls sentinels that cannot be reached, though one has
// answered that it knows no such master.
func (s Sentinel) explain(err error) error {
	if s.Master == "" || !errors.Is(err, goredis.Nil) {
		return err
	}
	return fmt.Errorf("%w %q: %w", ErrNoMaster, s.Master, err)
}

// client connects to the server, or to whichever is the master now.
func (c Config) client(o *goredis.Options) *goredis.Client {
	if c.Sentinel.Master == "" {
		return goredis.NewClient(o)
	}
	return goredis.NewFailoverClient(&goredis.FailoverOptions{
		MasterName: c.Sentinel.Master, SentinelAddrs: c.Sentinel.Addresses, SentinelUsername: c.Sentinel.Username, SentinelPassword: c.Sentinel.Password,
		Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLSConfig, Dialer: o.Dialer, PoolSize: o.PoolSize, MaxRetries: o.MaxRetries,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout, PoolTimeout: o.PoolTimeout,
		ContextTimeoutEnabled: o.ContextTimeoutEnabled, DisableIdentity: o.DisableIdentity, Protocol: o.Protocol, OnConnect: o.OnConnect,
	})
}

// onMaster refuses a server that is a replica: a sentinel that has not heard yet
// names the old master, which is told to follow the new one and then is behind it.
func onMaster(ctx context.Context, c *goredis.Conn) error {
	info, err := c.Info(ctx, "replication").Result()
	if err != nil {
		return fmt.Errorf("ask for its role: %w", err)
	}
	if role := infoField(info, "role"); role != "master" {
		return ErrReplica
	}
	return nil
}

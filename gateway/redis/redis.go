// Package redis keeps the gateway's shared views in Redis. It is the only
// place that knows Redis.
//
// One string a record, under y:{generation}:{view}:{hex digest}, where the
// digest is keyed: a dump of Redis names nobody. The value is packed: a magic
// byte, the version (8 bytes, big endian), the digest again (16), a flag, the
// source's commit time (8) and the framed Avro bytes of the view. Because the
// value says whose it is, a reply that belongs to another key is noticed.
//
// Batches are written by one script that compares versions, counts the live
// records and moves the partition's mark (y:{generation}:{view}:#) in the same
// step, so Redis itself says how far it stands. A deletion leaves its version
// behind for Config.TombstoneTTL, so that a late older write does not bring
// the record back. y:{generation}:{view}:@ says that the view is complete;
// lookups read it together with the record, so an emptied Redis is never taken
// for "not there". y:gen names the current generation.
//
// One server (or one behind a sentinel or a proxy) with
// maxmemory-policy noeviction; not Redis Cluster.
//
// Metrics: yiyuan_gateway_redis_read_seconds, yiyuan_gateway_redis_keys_total,
// yiyuan_gateway_redis_mixed_replies_total, yiyuan_gateway_redis_writes_total{outcome},
// yiyuan_gateway_redis_lost_total, yiyuan_gateway_redis_restarts_total.
package redis

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// ErrEvicts says that the server may throw records away when memory is short,
// so that a missing key would prove nothing.
var ErrEvicts = errors.New("server evicts keys: set maxmemory-policy noeviction")

// Config says which Redis and how.
type Config struct {
	Address      string // host:port
	Username     string // ACL user
	Password     string
	Database     int           // 0 unless the server is shared
	TLS          *tls.Config   // nil = plain
	Prefix       string        // before every key; "y" if empty
	TombstoneTTL time.Duration // how long a deletion is remembered; 7 days if 0
	ReadTimeout  time.Duration // of one lookup at the server; 500 ms if 0
	Readers      int           // lookups in flight at the server; 4 if 0
	Poll         time.Duration // how often the current generation is looked up; 500 ms if 0
	// Dialer replaces net.Dialer, for tests.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)
}

func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = "y"
	}
	if c.TombstoneTTL <= 0 {
		c.TombstoneTTL = contract.Week
	}
	if c.ReadTimeout <= 0 {
		c.ReadTimeout = 500 * time.Millisecond
	}
	if c.Readers <= 0 {
		c.Readers = 4
	}
	if c.Poll <= 0 {
		c.Poll = 500 * time.Millisecond
	}
	return c
}

// Store is a gateway.Cache on Redis. It is safe for concurrent use.
type Store struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics

	reads  chan *read
	stop   context.CancelFunc
	done   sync.WaitGroup
	nonce  string
	asked  atomic.Uint64
	keys   atomic.Pointer[keyspace] // of the current generation, nil = unknown
	writer *goredis.Client

	reader atomic.Pointer[goredis.Client] // replaced after a mixed reply

	instance instance
}

var _ gateway.Cache = (*Store)(nil)

// Open connects to Redis and checks that it does not evict. Close ends it.
func Open(ctx context.Context, cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Store, error) {
	cfg = cfg.withDefaults()
	s := &Store{cfg: cfg, log: log.With("redis", cfg.Address), metrics: newMetrics(reg), reads: make(chan *read, 1024), nonce: rand.Text()}
	s.instance.marks = map[place]int64{}
	s.reader.Store(s.connect(cfg.ReadTimeout, cfg.Readers+2))
	s.writer = s.connect(10*time.Second, 8)
	if err := s.check(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open redis %q: %w", cfg.Address, err), s.reader.Load().Close(), s.writer.Close())
	}
	if err := s.refresh(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open redis %q: %w", cfg.Address, err), s.reader.Load().Close(), s.writer.Close())
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	for range cfg.Readers {
		s.done.Go(func() { s.serve(life) })
	}
	s.done.Go(func() { s.watch(life) })
	return s, nil
}

// Close waits for what is under way and closes the connections.
func (s *Store) Close() error {
	s.stop()
	s.done.Wait()
	return errors.Join(s.reader.Load().Close(), s.writer.Close())
}

func (s *Store) connect(timeout time.Duration, pool int) *goredis.Client {
	options := &goredis.Options{
		Addr: s.cfg.Address, Username: s.cfg.Username, Password: s.cfg.Password, DB: s.cfg.Database, TLSConfig: s.cfg.TLS,
		Dialer: s.cfg.Dialer, PoolSize: pool, MaxRetries: 1,
		DialTimeout: 5 * time.Second, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: 2 * timeout,
		ContextTimeoutEnabled: true,
		// Redis 7.0 has no CLIENT SETINFO, and its timeout once shifted replies.
		DisableIdentity: true,
		Protocol:        2,
	}
	options.OnConnect = s.greet
	return goredis.NewClient(options)
}

// check refuses a server that may evict keys.
func (s *Store) check(ctx context.Context) error {
	if err := s.writer.Ping(ctx).Err(); err != nil {
		return err
	}
	policy, limited := "", false
	info, err := s.writer.Info(ctx, "memory").Result()
	if err == nil {
		policy = infoField(info, "maxmemory_policy")
		limited = infoField(info, "maxmemory") != "0"
	}
	if policy == "" {
		// The in-process server does not report it, and does not evict.
		s.log.Debug("eviction policy is unknown")
		return nil
	}
	if policy != "noeviction" && limited {
		return fmt.Errorf("maxmemory-policy is %q: %w", policy, ErrEvicts)
	}
	return nil
}

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), name+":"); ok {
			return value
		}
	}
	return ""
}

// watch follows the pointer to the current generation.
func (s *Store) watch(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ask, cancel := context.WithTimeout(ctx, s.cfg.ReadTimeout)
		if err := s.refresh(ask); err != nil && ctx.Err() == nil {
			s.log.Debug("current generation could not be read", "error", err)
		}
		cancel()
	}
}

// refresh reads which generation is current.
func (s *Store) refresh(ctx context.Context) error {
	name, err := s.writer.Get(ctx, s.cfg.Prefix+":gen").Result()
	if errors.Is(err, goredis.Nil) {
		s.keys.Store(nil)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read current generation: %w", err)
	}
	if now := s.keys.Load(); now == nil || string(now.generation) != name {
		s.keys.Store(newKeyspace(s.cfg.Prefix, gateway.Generation(name)))
	}
	return nil
}

// ask returns a text that no other read of any process uses.
func (s *Store) ask() string { return s.nonce + strconv.FormatUint(s.asked.Add(1), 36) }

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
// One server, or those that Sentinel watches (Config.Sentinel), with
// maxmemory-policy noeviction; not Redis Cluster. Replication is behind: a replica
// that takes over may lack the last writes. It is another process, so nothing is
// answered from it before every view stands where it was last seen, by the marks
// that come with each answer too; the fillers write again what it lacks. The policy and the server's
// count of evicted keys are looked at all the time, and before anybody is said
// not to be there: y:{generation}:! keeps the count with which the generation
// began. While the server may evict, and when it has, nothing is believed, and
// an empty generation takes the place of the one that lost keys.
//
// Metrics: yiyuan_gateway_redis_read_seconds, yiyuan_gateway_redis_keys_total,
// yiyuan_gateway_redis_mixed_replies_total, yiyuan_gateway_redis_writes_total{outcome},
// yiyuan_gateway_redis_lost_total, yiyuan_gateway_redis_restarts_total,
// yiyuan_gateway_redis_evicting.
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

	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// ErrEvicts says that the server may throw records away when memory is short,
// so that a missing key would prove nothing.
var ErrEvicts = errors.New("server evicts keys: set maxmemory-policy noeviction")

// Config says which Redis and how.
type Config struct {
	Address      string // host:port; with Sentinel only a name for logs
	Sentinel     Sentinel
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

// Store is a store.Cache on Redis. It is safe for concurrent use.
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
	life     context.Context // ends with Close
	evicts   atomic.Bool     // the server may throw keys away, or did and nobody has cleared up yet: nothing is believed
	silent   atomic.Bool     // the server does not tell
}

var _ store.Cache = (*Store)(nil)

// Open connects to Redis and checks that it does not evict. Close ends it.
func Open(ctx context.Context, cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Store, error) {
	cfg = cfg.withDefaults()
	s := &Store{cfg: cfg, log: log.With("redis", cfg.Address), metrics: newMetrics(reg), reads: make(chan *read, 1024), nonce: rand.Text()}
	hearClient(s.log)
	s.instance.marks = map[place]int64{}
	s.reader.Store(s.connect(cfg.ReadTimeout, cfg.Readers+2))
	s.writer = s.connect(10*time.Second, 8)
	s.life, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.check(ctx); err != nil {
		s.stop()
		return nil, errors.Join(fmt.Errorf("open redis %q: %w", cfg.Address, err), s.reader.Load().Close(), s.writer.Close())
	}
	if err := s.look(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open redis %q: %w", cfg.Address, err), s.Close())
	}
	for range cfg.Readers {
		s.done.Go(func() { s.serve(s.life) })
	}
	s.done.Go(func() { s.watch(s.life) })
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
	return s.cfg.client(options)
}

// check refuses a server that may evict keys.
func (s *Store) check(ctx context.Context) error {
	if err := s.writer.Ping(ctx).Err(); err != nil {
		return err
	}
	e, err := s.eviction(ctx)
	if err != nil {
		return err
	}
	if e.possible() {
		return fmt.Errorf("maxmemory-policy is %q: %w", e.policy, ErrEvicts)
	}
	if s.silent.Store(e.evicted == ""); e.policy == "" {
		// The in-process server does not report it, and does not evict.
		s.log.Debug("eviction policy is unknown")
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

// watch follows the pointer to the current generation, and what was examined at the start.
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
		if err := s.look(ask); err != nil && ctx.Err() == nil {
			s.log.Debug("redis could not be looked at", "error", err)
		}
		cancel()
	}
}

// look reads which generation is current and whether it can be believed.
func (s *Store) look(ctx context.Context) error {
	if err := s.refresh(ctx); err != nil {
		return err
	}
	if err := s.guard(ctx); err != nil {
		return err
	}
	if s.keys.Load() == nil {
		return s.refresh(ctx)
	}
	return nil
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
		s.keys.Store(newKeyspace(s.cfg.Prefix, store.Generation(name)))
	}
	return nil
}

// ask returns a text that no other read of any process uses.
func (s *Store) ask() string { return s.nonce + strconv.FormatUint(s.asked.Add(1), 36) }

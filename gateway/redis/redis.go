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
// for "not there". y:{generation}:{view}:? counts the records that are withheld, and is
// read with them too: while there is one, who is not found may be it. y:gen names the current generation.
//
// What is kept of a view that the catalogue has no more, or of one as it was, is
// removed by whoever has the present ones (RemoveFormer); y:bus says which bus the keys are of,
// so that no other one mixes its records with them; y:{generation}:{view}:u is
// there while a gateway uses the view, and y:former says what was left.
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
// yiyuan_gateway_redis_evicting, yiyuan_gateway_redis_former_spaces,
// yiyuan_gateway_redis_former_records, yiyuan_gateway_redis_removed_total.
package redis

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Config says which Redis and how.
type Config struct {
	Address      string // host:port; with Sentinel only a name for logs
	Sentinel     Sentinel
	Username     string // ACL user
	Password     string
	Database     int           // 0 unless the server is shared
	TLS          *tls.Config   // nil = plain
	Prefix       string        // before every key; "y" if empty
	Bus          string        // which bus the keys are of; "" = they are not held against it
	TombstoneTTL time.Duration // how long a deletion is remembered; 7 days if 0
	ReadTimeout  time.Duration // of one lookup at the server; 500 ms if 0
	Readers      int           // lookups in flight at the server; 4 if 0
	Poll         time.Duration // how often the current generation is looked up; 500 ms if 0
	Held         time.Duration // how long a view counts as used after a gateway looked at it; 1 min if 0
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
	if c.Held <= 0 {
		c.Held = time.Minute
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
	writer *goredis.Client

	reader atomic.Pointer[goredis.Client] // replaced after a mixed reply

	quotas      quotaKeys
	instance    *instance
	generations *generations
	guard       *guard
	former      *former
	told        listener.Sparse // what any lookup can cause, by what it is
}

var _ store.Cache = (*Store)(nil)

// Open connects to Redis and checks that it does not evict. Close ends it.
func Open(ctx context.Context, cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Store, error) {
	cfg = cfg.withDefaults()
	s := &Store{cfg: cfg, log: log.With("redis", cfg.Address), metrics: newMetrics(reg), reads: make(chan *read, 1024), nonce: rand.Text()}
	hearClient(s.log)
	s.quotas = quotaKeys(cfg.Prefix)
	s.instance = newInstance(cfg.Sentinel.Master != "", s.log, s.metrics)
	s.reader.Store(cfg.connect(cfg.ReadTimeout, cfg.Readers+2, s.instance.greet))
	s.writer = cfg.connect(10*time.Second, 8, s.instance.greet)
	s.generations = &generations{prefix: cfg.Prefix, writer: s.writer, instance: s.instance, owner: owner{cfg.Prefix, cfg.Bus, s.writer}}
	s.former = &former{
		prefix: cfg.Prefix, held: cfg.Held, writer: s.writer, generations: s.generations, instance: s.instance,
		log: s.log, metrics: s.metrics, used: map[spaceName]time.Time{},
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.guard = &guard{
		writer: s.writer, generations: s.generations, instance: s.instance, log: s.log, metrics: s.metrics,
		answer: cfg.ReadTimeout, notice: 20 * cfg.Poll, life: life, done: &s.done,
	}
	err := s.guard.check(ctx)
	if err == nil {
		err = s.generations.owner.check(ctx)
	}
	if err != nil {
		s.stop()
		return nil, errors.Join(fmt.Errorf("open redis %q: %w", cfg.Address, cfg.Sentinel.explain(err)), s.reader.Load().Close(), s.writer.Close())
	}
	if err := s.look(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open redis %q: %w", cfg.Address, err), s.Close())
	}
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
	if err := s.generations.refresh(ctx); err != nil {
		return err
	}
	if err := s.guard.look(ctx); err != nil {
		return err
	}
	if s.generations.now.Load() == nil {
		return s.generations.refresh(ctx)
	}
	return nil
}

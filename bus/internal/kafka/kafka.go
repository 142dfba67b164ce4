// Package kafka is how the bus speaks to Kafka, for all rooms of package bus: the
// options that every client has in common, names of topics with their prefix, the form
// of a record, what is known of a topic's partitions that were written to, and in which
// words the cluster's refusals are told.
//
// It is internal: whoever is not part of the bus knows no Kafka client.
package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Link is an open connection to Kafka. It is safe for concurrent use.
type Link struct {
	Config Config
	Log    *slog.Logger
	Plain  *kgo.Client // idempotent producer and administration
	Admin  *kadm.Client
	base   []kgo.Opt
	remade remade
}

// remade counts how often the client was told to forget a topic, see Write.
type remade struct {
	mu   sync.Mutex
	turn atomic.Uint64
}

// Open connects and fails if no broker answers.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Link, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	base, err := cfg.options()
	if err != nil {
		return nil, err
	}
	// The client's own telemetry to the brokers (KIP-714) is of no use here, and
	// its last words could hold up a Close for ever.
	base = append(base, kgo.WithLogger(logger{log}), kgo.DisableClientMetrics())
	if err := cfg.ping(ctx, base); err != nil {
		return nil, err
	}
	// A broker that hangs up before it has said anything is refusing how we come, by
	// what a client knows. We know better by now: it is one that stops or starts.
	base = append(base, kgo.AlwaysRetryEOF())
	l := &Link{Config: cfg, Log: log, base: base}
	if l.Plain, err = l.Client(Producing(0, 100_000, kgo.AllowIdempotentProduceCancellation())...); err != nil {
		return nil, fmt.Errorf("open Kafka client: %w", err)
	}
	l.Admin = kadm.NewClient(l.Plain)
	return l, nil
}

// ping fails if no broker answers.
func (c Config) ping(ctx context.Context, base []kgo.Opt) error {
	client, err := kgo.NewClient(base...)
	if err != nil {
		return fmt.Errorf("open Kafka client: %w", err)
	}
	defer client.Close()
	if err := client.Ping(ctx); err != nil {
		return fmt.Errorf("连不上 Kafka %q，请检查地址（bus.brokers 或 --brokers）、网络、TLS 和口令 / no broker of %q answers, check the address (bus.brokers or --brokers), network, TLS and password: %w", c.Brokers, c.Brokers, err)
	}
	return nil
}

// Close flushes what Write has not finished and disconnects.
func (l *Link) Close() { l.Plain.Close() }

// Client opens a client with what all have in common, and options of its own.
func (l *Link) Client(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(l.Options(opts)...)
}

// logger passes the Kafka client's own messages on, its Info as our Debug: what
// an operator must see is logged by the bus.
type logger struct{ log *slog.Logger }

// Level implements kgo.Logger.
func (l logger) Level() kgo.LogLevel {
	if l.log.Enabled(context.Background(), slog.LevelDebug) { // slog wants a context and looks into none
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelWarn
}

// Log implements kgo.Logger.
func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelDebug
	if level <= kgo.LogLevelWarn {
		to = slog.LevelWarn
	}
	l.log.Log(context.Background(), to, "kafka client", append([]any{"said", msg}, keyvals...)...)
}

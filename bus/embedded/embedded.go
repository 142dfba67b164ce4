// Package embedded runs a Kafka broker inside this process, for a first look
// and for tests. It listens on a real port, so any client can join. It is one
// broker without replication: what it promises ends with this process, or with
// this disk if it has a folder.
package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Options say where the broker listens and whether it keeps its log.
type Options struct {
	Dir    string // folder of the log, synced before each answer; "" = in memory
	Listen string // host:port; "" = 127.0.0.1 and a free port
	// ListenFn replaces the network, for simulations.
	ListenFn func(network, address string) (net.Listener, error)
	// Brokers is how many brokers it plays, for simulations of leaders that move;
	// 1. They share one memory, so more of them keep nothing safer.
	Brokers int
	Logger  *slog.Logger
}

// Broker is a running broker.
type Broker struct {
	cluster *kfake.Cluster
	mark    string // file that is there as long as the folder is in use; "" without a folder
}

// neverCompact switches the broker's own compaction off: it counts records of
// open transactions as newer than committed ones, so a transaction that aborts
// after a compaction takes the committed value with it. See Start.
var neverCompact = strconv.FormatInt((100 * 365 * 24 * time.Hour).Milliseconds(), 10)

// Start starts a broker. One with a folder first decides what a crash left open
// there (see mend), and compacts what it finds (see compact): it is the one moment
// when nobody writes.
func Start(ctx context.Context, o Options) (*Broker, error) {
	mark := ""
	opts := []kfake.Opt{
		kfake.NumBrokers(max(o.Brokers, 1)), kfake.ClusterID("yiyuan-embedded"), kfake.DefaultNumPartitions(4),
		kfake.GroupMinSessionTimeout(time.Second), kfake.GroupMaxSessionTimeout(30 * time.Minute),
		kfake.BrokerConfigs(map[string]string{
			"log.cleaner.backoff.ms":           neverCompact,
			"group.initial.rebalance.delay.ms": "0",
		}),
	}
	if o.Logger != nil {
		opts = append(opts, kfake.WithLogger(logger{o.Logger}))
	}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("make broker folder: %w", err)
		}
		opts = append(opts, kfake.DataDir(o.Dir), kfake.SyncWrites())
		mark = filepath.Join(o.Dir, markFile)
		if err := afterCrash(ctx, opts, o, mark); err != nil {
			return nil, err
		}
		if o.ListenFn == nil {
			if err := compact(ctx, opts, o.Dir); err != nil && o.Logger != nil {
				o.Logger.Warn("embedded broker was not compacted", "error", err)
			}
		}
	}
	switch {
	case o.ListenFn != nil:
		opts = append(opts, kfake.ListenFn(o.ListenFn))
	case o.Listen != "":
		host, port, err := net.SplitHostPort(o.Listen)
		if err != nil {
			return nil, fmt.Errorf("broker address %q: %w", o.Listen, err)
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			return nil, fmt.Errorf("broker address %q: %w", o.Listen, err)
		}
		opts = append(opts, kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			var lc net.ListenConfig
			return lc.Listen(ctx, network, net.JoinHostPort(host, strconv.Itoa(number)))
		}))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("start embedded broker: %w", err)
	}
	return &Broker{cluster, mark}, nil
}

// Addrs returns the broker's host:port.
func (b *Broker) Addrs() []string { return b.cluster.ListenAddrs() }

// Close stops the broker. What was not written to its folder is gone.
func (b *Broker) Close() {
	b.cluster.Close()
	if b.mark != "" {
		_ = os.Remove(b.mark) // if it stays, the next start looks for what is not there
	}
}

// Cluster is the broker itself, for tests that make it fail.
func (b *Broker) Cluster() *kfake.Cluster { return b.cluster }

// logger passes the broker's messages on, its Info as our Debug.
type logger struct{ log *slog.Logger }

// Logf implements kfake.Logger.
func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelDebug
	if level <= kfake.LogLevelWarn {
		to = slog.LevelWarn
	}
	if ctx := context.Background(); l.log.Enabled(ctx, to) { // slog wants a context and looks into none
		l.log.Log(ctx, to, "embedded broker", "said", fmt.Sprintf(format, args...))
	}
}

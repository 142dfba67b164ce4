// Package embedded runs a Kafka broker inside this process, for a first look
// and for tests. It listens on a real port, so any client can join. It is one
// broker without replication: what it promises ends with this process, or with
// this disk if it has a folder.
package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/yiyuan-bus/yiyuan/schemas/private"
)

// Broker is a running broker.
type Broker struct {
	cluster *kfake.Cluster
	disk    *disk  // nil without a folder
	mark    string // file that is there as long as the folder is in use; "" without a folder
	release func() // of the folder; nil without one
}

// neverCompact switches the broker's own compaction off: it counts records of
// open transactions as newer than committed ones, so a transaction that aborts
// after a compaction takes the committed value with it. See Start.
var neverCompact = strconv.FormatInt((100 * 365 * 24 * time.Hour).Milliseconds(), 10)

// Start starts a broker. One with a folder first decides what a crash left open
// there (see mend), and compacts what it finds (see compact): it is the one moment
// when nobody writes.
func Start(ctx context.Context, o Options) (b *Broker, err error) {
	mark, release := "", (func())(nil)
	opts := []kfake.Opt{
		kfake.NumBrokers(max(o.Brokers, 1)), kfake.ClusterID("yiyuan-embedded"), kfake.DefaultNumPartitions(4),
		kfake.GroupMinSessionTimeout(time.Second), kfake.GroupMaxSessionTimeout(30 * time.Minute),
		kfake.BrokerConfigs(map[string]string{
			"log.cleaner.backoff.ms":           neverCompact,
			"group.initial.rebalance.delay.ms": "0",
		}),
	}
	var d *disk
	if o.Dir != "" {
		d = newDisk(o.Dir, cmp.Or(o.Logger, slog.New(slog.DiscardHandler)))
	}
	if o.Logger != nil || d != nil {
		opts = append(opts, kfake.WithLogger(logger{cmp.Or(o.Logger, slog.New(slog.DiscardHandler)), d}))
	}
	listen := o.listener(ctx)
	if o.Dir != "" {
		if _, err := private.Folder(o.Dir); err != nil && !errors.Is(err, private.ErrOpen) {
			return nil, fmt.Errorf("make broker folder: %w", err)
		}
		if release, err = lock(o.Dir); err != nil {
			return nil, err
		}
		defer func() {
			if b == nil {
				release()
			}
		}()
		opts = append(opts, kfake.DataDir(o.Dir))
		mark = filepath.Join(o.Dir, markFile)
		alone := append(opts[:len(opts):len(opts)], kfake.SyncWrites())
		if err := afterCrash(ctx, alone, o, mark); err != nil {
			return nil, err
		}
		if o.ListenFn == nil {
			if err := compact(ctx, alone, o.Dir); err != nil && o.Logger != nil {
				o.Logger.Warn("embedded broker was not compacted", "error", err)
			}
		}
		if err := d.whole(); err != nil {
			return nil, err
		}
		if o.Sync != nil {
			d.sync1 = o.Sync
		}
		plain := listen
		listen = func(network, address string) (net.Listener, error) {
			l, err := plain(network, address)
			if err != nil {
				return nil, err
			}
			return listener{l, d}, nil
		}
	}
	cluster, err := kfake.NewCluster(append(opts, kfake.ListenFn(listen))...)
	if err != nil {
		return nil, fmt.Errorf("start embedded broker: %w", err)
	}
	if d != nil {
		d.serve(cluster)
	}
	listAll(cluster)
	dateByBroker(cluster)
	return &Broker{cluster, d, mark, release}, nil
}

// Addrs returns the broker's host:port.
func (b *Broker) Addrs() []string { return b.cluster.ListenAddrs() }

// Sync is how long an answer waits for the disk, on average since the start, and whether
// there is one.
func (b *Broker) Sync() (mean time.Duration, ok bool) {
	if b.disk == nil {
		return 0, false
	}
	return b.disk.mean(), true
}

// Lost is closed when the disk has not taken what was written: nothing is answered any more.
// Without a folder it is never closed.
func (b *Broker) Lost() <-chan struct{} {
	if b.disk == nil {
		return nil
	}
	return b.disk.lost
}

// Err returns ErrDisk if nothing is answered any more.
func (b *Broker) Err() error {
	if b.disk == nil {
		return nil
	}
	return b.disk.whole()
}

// Close stops the broker. What was not written to its folder is gone.
func (b *Broker) Close() {
	if b.release != nil {
		defer b.release()
	}
	b.cluster.Close()
	if b.disk != nil && b.disk.all() != nil {
		return // the next start looks for what is missing
	}
	if b.mark != "" {
		_ = os.Remove(b.mark) // if it stays, the next start looks for what is not there
	}
}

// Cluster is the broker itself, for tests that make it fail.
func (b *Broker) Cluster() *kfake.Cluster { return b.cluster }

// logger passes the broker's messages on, its Info as our Debug. What it could not
// write it only says, and answers as if it had: its disk hears of that here.
type logger struct {
	log  *slog.Logger
	disk *disk // nil without a folder
}

// unwritten reports whether a message of the broker says that it could not write. What
// it does not write when it compacts its own notes stays where it was.
func unwritten(format string) bool {
	return strings.HasPrefix(format, "persist ") || strings.HasPrefix(format, "rebuildSegments ")
}

// Logf implements kfake.Logger.
func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelDebug
	if level <= kfake.LogLevelWarn {
		to = slog.LevelWarn
	}
	if ctx := context.Background(); l.log.Enabled(ctx, to) { // slog wants a context and looks into none
		l.log.Log(ctx, to, "embedded broker", "said", fmt.Sprintf(format, args...))
	}
	if l.disk != nil && level <= kfake.LogLevelWarn && unwritten(format) {
		l.disk.broken(fmt.Errorf("write broker folder: %s: %w", fmt.Sprintf(format, args...), errUnwritten))
	}
}

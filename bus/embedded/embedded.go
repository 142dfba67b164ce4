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
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
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
// there (see mend), and compacts what it finds, if no transaction is open: it is
// the one moment when nobody writes.
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
	b := &Broker{cluster, mark}
	if o.Dir != "" && o.ListenFn == nil {
		if err := b.compact(ctx); err != nil && o.Logger != nil {
			o.Logger.Warn("embedded broker was not compacted", "error", err)
		}
	}
	return b, nil
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

func (b *Broker) compact(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs()...))
	if err != nil {
		return fmt.Errorf("ask for open transactions: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	open, err := admin.ListTransactions(ctx, nil, []string{"Ongoing", "PrepareCommit", "PrepareAbort"})
	if err != nil {
		return fmt.Errorf("list open transactions: %w", err)
	}
	if len(open) > 0 {
		return fmt.Errorf("%d transactions are open", len(open))
	}
	patient, err := patientTopics(ctx, admin)
	if err != nil {
		return err
	}
	if err := setPolicy(ctx, admin, "delete", patient); err != nil {
		return err
	}
	b.cluster.Compact()
	b.cluster.ApplyRetention()
	return setPolicy(ctx, admin, "compact", patient)
}

// patientTopics returns the compacted topics whose records must stay for a
// while. The broker knows of no such thing and does not know how old a record
// is, so here they are not compacted at all.
func patientTopics(ctx context.Context, admin *kadm.Client) ([]string, error) {
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	configs, err := admin.DescribeTopicConfigs(ctx, topics.Names()...)
	if err != nil {
		return nil, fmt.Errorf("describe topics: %w", err)
	}
	var patient []string
	for _, topic := range configs {
		if slices.ContainsFunc(topic.Configs, func(c kadm.Config) bool { return c.Key == "min.compaction.lag.ms" && c.MaybeValue() != "0" }) {
			patient = append(patient, topic.Name)
		}
	}
	return patient, nil
}

func setPolicy(ctx context.Context, admin *kadm.Client, policy string, topics []string) error {
	if len(topics) == 0 {
		return nil
	}
	forever := "-1"
	set := []kadm.AlterConfig{{Name: "cleanup.policy", Value: &policy}, {Name: "retention.ms", Value: &forever}}
	answers, err := admin.AlterTopicConfigs(ctx, set, topics...)
	for i := 0; err == nil && i < len(answers); i++ {
		err = answers[i].Err
	}
	if err != nil {
		return fmt.Errorf("change the policy of topics: %w", err)
	}
	return nil
}

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

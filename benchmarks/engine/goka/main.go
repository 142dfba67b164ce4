// Command goka is a peer of the benchmark `engine`: claims of four departments
// to golden record, findings of three rules and one masked view, at least once,
// on goka with its group table in LevelDB. It shares no code with what it is
// compared with. ../../README.md says how it is tuned.
//
// Arguments are name=value; it ends when its input is closed.
package main

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/lovoo/goka"
	"github.com/lovoo/goka/codec"
	"github.com/lovoo/goka/storage"
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/opt"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started it closes it
	}()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "level=ERROR msg=%q\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	of := map[string]string{}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		of[name] = value
	}
	prefix, brokers := of["prefix"], strings.Split(of["brokers"], ",")
	config := settings()
	goka.ReplaceGlobalConfig(config)
	made, err := newSetup(of)
	if err != nil {
		return err
	}
	to := outlets{
		golden: goka.Stream(prefix + "goka.golden"), shown: goka.Stream(prefix + "goka.shown"), findings: goka.Stream(prefix + "goka.findings"),
	}
	idle := sync.Pool{New: func() any { return newResolver(made) }} // partitions run side by side
	graph := goka.DefineGroup(goka.Group(prefix+"goka"),
		goka.Input(goka.Stream(prefix+"claims.person"), new(codec.Bytes), func(c goka.Context, claim any) {
			r := idle.Get().(*resolver)
			defer idle.Put(r)
			if err := r.resolve(c, to, claim.([]byte)); err != nil {
				c.Fail(err)
			}
		}),
		goka.Output(to.golden, new(codec.Bytes)), goka.Output(to.shown, new(codec.Bytes)), goka.Output(to.findings, new(codec.Bytes)),
		goka.Persist(new(codec.Bytes)),
	)
	topics := goka.NewTopicManagerConfig()
	topics.Table.Replication = 1
	p, err := goka.NewProcessor(brokers, graph,
		goka.WithStorageBuilder(storage.BuilderWithOptions(of["dir"], levels())),
		goka.WithTopicManagerBuilder(goka.TopicManagerBuilderWithConfig(config, topics)),
		goka.WithHasher(func() hash.Hash32 { return new(murmur2) }),
		goka.WithPartitionChannelSize(1000),
	)
	if err != nil {
		return fmt.Errorf("define the processor: %w", err)
	}
	if err := p.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

// settings are goka's own, and what the other engines have too: acks of all,
// snappy, large batches, commits every 100 ms, sessions of 15 s.
func settings() *sarama.Config {
	c := goka.DefaultConfig()
	c.Version = sarama.V3_6_0_0
	c.ChannelBufferSize = 4096
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Interval = 100 * time.Millisecond
	c.Consumer.IsolationLevel = sarama.ReadCommitted
	c.Consumer.Fetch.Default = 2 << 20
	c.Consumer.Group.InstanceId = "bench" // back at once after a crash
	c.Consumer.Group.Session.Timeout = 15 * time.Second
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Flush.Frequency = 100 * time.Millisecond
	c.Producer.Flush.Bytes = 4 << 20 // of all partitions together
	return c
}

// levels are LevelDB's options: as it comes, with more memory for writes and
// reads, and filters for the keys that are not there yet.
func levels() *opt.Options {
	return &opt.Options{WriteBuffer: 32 << 20, BlockCacheCapacity: 32 << 20, Filter: filter.NewBloomFilter(10)}
}

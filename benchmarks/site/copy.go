package site

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
)

// ChildBroker runs the embedded broker alone, so that what it uses is not
// counted as the steps'.
func ChildBroker(ctx context.Context, _ []string) error {
	ctx, cancel := process.UntilOrphaned(ctx)
	defer cancel()
	b, err := embedded.Start(ctx, embedded.Options{})
	if err != nil {
		return err
	}
	defer b.Close()
	if err := process.Report(b.Addrs()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// Broker returns the brokers of a line of the table: real Kafka's, or an embedded broker's
// in a process of its own. stop ends what was started.
func (b *Bench) Broker(ctx context.Context, line string) (addrs string, stop func(), err error) {
	if line != "embedded" {
		return b.Kafka, func() {}, nil
	}
	child, err := process.Self(ctx, "child-broker")
	if err != nil {
		return "", nil, err
	}
	stop = func() { _ = child.Stop() } // it holds nothing
	var all []string
	if err := child.Answer(ctx, 10*time.Second, &all); err != nil {
		stop()
		return "", nil, err
	}
	return strings.Join(all, ","), stop, nil
}

// Copied is what the limit reports.
type Copied struct {
	Records, Bytes int64
	Seconds        float64
	CPU            float64
	Peak           int64
}

// ChildCopy is the limit of the steps: records from one topic to another,
// exactly once, with the steps' own client settings and nothing between.
func ChildCopy(ctx context.Context, args []string) error {
	ctx, cancel := process.UntilOrphaned(ctx)
	defer cancel()
	var c copier
	f := flag.NewFlagSet("child-copy", flag.ContinueOnError)
	f.StringVar(&c.brokers, "brokers", "", "")
	f.StringVar(&c.from, "from", "", "")
	f.StringVar(&c.to, "to", "", "")
	f.StringVar(&c.group, "group", "", "")
	f.Int64Var(&c.want, "records", 0, "")
	workers := f.Int("workers", 2, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	ctx, c.done = context.WithCancel(ctx)
	defer c.done()
	before, began := process.UsageOf(os.Getpid()), time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for i := range *workers {
		group.Go(func() error { return c.work(ctx, i) })
	}
	err := group.Wait()
	if n := c.records.Load(); n != c.want {
		return fmt.Errorf("copied %d of %d records: %w", n, c.want, err)
	}
	after := process.UsageOf(os.Getpid())
	return process.Report(Copied{
		Records: c.records.Load(), Bytes: c.bytes.Load(), Seconds: c.end.Sub(began).Seconds(), CPU: (after.CPU - before.CPU).Seconds(), Peak: after.Peak,
	})
}

type copier struct {
	brokers, from, to, group string
	want                     int64
	records, bytes           atomic.Int64
	done                     context.CancelFunc
	end                      time.Time
}

// work is one session: poll, produce, commit every 100 ms or 20,000 records.
func (c *copier) work(ctx context.Context, i int) error {
	id := fmt.Sprintf("%s-%d", c.group, i)
	s, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(strings.Split(c.brokers, ",")...), kgo.TransactionalID(id), kgo.InstanceID(id), kgo.ConsumerGroup(c.group), kgo.ConsumeTopics(c.from),
		kgo.Balancers(kgo.RangeBalancer()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.TransactionTimeout(10*time.Second), kgo.SessionTimeout(15*time.Second), kgo.RequireStableFetchOffsets(),
		kgo.FetchMaxWait(100*time.Millisecond), kgo.FetchMaxBytes(16<<20), kgo.FetchMaxPartitionBytes(2<<20),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(2*time.Millisecond), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()), kgo.MaxBufferedRecords(500_000),
	)
	if err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	defer s.Close()
	for ctx.Err() == nil {
		if err := c.turn(ctx, s); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func (c *copier) turn(ctx context.Context, s *kgo.GroupTransactSession) error {
	var records, bytes int64
	begun := false
	for deadline := time.Now().Add(100 * time.Millisecond); records < 20_000 && time.Now().Before(deadline); {
		waiting, cancel := context.WithDeadline(ctx, deadline)
		fetches := s.PollRecords(waiting, 20_000-int(records))
		cancel()
		if fetches.NumRecords() == 0 {
			continue
		}
		if !begun {
			if err := s.Begin(); err != nil {
				return fmt.Errorf("begin: %w", err)
			}
			begun = true
		}
		fetches.EachRecord(func(r *kgo.Record) {
			records++
			bytes += size(r)
			s.Produce(context.WithoutCancel(ctx), &kgo.Record{Topic: c.to, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp}, nil)
		})
	}
	if !begun {
		return nil
	}
	ok, err := s.End(context.WithoutCancel(ctx), kgo.TryCommit)
	if err != nil {
		return fmt.Errorf("end: %w", err)
	}
	if !ok {
		return nil // a rebalance at the start: the records come again
	}
	c.bytes.Add(bytes)
	if c.records.Add(records) >= c.want {
		c.end = time.Now()
		c.done()
	}
	return nil
}

func size(r *kgo.Record) int64 {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return int64(n)
}

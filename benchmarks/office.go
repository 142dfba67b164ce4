package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// office is a department's database: one table of residence registrations.
type office struct {
	dsn  string
	name string // of table, slot and publication
	conn *pgx.Conn
}

func openOffice(ctx context.Context, dsn string, residents []resident) (*office, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	o := &office{dsn: dsn, name: fmt.Sprintf("bench_%x", time.Now().UnixNano()), conn: conn}
	_, err = conn.Exec(ctx, "CREATE TABLE "+o.name+` (gmsfhm text, djh text, jzdxzqhdm text NOT NULL, jzdz text NOT NULL, lxdh text,
		qsrq date NOT NULL, zzrq date, PRIMARY KEY (gmsfhm, djh))`)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make table: %w", err), conn.Close(ctx))
	}
	since := time.Now().AddDate(-1, 0, 0)
	_, err = conn.CopyFrom(ctx, pgx.Identifier{o.name}, []string{"gmsfhm", "djh", "jzdxzqhdm", "jzdz", "lxdh", "qsrq"},
		pgx.CopyFromSlice(len(residents), func(i int) ([]any, error) {
			r := residents[i]
			return []any{r.id, registration(i), r.division, r.address, phone(0), since}, nil
		}))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fill table: %w", err), o.close(ctx))
	}
	return o, nil
}

func registration(person int) string { return fmt.Sprintf("BENCH%07d", person) }

// close drops table, slot and publication; the connector must have ended.
func (o *office) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var errs []error
	for _, sql := range []string{
		"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE '" + o.name + "%'",
		"DROP PUBLICATION IF EXISTS " + o.name,
		"DROP TABLE IF EXISTS " + o.name,
	} {
		if _, err := o.conn.Exec(ctx, sql); err != nil {
			errs = append(errs, fmt.Errorf("clean up in PostgreSQL: %w", err))
		}
	}
	return errors.Join(append(errs, o.conn.Close(ctx))...)
}

// change commits the changes, each in a transaction of its own at its time. A
// writer that is late sends at once: how late counts.
func (o *office) change(ctx context.Context, f *stream) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range writers {
		group.Go(func() error {
			conn, err := pgx.Connect(ctx, o.dsn)
			if err != nil {
				return fmt.Errorf("connect to PostgreSQL: %w", err)
			}
			defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is under way
			for {
				i := int(next.Add(1) - 1)
				if i >= f.n {
					return nil
				}
				if err := until(ctx, f.start.Add(f.due(i))); err != nil {
					return err
				}
				person, v := i%len(f.people), i/len(f.people)+1
				_, err := conn.Exec(ctx, "UPDATE "+o.name+" SET lxdh = $1 WHERE gmsfhm = $2 AND djh = $3", phone(v), f.people[person], registration(person))
				if err != nil {
					return fmt.Errorf("change a row: %w", err)
				}
				f.committed[i].Store(int64(time.Since(f.start)))
				f.done[person].Store(int32(v))
			}
		})
	}
	return group.Wait()
}

func until(ctx context.Context, t time.Time) error {
	wait := time.Until(t)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// bareKafka is the lower limit: records produced at a steady rate and consumed
// by a plain consumer, on the same broker at the same time.
type bareKafka struct {
	producer, consumer *kgo.Client
	topic              string
	rate, n            int
	starts             chan time.Time

	mu   sync.Mutex
	took []time.Duration // by record, 0 = not consumed
}

func (s deployment) startBareKafka(ctx context.Context, rate int, lasting time.Duration) (*bareKafka, error) {
	const topic = "limit.bare"
	if err := s.Bus.Ensure(ctx, contract.Spec{Topic: topic}); err != nil {
		return nil, err
	}
	k := &bareKafka{topic: s.Prefix + topic, rate: rate, n: rate * int(lasting/time.Second), starts: make(chan time.Time, 1)}
	k.took = make([]time.Duration, k.n)
	brokers := kgo.SeedBrokers(strings.Split(s.Brokers, ",")...)
	var err error
	if k.producer, err = kgo.NewClient(brokers, kgo.ProducerLinger(0), kgo.DefaultProduceTopic(k.topic)); err != nil {
		return nil, fmt.Errorf("open bare producer: %w", err)
	}
	if k.consumer, err = kgo.NewClient(brokers, kgo.ConsumeTopics(k.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())); err != nil {
		return nil, fmt.Errorf("open bare consumer: %w", err)
	}
	return k, nil
}

func (k *bareKafka) begin(start time.Time) { k.starts <- start }

// run produces and consumes until ctx ends.
func (k *bareKafka) run(ctx context.Context) error {
	defer k.consumer.Close()
	defer k.producer.Close()
	var start time.Time
	select {
	case start = <-k.starts:
	case <-ctx.Done():
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	due := func(i int) time.Time { return start.Add(time.Duration(i) * time.Second / time.Duration(k.rate)) }
	group.Go(func() error {
		for i := range k.n {
			if until(ctx, due(i)) != nil {
				return nil
			}
			value := make([]byte, 170)
			binary.BigEndian.PutUint64(value, uint64(i))
			k.producer.Produce(ctx, &kgo.Record{Key: fmt.Append(nil, i), Value: value}, nil)
		}
		return nil
	})
	group.Go(func() error {
		for ctx.Err() == nil {
			fetches := k.consumer.PollFetches(ctx)
			now := time.Now()
			k.mu.Lock()
			fetches.EachRecord(func(r *kgo.Record) {
				i := int(binary.BigEndian.Uint64(r.Value))
				k.took[i] = now.Sub(due(i))
			})
			k.mu.Unlock()
		}
		return nil
	})
	return group.Wait()
}

// latency is of the records after a warm-up.
func (k *bareKafka) latency(warm time.Duration) (table.Quantiles, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []time.Duration
	for _, t := range k.took[k.rate*int(warm/time.Second):] {
		if t > 0 {
			all = append(all, t)
		}
	}
	if len(all) == 0 {
		return table.Quantiles{}, errors.New("bare Kafka delivered nothing")
	}
	return table.QuantilesOf(all), nil
}

// bind writes the source that reads the office's table.
func (o *office) bind(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("bind source: %w", err)
	}
	text := fmt.Sprintf("source: bench-pg\nkind: postgres\ndatasets: [%s]\noptions:\n  dsn: %q\n  slot: %s\n  tables:\n    public.%s: {dataset: %s}\n", changed, o.dsn, o.name, o.name, changed)
	if err := os.WriteFile(filepath.Join(dir, "bench-pg.yaml"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("bind source: %w", err)
	}
	return nil
}

package bus_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/schemas/certificate"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	ca, _ := certificateOf(t)
	whole, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	half := ca + ".half" // one that is whole, and one that is not
	if err := os.WriteFile(half, append(whole, whole[:len(whole)/2]...), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]bus.Config{
		"no brokers":       {},
		"timeouts crossed": {Brokers: []string{"x:1"}, TransactionTimeout: time.Minute, SessionTimeout: time.Second},
		"mechanism":        {Brokers: []string{"x:1"}, SASL: bus.SASL{Mechanism: "GSSAPI", User: "u", Password: "secret"}},
		"half a file":      {Brokers: []string{"x:1"}, TLS: bus.TLS{Enabled: true, Files: certificate.Files{CA: certificate.File{Setting: "bus.tls.ca", Path: half}}}},
	} {
		if _, err := bus.Open(t.Context(), c, nil, nil); !errors.Is(err, bus.ErrConfig) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: Open = %v, want ErrConfig", name, err)
		}
	}
}

func TestEnsure(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := k.Open(t, func(c *bus.Config) { c.Partitions = 3 })
		specs := []contract.Spec{{Topic: "a"}, {Topic: "b", Partitions: 1, Compact: true}}
		for range 2 { // the second time they are there
			if err := b.Ensure(t.Context(), specs...); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := b.Partitions(t.Context(), "a"); n != 3 || err != nil {
			t.Errorf("Partitions = %d, %v, want 3", n, err)
		}
		if err := b.Ensure(t.Context(), contract.Spec{Topic: "a", Partitions: 5}); !errors.Is(err, bus.ErrConfig) {
			t.Errorf("Ensure with other partitions = %v, want ErrConfig", err)
		}
		if _, err := b.Partitions(t.Context(), "none"); !errors.Is(err, cluster.ErrNoTopic) {
			t.Errorf("Partitions of nothing = %v, want ErrNoTopic", err)
		}
		// A neighbour on the same cluster sees nothing of it.
		other := k.Open(t, func(c *bus.Config) { c.Prefix += "other." })
		if _, err := other.Partitions(t.Context(), "a"); !errors.Is(err, cluster.ErrNoTopic) {
			t.Errorf("another prefix sees the topic: %v", err)
		}
	})
}

// No source's time is Kafka's: what says how long a record stays is the broker's
// clock, also for topics that were made to take the producer's, and also where the
// source's time lies so far ahead that Kafka would refuse it. What was written
// before keeps its time, which then was the source's.
func TestTheBrokerDates(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		client, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...), kgo.Dialer(k.Dial), kgo.DefaultProduceTopic(k.Prefix+"a"))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		createTime := "CreateTime"
		if _, err := kadm.NewClient(client).CreateTopic(ctx, 1, 1, map[string]*string{"message.timestamp.type": &createTime}, k.Prefix+"a"); err != nil {
			t.Fatal(err)
		}
		long := time.Now().Add(-60 * 24 * time.Hour).Truncate(time.Millisecond)
		if !strings.HasPrefix(t.Name(), "TestTheBrokerDates/embedded") { // that one dates all there is
			if err := client.ProduceSync(ctx, &kgo.Record{Key: []byte("before"), Timestamp: long}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		b := k.Open(t, nil)
		if err := b.Ensure(ctx, contract.Spec{Topic: "a", Partitions: 1}); err != nil {
			t.Fatal(err)
		}
		want := map[string]time.Time{"before": long, "old": long, "ahead": time.Now().Add(48 * time.Hour).Truncate(time.Millisecond), "own": long}
		for _, key := range []string{"old", "ahead", "own"} {
			r := bus.Record{Topic: "a", Partition: bus.ByKey, Key: []byte(key), Time: want[key], Headers: []bus.Header{{Key: "x"}}}
			if key == "own" { // whoever has written the header is believed
				r.Headers = []bus.Header{{Key: contract.At, Value: contract.AppendAt(nil, long)}}
			}
			if err := b.Append(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		// A controller answers before its broker does as it was told: what a foreign client
		// writes until then bears a time of its own.
		client.AddConsumeTopics(k.Prefix + "a")
		dates := map[string][]time.Time{}
		next := func() {
			fetches := client.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				t.Fatal(err)
			}
			fetches.EachRecord(func(r *kgo.Record) { dates[string(r.Key)] = append(dates[string(r.Key)], r.Timestamp) })
		}
		write := func(key string) (read time.Time) {
			written := len(dates[key])
			if err := client.ProduceSync(ctx, &kgo.Record{Key: []byte(key), Timestamp: long}).FirstErr(); err != nil {
				t.Fatal(err)
			}
			for len(dates[key]) == written {
				next()
			}
			return dates[key][written]
		}
		for write("early").Equal(long) {
		}
		write("foreign")
		err = b.Replay(ctx, "a", func(r bus.Record) error {
			at, known := want[string(r.Key)]
			if known && !r.Time.Equal(at) {
				t.Errorf("the record %q is of %v, its source said %v", r.Key, r.Time, at)
			}
			if string(r.Key) == "foreign" && time.Since(r.Time).Abs() > time.Hour {
				t.Errorf("the record %q of a foreign client is of %v", r.Key, r.Time)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"old", "ahead", "own", "foreign"} {
			for len(dates[key]) == 0 {
				next()
			}
			if at := dates[key][0]; time.Since(at).Abs() > time.Hour {
				t.Errorf("Kafka dates the record %q %v", key, at)
			}
		}
	})
}

// TestPartitionOf holds the placement of keys against Java's: Utils.murmur2.
func TestPartitionOf(t *testing.T) {
	t.Parallel()
	for key, hash := range map[string]int32{"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829} {
		if got, want := bus.PartitionOf([]byte(key), math.MaxInt32), (hash&math.MaxInt32)%math.MaxInt32; got != want {
			t.Errorf("PartitionOf(%q) = %d, want %d", key, got, want)
		}
	}
}

func TestAppendAndFollow(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := k.Open(t, nil)
		if err := b.Ensure(t.Context(), contract.Spec{Topic: "a"}); err != nil {
			t.Fatal(err)
		}
		at := time.UnixMilli(1_790_000_000_000)
		var wait sync.WaitGroup
		for w := range 8 {
			wait.Go(func() {
				for i := range 25 {
					key := fmt.Appendf(nil, "%d-%d", w, i)
					if err := b.Append(t.Context(), bus.Record{Topic: "a", Partition: bus.ByKey, Key: key, Value: key, Time: at, Headers: []bus.Header{{Key: "op", Value: []byte("c")}}}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		seen := map[string]bool{}
		err := b.Follow(t.Context(), bus.FollowConfig{Topics: []contract.Topic{"a"}}, func(_ context.Context, records []bus.Record) error {
			for _, r := range records {
				if r.Topic != "a" || r.Partition != bus.PartitionOf(r.Key, 4) || string(r.Value) != string(r.Key) || !r.Time.Equal(at) || string(r.Header("op")) != "c" || r.Header("no") != nil {
					t.Errorf("record at %d/%d is not what was written", r.Partition, r.Offset)
				}
				seen[string(r.Key)] = true
			}
			if len(seen) == 200 {
				return io.EOF
			}
			return nil
		})
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	})
}

// TestFollowInAGroup follows a topic written in transactions, stops in the
// middle with an error, and goes on: nothing is left out, and a group that has
// read everything stands at the end, behind the last marker.
func TestFollowInAGroup(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := k.Open(t, nil)
		ensure(t, b)
		if _, err := publish(t.Context(), b, "30"); err != nil {
			t.Fatal(err)
		}
		before, failed, seen := map[string]int{}, map[string]int{}, map[string]int{}
		cfg := bus.FollowConfig{Topics: []contract.Topic{contract.Raw("T")}, Group: "g"}
		calls := 0
		err := b.Follow(t.Context(), cfg, func(_ context.Context, records []bus.Record) error {
			to := before
			if calls++; calls == 2 {
				to = failed
			}
			for _, r := range records {
				to[string(r.Key)]++
			}
			if calls == 2 {
				return io.EOF
			}
			return nil
		})
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- b.Follow(ctx, cfg, func(_ context.Context, records []bus.Record) error {
				for _, r := range records {
					seen[string(r.Key)]++
				}
				return nil
			})
		}()
		ends, err := b.EndOffsets(t.Context(), contract.Raw("T"))
		if err != nil {
			t.Fatal(err)
		}
		reach(t, b, "g", ends)
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Follow = %v, want the context's error", err)
		}
		for key := range failed {
			if seen[key] == 0 {
				t.Errorf("row %s, whose records failed, did not come again", key)
			}
		}
		maps.Copy(before, seen) // what came in an earlier poll is committed
		if len(before) != 30 {
			t.Errorf("%d rows seen in all, want 30", len(before))
		}
	})
}

// TestControlRecordsAreNoData: neither Follow nor Replay nor Peek shows them, and a
// group's position passes over them, also where nothing else is in what came.
func TestControlRecordsAreNoData(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b, topic := k.Open(t, nil), contract.Raw("T")
		if err := b.Ensure(t.Context(), contract.Spec{Topic: topic, Partitions: 2}); err != nil {
			t.Fatal(err)
		}
		say := func(partition int32, key string) {
			t.Helper()
			r := bus.Record{Topic: topic, Partition: partition, Key: []byte(key)}
			if done := (contract.Completion{Dataset: "T", Of: 2}); key == "" {
				r.Key, r.Headers = done.Key(), []bus.Header{{Key: contract.ControlHeader, Value: done.Append(nil)}}
			}
			if err := b.Append(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range []string{"a", "", "b", ""} {
			say(0, key)
		}
		say(1, "") // and no more
		seen := make(chan string, 8)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- b.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{topic}, Group: "g"}, func(_ context.Context, records []bus.Record) error {
				if len(records) == 0 {
					t.Error("called with nothing")
				}
				for i := range records {
					seen <- string(records[i].Key)
				}
				return nil
			})
		}()
		ends, err := b.EndOffsets(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		reach(t, b, "g", ends)
		stop()
		<-done
		close(seen)
		got := map[string][]string{}
		for key := range seen {
			got["Follow"] = append(got["Follow"], key)
		}
		for name, read := range map[string]func(context.Context, contract.Topic, func(bus.Record) error) error{"Replay": b.Replay, "Peek": b.Peek} {
			if err := read(t.Context(), topic, func(r bus.Record) error { got[name] = append(got[name], string(r.Key)); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(map[string][]string{"Follow": {"a", "b"}, "Replay": {"a", "b"}, "Peek": {"a", "b"}}, got); d != "" {
			t.Errorf("records shown (-want +got):\n%s", d)
		}
	})
}

// reach waits until the group stands at the ends.
func reach(t *testing.T, b *bus.Bus, group string, ends map[contract.Topic]map[int32]int64) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for {
		have, err := b.Committed(t.Context(), group)
		if err != nil {
			t.Fatal(err)
		}
		short := false
		for topic, partitions := range ends {
			for p, end := range partitions {
				short = short || have[topic][p] < end
			}
		}
		if !short {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("group %q stands at %v, the ends are %v", group, have, ends)
		}
	}
}

func TestFollowFromAPosition(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := k.Open(t, nil)
		if err := b.Ensure(t.Context(), contract.Spec{Topic: "a", Partitions: 1}); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			if err := b.Append(t.Context(), bus.Record{Topic: "a", Key: []byte{'k'}, Value: strconv.AppendInt(nil, int64(i), 10)}); err != nil {
				t.Fatal(err)
			}
		}
		for from, want := range map[int64]string{4: "4", -1: "0", 500: "0"} { // beyond the end: the topic was made anew
			got := ""
			err := b.Follow(t.Context(), bus.FollowConfig{Topics: []contract.Topic{"a"}, Start: func(contract.Topic, int32) int64 { return from }}, func(_ context.Context, records []bus.Record) error {
				got = string(records[0].Value)
				return io.EOF
			})
			if !errors.Is(err, io.EOF) || got != want {
				t.Errorf("from %d: began with %q, %v, want %q", from, got, err, want)
			}
		}
	})
}

func TestSchemaLog(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := k.Open(t, nil)
		if err := b.Ensure(t.Context(), contract.Spec{Topic: contract.Schemas, Partitions: 1, Compact: true}); err != nil {
			t.Fatal(err)
		}
		log, want := b.SchemaLog(), []string{"a=1", "b=2", "a=3"}
		for _, kv := range want {
			key, value, _ := strings.Cut(kv, "=")
			if err := log.Append(t.Context(), []byte(key), []byte(value)); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // replaying leaves no trace in it
			var got []string
			if err := log.Replay(t.Context(), func(key, value []byte) error { got = append(got, string(key)+"="+string(value)); return nil }); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("replayed (-want +got):\n%s", d)
			}
		}
		ends, err := b.EndOffsets(t.Context(), contract.Schemas)
		if err != nil || ends[contract.Schemas][0] != 3 {
			t.Errorf("the log ends at %v, %v, want 3", ends, err)
		}
	})
}

// TestFollowWhileABrokerRestarts: a broker that stops and starts cuts connections
// and accepts others only to hang up on them. Who asks where to begin, or reads,
// meanwhile goes on afterwards.
func TestFollowWhileABrokerRestarts(t *testing.T) {
	const fetch, listOffsets = 1, 2
	for _, interrupted := range []int16{fetch, listOffsets} {
		synctest.Test(t, func(t *testing.T) {
			k := bustest.InMemory(t)
			if err := k.Open(t, nil).Ensure(t.Context(), contract.Spec{Topic: "a"}); err != nil {
				t.Fatal(err)
			}
			var restarts, hangUps atomic.Int32
			line := k.Line(nil)
			line.Each = func(key int16) bustest.Fault {
				if key != interrupted || restarts.Add(1) > 1 {
					return bustest.None
				}
				hangUps.Store(5)
				return bustest.ReplyReset
			}
			b := k.Open(t, func(c *bus.Config) {
				c.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
					if hangUps.Add(-1) < 0 {
						return line.Dial(ctx, network, address)
					}
					here, there := net.Pipe()
					go func() {
						_, _ = there.Read(make([]byte, 1<<10)) // what the client says first
						_ = there.Close()
					}()
					return here, nil
				}
			})
			if err := b.Append(t.Context(), bus.Record{Topic: "a", Value: []byte("1")}); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			seen := 0
			err := b.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{"a"}}, func(_ context.Context, records []bus.Record) error {
				seen += len(records)
				return io.EOF
			})
			if !errors.Is(err, io.EOF) || seen != 1 || hangUps.Load() >= 0 {
				t.Errorf("request %d interrupted: Follow = %v after %d records, %d hang-ups left", interrupted, err, seen, hangUps.Load())
			}
		})
	}
}

// TestSecurity logs in over TLS.
func TestSecurity(t *testing.T) {
	t.Parallel()
	ca, pair := certificateOf(t)
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), kfake.EnableSASL(), kfake.Superuser(mechanism, "u", "p"))
		if err != nil {
			t.Fatal(err)
		}
		cfg := bus.Config{Brokers: cluster.ListenAddrs(), TLS: bus.TLS{Enabled: true, Files: certificate.Files{CA: certificate.File{Path: ca}}}, SASL: bus.SASL{Mechanism: mechanism, User: "u", Password: "p"}}
		b, err := bus.Open(t.Context(), cfg, nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", mechanism, err)
		}
		if err := b.Ensure(t.Context(), contract.Spec{Topic: "a"}); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
		b.Close()
		cfg.SASL.Password = "wrong-secret"
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, err := bus.Open(short, cfg, nil, nil); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: Open with a wrong password = %v", mechanism, err)
		}
		cancel()
		cluster.Close()
	}
}

func certificateOf(t *testing.T) (ca string, pair tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return ca, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

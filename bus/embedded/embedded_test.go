package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

func start(t *testing.T, o embedded.Options) *embedded.Broker {
	t.Helper()
	b, err := embedded.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func client(t *testing.T, b *embedded.Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(b.Addrs()...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// compacted makes the topic t, to be compacted, and returns a client that made it.
func compacted(t *testing.T, b *embedded.Broker) *kgo.Client {
	t.Helper()
	plain, policy := client(t, b), "compact"
	_, err := kadm.NewClient(plain).CreateTopic(t.Context(), 1, 1, map[string]*string{"cleanup.policy": &policy}, "t")
	must(t, err)
	return plain
}

// value returns the committed value of key k, as a reader from the start sees it.
func value(t *testing.T, b *embedded.Broker) string {
	t.Helper()
	o, err := bus.Open(t.Context(), bus.Config{Brokers: b.Addrs()}, nil, nil)
	must(t, err)
	defer o.Close()
	got := ""
	must(t, o.Replay(t.Context(), "t", func(r bus.Record) error {
		if string(r.Key) == "k" {
			got = string(r.Value)
		}
		return nil
	}))
	return got
}

// TestCompactionLosesUnderOpenTransaction shows why Start compacts only when no
// transaction is open, and why the broker's own cleaner is switched off: a
// record of an open transaction counts as superseding the committed one. When
// this test fails the broker has been mended, and the precaution may go.
func TestCompactionLosesUnderOpenTransaction(t *testing.T) {
	t.Parallel()
	b := start(t, embedded.Options{})
	t.Cleanup(b.Close)
	plain := compacted(t, b)
	tx := client(t, b, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("t"))
	must(t, tx.BeginTransaction())
	must(t, tx.ProduceSync(t.Context(), kgo.KeyStringRecord("k", "committed")).FirstErr())
	must(t, tx.EndTransaction(t.Context(), kgo.TryCommit))
	must(t, tx.BeginTransaction())
	must(t, tx.ProduceSync(t.Context(), kgo.KeyStringRecord("k", "open")).FirstErr())
	// The last batch is never compacted.
	must(t, plain.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Key: []byte("other"), Value: []byte("x")}).FirstErr())
	b.Cluster().Compact()
	must(t, tx.EndTransaction(t.Context(), kgo.TryAbort))
	if got := value(t, b); got != "" {
		t.Errorf("value %q survived: the broker's compaction heeds open transactions now", got)
	}
}

// TestStartCompactsWhenNothingIsOpen reopens a folder twice: under an open
// transaction nothing is compacted and nothing lost.
func TestStartCompactsWhenNothingIsOpen(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	b := start(t, embedded.Options{Dir: dir})
	plain := compacted(t, b)
	for i := range 20 {
		must(t, plain.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Key: []byte("k"), Value: strconv.AppendInt(nil, int64(i), 10)}).FirstErr())
	}
	tx := client(t, b, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("t"), kgo.TransactionTimeout(10*time.Minute))
	must(t, tx.BeginTransaction())
	must(t, tx.ProduceSync(t.Context(), kgo.KeyStringRecord("k", "open")).FirstErr())
	must(t, plain.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Key: []byte("other"), Value: []byte("x")}).FirstErr())
	b.Close()
	b = start(t, embedded.Options{Dir: dir})
	first := func() int64 {
		o, err := kadm.NewClient(client(t, b)).ListStartOffsets(t.Context(), "t")
		must(t, err)
		at, _ := o.Lookup("t", 0)
		return at.Offset
	}
	if got := first(); got != 0 {
		t.Errorf("the log starts at %d: it was compacted under an open transaction", got)
	}
	again := client(t, b, kgo.TransactionalID("tx")) // its new epoch ends what is open
	_, _, err := again.ProducerID(t.Context())
	must(t, err)
	if got := value(t, b); got != "19" {
		t.Errorf("value %q, want 19", got)
	}
	b.Close()
	b = start(t, embedded.Options{Dir: dir})
	defer b.Close()
	if got := first(); got == 0 {
		t.Error("the log was not compacted although nothing was open")
	}
	if got := value(t, b); got != "19" {
		t.Errorf("value %q after compaction, want 19", got)
	}
}

// TestCommittedAfterCompaction compacts away a transaction that was aborted, with
// its marker. What its producer commits afterwards is there for who reads from the
// beginning, at once and after the next start.
func TestCommittedAfterCompaction(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	b := start(t, embedded.Options{Dir: dir})
	plain := compacted(t, b)
	must(t, plain.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Key: []byte("first"), Value: []byte("x")}).FirstErr())
	write := func(value string, end kgo.TransactionEndTry) {
		t.Helper()
		tx := client(t, b, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("t"))
		must(t, tx.BeginTransaction())
		must(t, tx.ProduceSync(t.Context(), kgo.KeyStringRecord("k", value)).FirstErr())
		must(t, tx.EndTransaction(t.Context(), end))
	}
	write("aborted", kgo.TryAbort)
	must(t, plain.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Key: []byte("last"), Value: []byte("x")}).FirstErr())
	b.Close()
	b = start(t, embedded.Options{Dir: dir})
	write("committed", kgo.TryCommit)
	if got := value(t, b); got != "committed" {
		t.Errorf("value %q after the start that compacted", got)
	}
	must(t, client(t, b).ProduceSync(t.Context(), &kgo.Record{Topic: "t", Key: []byte("last"), Value: []byte("y")}).FirstErr())
	b.Close()
	b = start(t, embedded.Options{Dir: dir})
	defer b.Close()
	if got := value(t, b); got != "committed" {
		t.Errorf("value %q after the next start", got)
	}
}

// TestKilled kills the process of a broker again and again while it is written
// to, and wants every acknowledged record, every position and the topic's
// identity to be there afterwards.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("YIYUAN_TEST_BROKER_DIR"); dir != "" {
		b := start(t, embedded.Options{Dir: dir})
		_, _ = fmt.Fprintln(os.Stdout, "listening", b.Addrs()[0]) // the parent waits for it
		_, _ = io.Copy(io.Discard, os.Stdin)                      // until it is killed, or its parent is
		return
	}
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	acknowledged, identity := 0, [16]byte{}
	for round := range 3 {
		addr, kill := child(t, dir)
		ctx, cancel := context.WithCancel(t.Context())
		b, err := bus.Open(ctx, bus.Config{Brokers: []string{addr}, TransactionTimeout: time.Second}, nil, nil)
		must(t, err)
		must(t, b.Ensure(ctx, contract.Spec{Topic: "t", Compact: true}, contract.Spec{Topic: contract.Sources, Compact: true}))
		id, err := b.Identity(ctx, "t")
		must(t, err)
		if identity == [16]byte{} {
			identity = id
		}
		if id != identity {
			t.Errorf("round %d: the topic has another identity", round)
		}
		p, err := b.Publisher(ctx, "s")
		must(t, err)
		at, _ := strconv.Atoi(p.Position())
		if at < acknowledged {
			t.Fatalf("round %d: position %d, but %d was acknowledged", round, at, acknowledged)
		}
		seen := map[string]int{}
		must(t, b.Replay(ctx, "t", func(r bus.Record) error { seen[string(r.Key)]++; return nil }))
		for i := 1; i <= at; i++ {
			if n := seen[strconv.Itoa(i)]; n != 1 {
				t.Errorf("round %d: record %d is there %d times", round, i, n)
			}
		}
		if len(seen) != at {
			t.Errorf("round %d: %d records, position %d", round, len(seen), at)
		}
		for until := at + 40; at < until; {
			at++
			key := strconv.AppendInt(nil, int64(at), 10)
			must(t, p.Publish(ctx, []bus.Record{{Topic: "t", Partition: bus.ByKey, Key: key, Value: key}}, contract.SourceStatus{Position: string(key)}))
			acknowledged = at
		}
		// One more is under way when it dies.
		done := make(chan struct{})
		go func() {
			defer close(done)
			key := strconv.AppendInt(nil, int64(at+1), 10)
			_ = p.Publish(ctx, []bus.Record{{Topic: "t", Partition: bus.ByKey, Key: key, Value: key}}, contract.SourceStatus{Position: string(key)})
		}()
		kill()
		<-done
		cancel()
		p.Close()
		b.Close()
	}
}

// child runs a broker in a process of its own.
func child(t *testing.T, dir string) (addr string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$", "-test.v")
	cmd.Env = append(os.Environ(), "YIYUAN_TEST_BROKER_DIR="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	in, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = in.Close() })
	buf, seen := make([]byte, 4096), ""
	for !strings.Contains(seen, "listening ") || !strings.HasSuffix(seen, "\n") {
		n, err := out.Read(buf)
		if err != nil {
			t.Fatalf("broker process: %v: %s", err, seen)
		}
		seen += string(buf[:n])
	}
	_, rest, _ := strings.Cut(seen, "listening ")
	addr, _, _ = strings.Cut(rest, "\n")
	killed := false
	kill = func() {
		if killed {
			return
		}
		killed = true
		must(t, cmd.Process.Kill())
		var status *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &status) {
			t.Error(err)
		}
	}
	t.Cleanup(kill)
	return addr, kill
}

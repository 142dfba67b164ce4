package embedded_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// crash returns a copy of the folder as a power cut would leave it.
func crash(t *testing.T, dir string) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	must(t, os.CopyFS(image, os.DirFS(dir)))
	return image
}

// all returns the committed values of topic t.
func all(t *testing.T, b *embedded.Broker) map[string]bool {
	t.Helper()
	o, err := bus.Open(t.Context(), bus.Config{Brokers: b.Addrs()}, nil, nil)
	must(t, err)
	defer o.Close()
	got := map[string]bool{}
	must(t, o.Replay(t.Context(), "t", func(r bus.Record) error {
		got[string(r.Value)] = true
		return nil
	}))
	return got
}

func producer(t *testing.T, b *embedded.Broker) *kgo.Client {
	t.Helper()
	return client(t, b, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("t"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
}

// say writes a value into each of two partitions, in a transaction left open.
func say(t *testing.T, tx *kgo.Client, value string) {
	t.Helper()
	must(t, tx.BeginTransaction())
	for p := range int32(2) {
		must(t, tx.ProduceSync(t.Context(), &kgo.Record{Partition: p, Value: []byte(value)}).FirstErr())
	}
}

// TestForgottenStaysForgotten crashes in the middle of a transaction and then,
// after its producer has gone on, once more.
func TestForgottenStaysForgotten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	b := start(t, embedded.Options{Dir: dir})
	t.Cleanup(b.Close)
	_, err := kadm.NewClient(client(t, b)).CreateTopic(t.Context(), 2, 1, nil, "t")
	must(t, err)
	say(t, producer(t, b), "forgotten")

	second := crash(t, dir)
	b = start(t, embedded.Options{Dir: second})
	t.Cleanup(b.Close)
	tx := producer(t, b)
	say(t, tx, "said")
	must(t, tx.EndTransaction(t.Context(), kgo.TryCommit))

	b = start(t, embedded.Options{Dir: crash(t, second)})
	t.Cleanup(b.Close)
	if got := all(t, b); got["forgotten"] || !got["said"] {
		t.Errorf("after the second crash the topic holds %v", got)
	}
}

// TestCommitIsWhole crashes when one of two partitions has been told of a commit.
func TestCommitIsWhole(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	b := start(t, embedded.Options{Dir: dir})
	t.Cleanup(b.Close)
	_, err := kadm.NewClient(client(t, b)).CreateTopic(t.Context(), 2, 1, nil, "t")
	must(t, err)
	tx := producer(t, b)
	say(t, tx, "torn")
	last := func(dir string) string {
		files, err := filepath.Glob(filepath.Join(dir, "partitions", "t-1", "*.dat"))
		if err != nil || len(files) != 1 {
			t.Fatalf("segments %v, %v", files, err)
		}
		return files[0]
	}
	before, err := os.Stat(last(dir))
	must(t, err)
	must(t, tx.EndTransaction(t.Context(), kgo.TryCommit))

	image := crash(t, dir)
	must(t, os.Truncate(last(image), before.Size()))
	b = start(t, embedded.Options{Dir: image})
	t.Cleanup(b.Close)
	o, err := bus.Open(t.Context(), bus.Config{Brokers: b.Addrs()}, nil, nil)
	must(t, err)
	defer o.Close()
	seen := map[int32]string{}
	must(t, o.Replay(t.Context(), "t", func(r bus.Record) error {
		seen[r.Partition] = string(r.Value)
		return nil
	}))
	if seen[0] != "torn" || seen[1] != "torn" {
		t.Errorf("the transaction was committed in part: %v", seen)
	}
}

// TestPatientTopicIsNotCompacted: a topic whose records must stay for a while
// keeps them over a restart, and stays a compacted one.
func TestPatientTopicIsNotCompacted(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	b := start(t, embedded.Options{Dir: dir})
	o, err := bus.Open(t.Context(), bus.Config{Brokers: b.Addrs()}, nil, nil)
	must(t, err)
	must(t, o.Ensure(t.Context(), contract.Spec{Topic: "t", Partitions: 1, Compact: true, CompactAfter: time.Hour}))
	o.Close()
	plain := client(t, b)
	for _, v := range []string{"newer", "older", "another"} {
		must(t, plain.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Key: []byte("k"), Value: []byte(v)}).FirstErr())
	}
	b.Close()

	b = start(t, embedded.Options{Dir: dir})
	t.Cleanup(b.Close)
	if got := all(t, b); len(got) != 3 {
		t.Errorf("the topic holds %v", got)
	}
	configs, err := kadm.NewClient(client(t, b)).DescribeTopicConfigs(t.Context(), "t")
	must(t, err)
	for _, c := range configs[0].Configs {
		if c.Key == "cleanup.policy" && c.MaybeValue() != "compact" {
			t.Errorf("cleanup.policy is %s", c.MaybeValue())
		}
	}
}

package cluster_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A transaction that nobody ends holds up readers of committed records. It is
// listed, and once it is aborted they get past it and see nothing of it.
func TestAbortOfWhatWasLeftOpen(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := k.Open(t, nil)
		ctx := t.Context()
		if err := b.Ensure(ctx, contract.Spec{Topic: "t", Partitions: 1}); err != nil {
			t.Fatal(err)
		}
		say(t, b, "before")
		if open, err := b.Transactions(ctx); err != nil || len(open) != 0 {
			t.Fatalf("Transactions = %v, %v, want none", open, err)
		}
		left, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...), kgo.TransactionalID("another program"), kgo.TransactionTimeout(5*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		defer left.Close()
		if err := left.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := left.ProduceSync(ctx, &kgo.Record{Topic: k.Prefix + "t", Value: []byte("undecided")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		say(t, b, "after")

		open, err := b.Transactions(ctx)
		if err != nil || len(open) != 1 {
			t.Fatalf("Transactions = %v, %v, want the one that was left open", open, err)
		}
		got := open[0]
		if age := time.Since(got.Started); got.ID != "another program" || got.State != "Ongoing" || got.Timeout != 5*time.Minute || age < 0 || age > time.Minute {
			t.Errorf("Transactions = %+v", got)
		}
		if diff := cmp.Diff([]string{"t/0"}, got.Partitions); diff != "" {
			t.Errorf("partitions (-want +got):\n%s", diff)
		}
		if held, err := b.HeldBack(ctx, "t", "none"); err != nil || !slices.Equal(held, []string{"t/0"}) {
			t.Errorf("HeldBack = %v, %v, want t/0", held, err)
		}
		stable := func() int64 {
			at, err := b.StableOffsets(ctx, "t")
			if err != nil {
				t.Fatal(err)
			}
			return at["t"][0]
		}
		if at := stable(); at != 1 {
			t.Errorf("decided up to %d, want 1: what stands behind the open transaction is not", at)
		}
		if err := b.Abort(ctx, "nobody"); !errors.Is(err, cluster.ErrNoTransaction) {
			t.Errorf("Abort of another id = %v, want ErrNoTransaction", err)
		}

		read := make(chan string)
		reading, stop := context.WithTimeout(ctx, time.Minute)
		defer stop()
		go func() {
			defer close(read)
			_ = b.Follow(reading, bus.FollowConfig{Topics: []contract.Topic{"t"}}, func(ctx context.Context, records []bus.Record) error { // ended by stop
				for _, r := range records {
					select {
					case read <- string(r.Value):
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				return nil
			})
		}()
		if v := <-read; v != "before" {
			t.Fatalf("read %q first", v)
		}
		if err := b.Abort(ctx, "another program"); err != nil {
			t.Fatal(err)
		}
		if v := <-read; v != "after" {
			t.Errorf("read %q next, want what stands behind the transaction", v)
		}
		stop()
		for range read { // until the reader has ended
		}
		if open, err := b.Transactions(ctx); err != nil || len(open) != 0 {
			t.Errorf("after the abort Transactions = %v, %v, want none", open, err)
		}
		if held, err := b.HeldBack(ctx, "t"); err != nil || len(held) != 0 {
			t.Errorf("after the abort HeldBack = %v, %v", held, err)
		}
		if at := stable(); at != 4 {
			t.Errorf("after the abort decided up to %d, want 4, the marker included", at)
		}
		if err := left.EndTransaction(ctx, kgo.TryCommit); err == nil {
			t.Error("the program whose transaction was aborted could still commit it")
		}
	})
}

func say(t *testing.T, b *bus.Bus, text string) {
	t.Helper()
	if err := b.Append(t.Context(), bus.Record{Topic: "t", Value: []byte(text)}); err != nil {
		t.Fatal(err)
	}
}

func TestClusterTellsWhatItIs(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := k.Open(t, nil)
		c, err := b.Cluster(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Brokers) != 1 || c.Brokers[0].Err != nil || !c.Brokers[0].Since4 || c.TransactionVersion != 2 {
			t.Errorf("Cluster = %+v", c)
		}
		if err := b.Ensure(t.Context(), contract.Spec{Topic: "c", Partitions: 2, Compact: true, CompactAfter: time.Hour}, contract.Spec{Topic: "d", Partitions: 1, Retention: -1}); err != nil {
			t.Fatal(err)
		}
		got, err := b.Examine(t.Context(), "c", "d", "none")
		if err != nil {
			t.Fatal(err)
		}
		want := map[contract.Topic]cluster.TopicState{
			"c": {Partitions: 2, Replication: 1, MinInSync: 1, Dated: "LogAppendTime", TakesBytes: 1048588, Policy: "compact", CompactLagMS: time.Hour.Milliseconds()},
			"d": {Partitions: 1, Replication: 1, MinInSync: 1, Dated: "LogAppendTime", TakesBytes: 1048588, Policy: "delete", RetentionMS: -1},
		}
		for topic, w := range want {
			g := got[topic]
			if w.Policy == "compact" {
				g.RetentionMS = 0 // means nothing there
			}
			if diff := cmp.Diff(w, g); diff != "" {
				t.Errorf("%s (-want +got):\n%s", topic, diff)
			}
		}
		if len(got) != 2 {
			t.Errorf("Examine tells of a topic that is not there: %v", got)
		}
		groups, err := b.Groups(t.Context(), "nobody")
		if err != nil || groups["nobody"].State != "Dead" || groups["nobody"].Members != 0 {
			t.Errorf("Groups = %v, %v, want Dead", groups, err)
		}
	})
}

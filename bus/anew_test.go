package bus_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A topic that is deleted and made anew, as an operator may do, has another id. Who
// follows it is told, instead of waiting for ever under the old one, and reads the new
// one when it begins anew; a group's offsets, a topic's ends and whoever writes go on.
func TestTopicMadeAnew(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		b := k.Open(t, nil)
		spec := contract.Spec{Topic: contract.Findings, Partitions: 1}
		ensureAll(ctx, t, b, spec)
		say := func(key string) {
			t.Helper()
			if err := b.Append(ctx, bus.Record{Topic: contract.Findings, Partition: bus.ByKey, Key: []byte(key), Value: []byte("v")}); err != nil {
				t.Fatal(err)
			}
		}
		say("before")
		alone, group := make(chan string, 10), make(chan string, 10)
		follow := func(group string, heard chan<- string) {
			for ctx.Err() == nil {
				err := b.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{contract.Findings}, Group: group}, func(_ context.Context, records []bus.Record) error {
					for i := range records {
						heard <- string(records[i].Key)
					}
					return nil
				})
				if ctx.Err() == nil {
					t.Logf("group %q begins anew: %v", group, err)
				}
			}
		}
		done := make(chan struct{}, 2)
		for name, heard := range map[string]chan string{"": alone, "g": group} {
			go func() { follow(name, heard); done <- struct{}{} }()
		}
		defer func() { cancel(); <-done; <-done }()
		hears := func(want string) {
			t.Helper()
			for name, heard := range map[string]chan string{"alone": alone, "in a group": group} {
				for got := ""; got != want; {
					select {
					case got = <-heard:
					case <-ctx.Done():
						t.Fatalf("who follows %s never hears %q", name, want)
					}
				}
			}
		}
		hears("before")

		client, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...), kgo.Dialer(k.Dial))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		deleteTopic(ctx, t, kadm.NewClient(client), k.Prefix+string(contract.Findings))
		ensureAll(ctx, t, b, spec)
		say("after")
		hears("after")
		if ends, err := b.EndOffsets(ctx, contract.Findings); err != nil || ends[contract.Findings][0] != 1 {
			t.Errorf("the topic made anew ends at %v, %v", ends, err)
		}
		if _, err := b.Committed(ctx, "g"); err != nil {
			t.Errorf("offsets of a group: %v", err)
		}
	})
}

// deleteTopic deletes a topic and returns when the broker names it no more: a controller
// answers before its brokers have heard, and who asks for the topic meanwhile, or
// writes into it, is served from the one that goes.
func deleteTopic(ctx context.Context, t *testing.T, admin *kadm.Client, name string) {
	t.Helper()
	if _, err := admin.DeleteTopic(ctx, name); err != nil {
		t.Fatal(err)
	}
	for {
		topics, err := admin.ListTopics(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if !topics.Has(name) {
			return
		}
	}
}

// While a broker that starts does not know the id of one topic yet, what a group has
// committed in the others is told all the same: as_of goes on where it can.
func TestCommittedBesideAnUnknownTopic(t *testing.T) {
	k := bustest.Embedded(t)
	b := k.Open(t, nil)
	known, unknown := contract.Raw("A"), contract.Raw("B")
	ensureAll(t.Context(), t, b, contract.Spec{Topic: known, Partitions: 1}, contract.Spec{Topic: unknown, Partitions: 1})
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin, offsets := kadm.NewClient(client), kadm.Offsets{}
	offsets.AddOffset(k.Prefix+string(known), 0, 7, -1)
	offsets.AddOffset(k.Prefix+string(unknown), 0, 8, -1)
	if err := admin.CommitAllOffsets(t.Context(), k.Prefix+"g", offsets); err != nil {
		t.Fatal(err)
	}
	topics, err := admin.ListTopics(t.Context(), k.Prefix+string(unknown))
	if err != nil {
		t.Fatal(err)
	}
	id := [16]byte(topics[k.Prefix+string(unknown)].ID)
	var starting atomic.Bool
	starting.Store(true)
	k.Broker.Cluster().ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.Broker.Cluster().KeepControl()
		if req, ok := r.(*kmsg.MetadataRequest); ok && starting.Load() {
			for i := range req.Topics {
				if req.Topics[i].TopicID == id {
					req.Topics[i].TopicID[0]++ // an id that it does not know
				}
			}
		}
		return nil, nil, false
	})
	other := k.Open(t, nil) // which has not heard of the topics
	if at, err := other.Committed(t.Context(), "g"); err != nil || at[known][0] != 7 || len(at) != 1 {
		t.Errorf("beside a topic that the broker does not know: %v, %v", at, err)
	}
	starting.Store(false)
	if at, err := other.Committed(t.Context(), "g"); err != nil || at[known][0] != 7 || at[unknown][0] != 8 {
		t.Errorf("once it knows: %v, %v", at, err)
	}
}

func ensureAll(ctx context.Context, t *testing.T, b *bus.Bus, specs ...contract.Spec) {
	t.Helper()
	if err := b.Ensure(ctx, specs...); err != nil {
		t.Fatal(err)
	}
}

package e2e

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// DeleteTopics deletes topics as an administrator of Kafka does, and returns when the
// broker names them no more.
func DeleteTopics(t testing.TB, broker string, names ...string) {
	t.Helper()
	admin := administrator(t, broker)
	for _, name := range names {
		if _, err := admin.DeleteTopic(t.Context(), name); err != nil {
			t.Fatalf("delete topic %s: %v", name, err)
		}
	}
	Await(t, "topics are gone", func() string {
		topics, err := admin.ListTopics(kadm.WithAuthorizedOps(t.Context()), names...)
		if err != nil {
			return err.Error()
		}
		for _, name := range names {
			if topics.Has(name) {
				return name + " is there"
			}
		}
		return ""
	})
}

// CreateTopic makes a topic as an administrator of Kafka does.
func CreateTopic(t testing.TB, broker, name string, partitions int32) {
	t.Helper()
	if _, err := administrator(t, broker).CreateTopic(t.Context(), partitions, 1, nil, name); err != nil {
		t.Fatalf("create topic %s: %v", name, err)
	}
}

func administrator(t testing.TB, broker string) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

// GrowTopic gives a topic more partitions as an administrator of Kafka does.
func GrowTopic(t testing.TB, broker, name string, partitions int) {
	t.Helper()
	grown, err := administrator(t, broker).UpdatePartitions(t.Context(), partitions, name)
	if err == nil {
		err = grown.Error()
	}
	if err != nil {
		t.Fatalf("grow topic %s: %v", name, err)
	}
}

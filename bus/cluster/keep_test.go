package cluster_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Whoever sets a topic so that positions, state or claims would go has it set
// back, while we run and when we start; what only keeps more stays as it is.
func TestKeep(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := k.Open(t, nil)
		specs := []contract.Spec{
			{Topic: "state", Partitions: 1, Compact: true, CompactAfter: time.Hour},
			{Topic: "claims", Partitions: 1, Retention: contract.Week},
			{Topic: "audit", Partitions: 1, Retention: -1},
		}
		if err := b.Ensure(t.Context(), specs...); err != nil {
			t.Fatal(err)
		}
		client, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...), kgo.Dialer(k.Dial))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		// A broker tells of what was altered when it has read the controller's log that far:
		// whoever asks at once may hear of before.
		set := func(topic, key, value string) {
			t.Helper()
			answers, err := kadm.NewClient(client).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, k.Prefix+topic)
			if err != nil || answers[0].Err != nil {
				t.Fatal(err, answers)
			}
			told(t, kadm.NewClient(client), k.Prefix+topic, key, value)
		}
		marks := 0
		settle := func() { // that log is in order: who has read a mark has read all before it
			t.Helper()
			marks++
			set("audit", "max.message.bytes", strconv.Itoa(1048588+marks))
		}
		for name, again := range map[string]func() error{
			"Keep":   func() error { return b.Keep(t.Context(), append(specs, contract.Spec{Topic: "not there"})...) },
			"Ensure": func() error { return b.Ensure(t.Context(), specs...) },
		} {
			set("state", "cleanup.policy", "delete")
			set("state", "min.compaction.lag.ms", "1")
			set("claims", "cleanup.policy", "compact")
			set("claims", "retention.ms", "60000") // an operator's to say
			set("audit", "retention.ms", "60000")
			for _, topic := range []string{"state", "claims", "audit"} {
				set(topic, "message.timestamp.type", "CreateTime")
			}
			if err := again(); err != nil {
				t.Fatal(name, err)
			}
			settle()
			got, err := b.Examine(t.Context(), "state", "claims", "audit")
			if err != nil {
				t.Fatal(err)
			}
			state, claims, audit := got["state"], got["claims"], got["audit"]
			if state.Policy != "compact" || state.CompactLagMS != time.Hour.Milliseconds() || claims.Policy != "delete" || claims.RetentionMS != 60000 || audit.RetentionMS != -1 {
				t.Errorf("%s left %+v, %+v, %+v", name, state, claims, audit)
			}
			for _, s := range got {
				if s.Dated != "LogAppendTime" {
					t.Errorf("%s left %+v", name, s)
				}
			}
			set("state", "min.compaction.lag.ms", "7200000")
			if err := again(); err != nil {
				t.Fatal(name, err)
			}
			settle()
			if got, err := b.Examine(t.Context(), "state"); err != nil || got["state"].CompactLagMS != 7200000 {
				t.Errorf("%s took from what is kept longer: %+v, %v", name, got, err)
			}
		}
	})
}

// told waits until the broker tells an option as it was set.
func told(t *testing.T, admin *kadm.Client, topic, key, value string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		configs, err := admin.DescribeTopicConfigs(ctx, topic)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range configs[0].Configs {
			if c.Key == key && c.MaybeValue() == value {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s of %q is never %q", key, topic, value)
		}
	}
}

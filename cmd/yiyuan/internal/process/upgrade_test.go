package process

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A bus that a build of before made keeps its claims and rejections, whatever time
// they bear, until all of them are older than their retention by the broker's clock;
// then retention is set again, once, also when a process was away. A newer bus is
// refused, a new one is only marked.
func TestUpgradeLiftsRetention(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		client, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...), kgo.Dialer(k.Dial))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		admin := kadm.NewClient(client)
		week := strconv.FormatInt(contract.Week.Milliseconds(), 10)
		compact := "compact"
		claims := contract.Claims("person")
		for topic, config := range map[contract.Topic]map[string]*string{
			claims: {"retention.ms": &week}, contract.Quarantine: {"retention.ms": &week}, contract.Sources: {"cleanup.policy": &compact},
		} {
			if _, err := admin.CreateTopic(t.Context(), 1, 1, config, k.Prefix+string(topic)); err != nil {
				t.Fatal(err)
			}
		}
		a := &Process{Bus: k.Open(t, nil), Log: slog.New(slog.DiscardHandler), Catalogue: &schemas.Catalogue{}}
		specs := []contract.Spec{
			{Topic: claims, Partitions: 1, Retention: contract.Week},
			{Topic: contract.Quarantine, Partitions: 1, Retention: 30 * 24 * time.Hour},
			{Topic: contract.Claims("none"), Partitions: 1, Retention: contract.Week},
			{Topic: contract.Sources, Partitions: 1, Compact: true},
		}
		kept := func() [2]int64 {
			t.Helper()
			have, err := a.Bus.Examine(t.Context(), claims, contract.Quarantine)
			if err != nil {
				t.Fatal(err)
			}
			return [2]int64{have[claims].RetentionMS, have[contract.Quarantine].RetentionMS}
		}
		for range 2 { // a start right after another changes nothing
			if err := a.upgrade(t.Context(), specs); err != nil {
				t.Fatal(err)
			}
			if got := kept(); got != [2]int64{-1, -1} {
				t.Fatalf("retention is %v after the upgrade", got)
			}
		}
		for _, later := range []struct {
			after time.Duration
			want  [2]int64
		}{{6 * 24 * time.Hour, [2]int64{-1, -1}}, {8 * 24 * time.Hour, [2]int64{contract.Week.Milliseconds(), -1}}, {31 * 24 * time.Hour, [2]int64{contract.Week.Milliseconds(), (30 * 24 * time.Hour).Milliseconds()}}} {
			mark := mustMark(t, a.Bus)
			if err := a.retain(t.Context(), mark, specs, time.Now().Add(later.after)); err != nil {
				t.Fatal(err)
			}
			if got := kept(); got != later.want {
				t.Errorf("after %v retention is %v, want %v", later.after, got, later.want)
			}
		}
		if mark := mustMark(t, a.Bus); len(mark.Lifted) != 0 || mark.Format != contract.Format {
			t.Errorf("in the end the mark is %+v", mark)
		}
		if err := a.writeMark(t.Context(), contract.Mark{Format: contract.Format + 1}); err != nil {
			t.Fatal(err)
		}
		if err := a.upgrade(t.Context(), specs); !errors.Is(err, bus.ErrConfig) {
			t.Errorf("a newer bus was taken: %v", err)
		}
	})
}

func TestNewBusIsMarked(t *testing.T) {
	k := bustest.Embedded(t)
	a := &Process{Bus: k.Open(t, nil), Log: slog.New(slog.DiscardHandler)}
	if err := a.upgrade(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if mark := mustMark(t, a.Bus); mark.Format != contract.Format || len(mark.Lifted) != 0 {
		t.Errorf("a new bus is marked %+v", mark)
	}
}

func mustMark(t *testing.T, b *bus.Bus) contract.Mark {
	t.Helper()
	mark, known, err := Mark(context.WithoutCancel(t.Context()), b)
	if err != nil || !known {
		t.Fatalf("no mark: %v", err)
	}
	return mark
}

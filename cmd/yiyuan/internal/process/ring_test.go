package process

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// ringOf is a ring of so many keys; another seed makes another ring.
func ringOf(t *testing.T, seed byte, versions, current int) *keyring.Keyring {
	t.Helper()
	keys := map[int][]byte{}
	for v := 1; v <= versions; v++ {
		keys[v] = bytes.Repeat([]byte{seed, byte(v)}, keyring.KeySize/2)
	}
	k, err := keyring.New(keyring.Intl, keys, current)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// comeTo opens a process on a bus, with a ring from its key file.
func comeTo(t *testing.T, broker *embedded.Broker, keys *keyring.Keyring) (*Process, error) {
	t.Helper()
	cfg := settings.Default()
	cfg.Bus.Brokers, cfg.Keys.File = broker.Addrs(), "keys.yaml"
	return New(t.Context(), cfg, keys, slog.New(slog.DiscardHandler))
}

// Processes with different keys that come to a new bus at the same time agree
// whose it is: those of one ring go on, all others are refused, whatever their
// role, and so is who comes later with another ring, or without a key in use.
func TestOneRingForAll(t *testing.T) {
	broker, err := embedded.Start(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	ring := func(seed byte, versions, current int) *keyring.Keyring { return ringOf(t, seed, versions, current) }
	come := func(keys *keyring.Keyring) error {
		a, err := comeTo(t, broker, keys)
		if err == nil {
			a.Close()
		}
		return err
	}
	const rings, each = 3, 2
	var came [rings][each]error
	var all sync.WaitGroup
	for r := range rings {
		for i := range each {
			all.Go(func() { came[r][i] = come(ring(byte(r+1), 1, 1)) })
		}
	}
	all.Wait()
	owner := 0
	for r := range came {
		taken := 0
		for _, err := range came[r] {
			if err == nil {
				taken++
			} else if !errors.Is(err, bus.ErrConfig) {
				t.Errorf("ring %d: %v, want ErrConfig", r+1, err)
			}
		}
		switch {
		case taken == each && owner == 0:
			owner = r + 1
		case taken > 0:
			t.Errorf("ring %d was taken %d times of %d, ring %d before", r+1, taken, each, owner)
		}
	}
	if owner == 0 {
		t.Fatal("no ring was taken")
	}
	if err := come(ring(9, 1, 1)); !errors.Is(err, bus.ErrConfig) {
		t.Errorf("another ring: %v, want ErrConfig", err)
	}
	for _, c := range []struct {
		what              string
		versions, current int
		refused           bool
	}{
		{"with a key added", 2, 1, false},
		{"without it", 1, 1, false},
		{"with it in use", 2, 2, false},
		{"with it, not in use here", 2, 1, false},
		{"without it, now that it is in use", 1, 1, true},
	} {
		if err := come(ring(byte(owner), c.versions, c.current)); errors.Is(err, bus.ErrConfig) != c.refused || !c.refused && err != nil {
			t.Errorf("the same ring %s: %v, refused must be %v", c.what, err, c.refused)
		}
	}
}

// A process that runs on an older key file ends, and says why, once a key comes
// into use that it does not hold; one that holds the key goes on. That the bus
// fails for a moment ends neither.
func TestKeyInUseElsewhere(t *testing.T) {
	broker, err := embedded.Start(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	open := func(versions, current int) *Process {
		a, err := comeTo(t, broker, ringOf(t, 7, versions, current))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(a.Close)
		return a
	}
	elder, ready := open(1, 1), open(2, 1)
	var refusals atomic.Int32
	broker.Cluster().ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
		broker.Cluster().KeepControl()
		asked := r.(*kmsg.ListOffsetsRequest)
		if !strings.HasSuffix(asked.Topics[0].Topic, string(contract.Control)) || refusals.Add(1) > 2 {
			return nil, nil, false
		}
		refused := asked.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, topic := range asked.Topics {
			t := kmsg.ListOffsetsResponseTopic{Topic: topic.Topic}
			for _, p := range topic.Partitions {
				t.Partitions = append(t.Partitions, kmsg.ListOffsetsResponseTopicPartition{Partition: p.Partition, ErrorCode: kerr.TopicAuthorizationFailed.Code})
			}
			refused.Topics = append(refused.Topics, t)
		}
		return refused, nil, true
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended, went := make(chan error, 1), make(chan error, 1)
	go func() { ended <- elder.watchKeys(ctx) }()
	go func() { went <- ready.watchKeys(ctx) }()
	open(2, 2)
	if err := <-ended; !errors.Is(err, bus.ErrConfig) || !strings.Contains(err.Error(), "keys.yaml lacks the version") {
		t.Errorf("watchKeys without the key = %v", err)
	}
	select {
	case err := <-went:
		t.Fatalf("watchKeys with the key = %v", err)
	default:
	}
	stop()
	if err := <-went; !errors.Is(err, context.Canceled) {
		t.Errorf("watchKeys at its end = %v", err)
	}
	if n := refusals.Load(); n <= 2 {
		t.Errorf("asked %d times where to begin: the bus did not fail them", n)
	}
}

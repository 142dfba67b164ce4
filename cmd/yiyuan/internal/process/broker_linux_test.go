package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// When the disk of its embedded broker does not take a record, the process ends and says so:
// nothing in it could go on. With room again it starts, and holds what was acknowledged.
func TestEndsWithItsBroker(t *testing.T) {
	dir := t.TempDir()
	cfg := settings.Default()
	cfg.Roles, cfg.Keys.File = []string{settings.RoleProcessors}, e2e.KeyFile(t, dir)
	cfg.Bus.Embedded = settings.Embedded{Data: filepath.Join(dir, "broker"), Listen: e2e.FreePort(t)}
	cfg.Registry.Listen, cfg.Admin.Listen, cfg.Log.Level = "", "", "error"
	full := filepath.Join(cfg.Bus.Embedded.Data, "partitions", string(contract.Quarantine)+"-0")
	run := func() (ended chan error, b *bus.Bus, stop func()) {
		ctx, stop := context.WithCancel(t.Context())
		ended = make(chan error, 1)
		go func() { ended <- Run(ctx, cfg, "test") }()
		e2e.Await(t, "the topics", func() string {
			select {
			case err := <-ended:
				t.Fatalf("ended by itself: %v", err)
			default:
			}
			ask, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			if b == nil {
				b, _ = bus.Open(ask, bus.Config{Brokers: []string{cfg.Bus.Embedded.Listen}}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			}
			if b == nil {
				return "it does not answer"
			}
			for _, topic := range []contract.Topic{contract.Audit, contract.Quarantine} {
				if n, err := b.Partitions(ask, topic); err != nil || n == 0 {
					return fmt.Sprintf("%s has %d partitions, %v", topic, n, err)
				}
			}
			return ""
		})
		return ended, b, stop
	}
	ended, b, stop := run()
	if err := errors.Join(os.MkdirAll(full, 0o700), os.Symlink("/dev/full", filepath.Join(full, "0.dat"))); err != nil {
		t.Fatal(err)
	}
	if err := b.Append(t.Context(), bus.Record{Topic: contract.Audit, Value: []byte("kept")}); err != nil {
		t.Fatal(err)
	}
	lost, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := b.Append(lost, bus.Record{Topic: contract.Quarantine, Value: []byte("lost")}); err == nil {
		t.Error("a record was acknowledged that is not on the disk")
	}
	b.Close()
	select {
	case err := <-ended:
		if !errors.Is(err, embedded.ErrDisk) || !strings.Contains(err.Error(), cfg.Bus.Embedded.Data) || strings.Contains(err.Error(), "\n") {
			t.Errorf("it ended with %v, want one line that names the disk", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on without its broker")
	}
	stop()
	if err := os.Remove(filepath.Join(full, "0.dat")); err != nil {
		t.Fatal(err)
	}
	ended, b, stop = run()
	held := 0
	if err := b.Replay(t.Context(), contract.Audit, func(bus.Record) error { held++; return nil }); err != nil || held != 1 {
		t.Errorf("%d records were kept, want 1 (%v)", held, err)
	}
	b.Close()
	stop()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

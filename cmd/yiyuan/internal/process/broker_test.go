package process

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
)

// A second process beside one with the embedded broker is told how both share a bus, and
// leaves the first one's folder alone.
func TestSecondBroker(t *testing.T) {
	dir := t.TempDir()
	first, err := StartBroker(t.Context(), settings.Embedded{Data: dir, Listen: "127.0.0.1:0"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	for _, second := range []settings.Embedded{{Data: dir, Listen: "127.0.0.1:0"}, {Data: dir, Listen: first.Addrs()[0]}, {Data: t.TempDir(), Listen: first.Addrs()[0]}} {
		broker, err := StartBroker(t.Context(), second, slog.New(slog.DiscardHandler))
		if err == nil {
			broker.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "bus.brokers") || second.Data == dir && !strings.Contains(err.Error(), "takes one broker alone") {
			t.Errorf("%+v: %v", second, err)
		}
	}
}

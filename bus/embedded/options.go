package embedded

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
)

// Options say where the broker listens and whether it keeps its log.
type Options struct {
	Dir    string // folder of the log, on the disk before each answer; "" = in memory
	Listen string // host:port; "" = 127.0.0.1 and a free port
	// Sync replaces how a file or folder is brought to the disk, for tests of slow
	// and broken disks.
	Sync func(path string) error
	// ListenFn replaces the network, for simulations.
	ListenFn func(network, address string) (net.Listener, error)
	// Brokers is how many brokers it plays, for simulations of leaders that move;
	// 1. They share one memory, so more of them keep nothing safer.
	Brokers int
	Logger  *slog.Logger
}

// listener returns what opens the broker's ports.
func (o Options) listener(ctx context.Context) func(network, address string) (net.Listener, error) {
	if o.ListenFn != nil {
		return o.ListenFn
	}
	at := cmp.Or(o.Listen, "127.0.0.1:0")
	return func(network, _ string) (net.Listener, error) {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, network, at)
		if err != nil {
			return nil, fmt.Errorf("broker address %q: %w", at, err)
		}
		return l, nil
	}
}

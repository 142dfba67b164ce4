package engine

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/processors/state"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
)

// Child is our engine: resolve.person as `yiyuan run` runs it, from the
// same packages, alone in a process.
func Child(ctx context.Context, args []string) (err error) {
	ctx, cancel := process.UntilOrphaned(ctx)
	defer cancel()
	f := flag.NewFlagSet("child-engine", flag.ContinueOnError)
	brokers, prefix := f.String("brokers", "", ""), f.String("prefix", "", "")
	dir, profile := f.String("dir", "", ""), f.String("profile", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	stop, err := profileTo(*profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	metrics := prometheus.NewRegistry()
	b, err := bus.Open(ctx, bus.Config{Brokers: strings.Split(*brokers, ","), Prefix: *prefix}, log, metrics)
	if err != nil {
		return fmt.Errorf("open bus: %w", err)
	}
	defer b.Close()
	reg, err := registry.Open(ctx, b.SchemaLog(), "", log)
	if err != nil {
		return fmt.Errorf("open registry: %w", err)
	}
	defer reg.Close()
	cat, err := engineCatalogue()
	if err != nil {
		return err
	}
	keys, err := engineKeys()
	if err != nil {
		return err
	}
	store, err := state.Open(state.Options{Dir: *dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	err = processors.Run(ctx, b, resolve.New(cat, codec.New(reg), keys, "person"), processors.Config{
		Store: store, Instance: "bench", Metrics: processors.NewMetrics(metrics),
	}, log)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// profileTo starts a CPU profile, "" = none, and returns what ends it.
func profileTo(file string) (func() error, error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, fmt.Errorf("keep a profile: %w", err)
	}
	w, err := os.Create(file)
	if err != nil {
		return nil, fmt.Errorf("keep a profile: %w", err)
	}
	if err := pprof.StartCPUProfile(w); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return func() error { pprof.StopCPUProfile(); return w.Close() }, nil
}

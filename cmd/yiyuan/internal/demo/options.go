package demo

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
)

// Options are the demonstration's flags.
type Options struct {
	Seed    int64
	Size    string
	Rate    int
	Data    string
	Listen  string
	Base    string
	Lasting time.Duration
	JSON    bool
	Verbose bool
	Build   string // what the tour calls this version of the program

	CorrectAfter, CorrectEvery time.Duration
}

// folder makes the data folder.
func (o Options) folder() (string, error) {
	if o.Data == "" {
		dir, err := os.MkdirTemp("", "yiyuan-demo-")
		if err != nil {
			return "", fmt.Errorf("make a temporary folder: %w", err)
		}
		return dir, nil
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return "", fmt.Errorf("数据目录建不了 / make data folder: %w", err)
	}
	dir, err := filepath.Abs(o.Data)
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	return dir, nil
}

// config is the process configuration of a demonstration: everything embedded.
func (o Options) config(ctx context.Context, dir string) settings.Config {
	cfg := settings.Default()
	cfg.Bus.Embedded.Listen = freeAddress(ctx, cfg.Bus.Embedded.Listen)
	cfg.Registry.Listen = freeAddress(ctx, cfg.Registry.Listen)
	cfg.Push.Listen = freeAddress(ctx, cfg.Push.Listen)
	cfg.Admin.Listen = freeAddress(ctx, cfg.Admin.Listen)
	cfg.Gateway.Listen = o.Listen
	cfg.Gateway.OpenConsole = true
	cfg.Processors.Instance = "demo"
	if o.Data != "" {
		cfg.Bus.Embedded.Data = filepath.Join(dir, "broker")
		cfg.Processors.Dir = filepath.Join(dir, "state")
	}
	return cfg
}

// freeAddress returns the preferred address, or one on a free port when that is taken.
func freeAddress(ctx context.Context, preferred string) string {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", preferred)
	if err == nil {
		_ = l.Close() // only asked whether it can be had
		return preferred
	}
	host, _, _ := strings.Cut(preferred, ":")
	return net.JoinHostPort(host, "0")
}

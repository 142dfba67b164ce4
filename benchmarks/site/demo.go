package site

import (
	"context"
	"errors"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
)

// ReadyLine is what `yiyuan demo --json` prints once it can be asked.
type ReadyLine struct {
	Gateway string `json:"gateway"`
	Kafka   string `json:"kafka"`
	Admin   string `json:"admin"`
	Apps    []struct {
		ID, Key  string
		Purposes []string
	} `json:"apps"`
}

// StartDemo starts a demonstration and returns when it is ready.
func (b *Bench) StartDemo(ctx context.Context, flags ...string) (*process.Process, ReadyLine, error) {
	var ready ReadyLine
	demo, err := process.Launch(ctx, nil, b.Yiyuan, append([]string{"demo", "--json", "--listen", "127.0.0.1:0"}, flags...)...)
	if err != nil {
		return nil, ready, err
	}
	if err := demo.Answer(ctx, time.Minute, &ready); err != nil {
		return nil, ready, errors.Join(err, demo.Stop())
	}
	return demo, ready, nil
}

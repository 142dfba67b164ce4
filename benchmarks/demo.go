package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// readyLine is what `yiyuan demo --json` prints once it can be asked.
type readyLine struct {
	Gateway string `json:"gateway"`
	Kafka   string `json:"kafka"`
	Admin   string `json:"admin"`
	Apps    []struct {
		ID, Key  string
		Purposes []string
	} `json:"apps"`
}

// startDemo starts a demonstration and returns when it is ready.
func (b *bench) startDemo(ctx context.Context, flags ...string) (*process, readyLine, error) {
	var ready readyLine
	demo, err := launch(ctx, nil, b.yiyuan, append([]string{"demo", "--json", "--listen", "127.0.0.1:0"}, flags...)...)
	if err != nil {
		return nil, ready, err
	}
	if err := demo.answer(ctx, time.Minute, &ready); err != nil {
		return nil, ready, errors.Join(err, demo.stop())
	}
	return demo, ready, nil
}

// demo measures how long a visitor waits.
func (b *bench) demo(ctx context.Context) error {
	rounds := 5
	if b.quick {
		rounds = 1
	}
	var seconds, cpu []float64
	var peak int64
	var slowest, ended time.Duration
	for range rounds {
		demo, _, err := b.startDemo(ctx)
		if err != nil {
			return err
		}
		took, used := time.Since(demo.began), demo.usage()
		seconds, cpu, slowest, peak = append(seconds, took.Seconds()), append(cpu, used.cpu.Seconds()), max(slowest, took), max(peak, used.peak)
		stopping := time.Now()
		if err := demo.stop(); err != nil {
			return err
		}
		ended = max(ended, time.Since(stopping))
	}
	b.table.add(b, row{
		what: "demo, exec to ready line, tiny", broker: "embedded, miniredis",
		figure: fmt.Sprintf("%.2f s (slowest of %d: %.2f s)", median(seconds), rounds, slowest.Seconds()),
		goal:   "<= 5 s",
		more:   fmt.Sprintf("CPU %.1f s, peak RSS %d MiB; Ctrl-C to gone %s", median(cpu), peak>>20, millis(ended)),
	})
	return nil
}

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
)

// demo measures how long a visitor waits.
func (b bench) demo(ctx context.Context) error {
	rounds := 5
	if b.Quick {
		rounds = 1
	}
	var seconds, cpu []float64
	var peak int64
	var slowest, ended time.Duration
	for range rounds {
		demo, _, err := b.StartDemo(ctx)
		if err != nil {
			return err
		}
		took, used := time.Since(demo.Began), demo.Usage()
		seconds, cpu, slowest, peak = append(seconds, took.Seconds()), append(cpu, used.CPU.Seconds()), max(slowest, took), max(peak, used.Peak)
		stopping := time.Now()
		if err := demo.Stop(); err != nil {
			return err
		}
		ended = max(ended, time.Since(stopping))
	}
	b.Add(table.Row{
		What: "demo, exec to ready line, tiny", Broker: "embedded, miniredis",
		Figure: fmt.Sprintf("%.2f s (slowest of %d: %.2f s)", table.Median(seconds), rounds, slowest.Seconds()),
		Goal:   "<= 5 s",
		More:   fmt.Sprintf("CPU %.1f s, peak RSS %d MiB; Ctrl-C to gone %s", table.Median(cpu), peak>>20, table.Millis(ended)),
	})
	return nil
}

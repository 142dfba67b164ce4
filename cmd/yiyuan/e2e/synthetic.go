package e2e

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Connect waits until the process's broker answers.
func Connect(t testing.TB, p *Process, brokers []string, prefix string) *bus.Bus {
	t.Helper()
	var b *bus.Bus
	Await(t, "broker", func() string {
		p.Alive()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // it is asked again
		defer cancel()
		var err error
		if b, err = bus.Open(ctx, bus.Config{Brokers: brokers, Prefix: prefix}, nil, prometheus.NewRegistry()); err != nil {
			return err.Error()
		}
		return ""
	})
	return b
}

// Statuses is what each source last said of itself.
func Statuses(ctx context.Context, t testing.TB, j *Journey) map[string]contract.SourceStatus {
	t.Helper()
	out := map[string]contract.SourceStatus{}
	err := j.Bus.Replay(ctx, contract.Sources, func(r bus.Record) error {
		if r.Value == nil {
			delete(out, string(r.Key))
			return nil
		}
		var s contract.SourceStatus
		err := json.Unmarshal(r.Value, &s)
		out[string(r.Key)] = s
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

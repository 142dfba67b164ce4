package process

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// How often Kafka is asked whether it answers, for how long an answer is waited for, and
// how long it may be away before this process is not ready: a broker that is started
// again, and a partition that finds another leader, are back before.
const (
	reachEvery = 2 * time.Second
	reachWait  = 5 * time.Second
	reachLost  = 15 * time.Second
	// For how long who needs a Kafka that is away waits for it.
	reachAsked = time.Second
)

// reach knows whether Kafka answers: the one judge of it in a process. It looks all the
// time, so that whoever asks is told at once. What has not looked yet was opened, so it
// answered.
type reach struct {
	ping func(context.Context) error
	log  *slog.Logger
	last atomic.Pointer[time.Time] // when it answered
	asks singleflight.Group
}

// NewKafkaUp counts whether Kafka answers this process.
func NewKafkaUp(answers func() bool) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "yiyuan_process_kafka_up", Help: "Kafka 应答本进程为 1，15 秒没有应答为 0 / 1 while Kafka answers this process, 0 once it has not for 15 seconds.",
	}, func() float64 {
		if answers() {
			return 1
		}
		return 0
	})
}

func newReach(ping func(context.Context) error, log *slog.Logger, reg prometheus.Registerer) *reach {
	r := &reach{ping: ping, log: log}
	r.answered()
	reg.MustRegister(NewKafkaUp(r.answers))
	return r
}

// answers reports whether Kafka answered lately.
func (r *reach) answers() bool { return r == nil || time.Since(*r.last.Load()) < reachLost }

// Away implements gateway.Kafka.
func (r *reach) Away() (since time.Time, away bool) { return *r.last.Load(), !r.answers() }

// Reached implements gateway.Kafka: who comes first after Kafka is back need not wait for
// the next look. Those who ask at a time share one question.
func (r *reach) Reached(ctx context.Context) bool {
	if r.answers() {
		return true
	}
	asked := r.asks.DoChan("", func() (any, error) {
		ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), reachAsked)
		defer cancel()
		err := r.ping(ask)
		if err == nil {
			r.answered()
		}
		return nil, err
	})
	select {
	case said := <-asked:
		return said.Err == nil
	case <-ctx.Done():
		return false
	}
}

func (r *reach) answered() {
	now := time.Now()
	r.last.Store(&now)
}

// attend looks until ctx ends.
func (r *reach) attend(ctx context.Context) {
	tick := time.NewTicker(reachEvery)
	defer tick.Stop()
	var lost time.Time // since when it is away, once that is told
	for {
		ask, cancel := context.WithTimeout(ctx, reachWait)
		err := r.ping(ask)
		cancel()
		if ctx.Err() != nil {
			return
		}
		switch since, away := r.Away(); {
		case err == nil:
			r.answered()
			if !lost.IsZero() {
				r.log.Info("kafka answers again", "away", time.Since(lost).Round(time.Second))
			}
			lost = time.Time{}
		case away && lost.IsZero():
			lost = since
			r.log.Warn("kafka does not answer, not ready", "since", time.Since(since).Round(time.Second), "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ready answers /readyz of a listener whose work begins or ends in Kafka.
func (r *reach) ready(w http.ResponseWriter, q *http.Request) {
	if !r.answers() {
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintln(w, "kafka does not answer") // the prober has gone
		return
	}
	listener.Lives(w, q)
}

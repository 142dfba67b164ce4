package connectors

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	changes    *prometheus.CounterVec
	rejections *prometheus.CounterVec
	bytes      *prometheus.CounterVec
	batches    *prometheus.CounterVec
	publish    *prometheus.HistogramVec
	restarts   *prometheus.CounterVec
	up         *prometheus.GaugeVec
	caughtUp   *prometheus.GaugeVec
}

// newMetrics registers the connectors' metrics; the connectors of one process
// share them.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	var errs []error
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return shared(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels), &errs)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return shared(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels), &errs)
	}
	m := &metrics{
		changes:    counter("yiyuan_connectors_changes_total", "Changes published.", "source", "dataset", "op"),
		rejections: counter("yiyuan_connectors_rejections_total", "Rows and files sent to quarantine.", "source", "dataset", "reason"),
		bytes:      counter("yiyuan_connectors_published_bytes_total", "Bytes of keys and values published.", "source"),
		batches:    counter("yiyuan_connectors_batches_total", "Batches committed, heartbeats not counted.", "source"),
		publish: shared(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yiyuan_connectors_publish_seconds", Help: "One batch from read to committed.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"source"}), &errs),
		restarts: counter("yiyuan_connectors_restarts_total", "Times the source was opened again after an error.", "source"),
		up:       gauge("yiyuan_connectors_up", "1 while the source is open.", "source"),
		caughtUp: gauge("yiyuan_connectors_caught_up_timestamp_seconds", "Everything committed at the source before this time is published.", "source"),
	}
	return m, errors.Join(errs...)
}

// shared registers a collector or takes the one that another connector registered.
func shared[C prometheus.Collector](reg prometheus.Registerer, c C, errs *[]error) C {
	err := reg.Register(c)
	if err == nil {
		return c
	}
	if twice, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if existing, ok := twice.ExistingCollector.(C); ok {
			return existing
		}
	}
	*errs = append(*errs, fmt.Errorf("register metrics: %w", err))
	return c
}

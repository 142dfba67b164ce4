package processors

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	stageSeconds *prometheus.HistogramVec
	records      *prometheus.CounterVec
	timers       *prometheus.CounterVec
	stateBytes   *prometheus.CounterVec
}

// Metrics are the metrics of all steps of a process; make one and share it.
type Metrics struct{ m *metrics }

// NewMetrics registers the steps' metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &metrics{
		stageSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yiyuan_processors_stage_seconds", Help: "One batch through a stage.", Buckets: prometheus.ExponentialBuckets(0.00005, 4, 10),
		}, []string{"step"}),
		records:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_processors_records_total", Help: "Records handed to a stage."}, []string{"step"}),
		timers:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_processors_timers_total", Help: "Wake-ups delivered."}, []string{"step"}),
		stateBytes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_processors_state_bytes_total", Help: "Bytes of state changes committed."}, []string{"step"}),
	}
	reg.MustRegister(m.stageSeconds, m.records, m.timers, m.stateBytes)
	return &Metrics{m}
}

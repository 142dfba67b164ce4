package bus

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	commitSeconds *prometheus.HistogramVec
	commits       *prometheus.CounterVec
	records       *prometheus.CounterVec
	restored      *prometheus.CounterVec
	published     *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		commitSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yiyuan_bus_commit_seconds", Help: "One commit of the exactly-once loop, flush included.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}, []string{"group"}),
		commits:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_commits_total", Help: "Transactions of the exactly-once loop by outcome."}, []string{"group", "outcome"}),
		records:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_records_total", Help: "Records of committed transactions."}, []string{"group", "direction"}),
		restored:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_restored_records_total", Help: "Changelog records applied while taking over partitions."}, []string{"group"}),
		published: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_published_records_total", Help: "Records published by connectors."}, []string{"source"}),
	}
	reg.MustRegister(m.commitSeconds, m.commits, m.records, m.restored, m.published)
	return m
}

package bus

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	commitSeconds *prometheus.HistogramVec // of publishers and, in engine, of steps
	published     *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		commitSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yiyuan_bus_commit_seconds", Help: "精确一次循环提交一次的耗时，含 flush。 / One commit of the exactly-once loop, flush included.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}, []string{"group"}),
		published: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_published_records_total", Help: "数据源发布的记录数。 / Records published by connectors."}, []string{"source"}),
	}
	reg.MustRegister(m.commitSeconds, m.published)
	return m
}

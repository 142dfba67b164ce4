package engine

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	commitSeconds *prometheus.HistogramVec
	commits       *prometheus.CounterVec
	records       *prometheus.CounterVec
	restored      *prometheus.CounterVec
	restoring     *prometheus.GaugeVec
	standby       *prometheus.CounterVec
	standing      *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer, commitSeconds *prometheus.HistogramVec) *metrics {
	m := &metrics{
		commitSeconds: commitSeconds,
		commits:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_commits_total", Help: "Transactions of the exactly-once loop by outcome."}, []string{"group", "outcome"}),
		records:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_records_total", Help: "Records of committed transactions."}, []string{"group", "direction"}),
		restored:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_restored_records_total", Help: "Changelog records applied while taking over partitions."}, []string{"group"}),
		restoring:     prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "yiyuan_bus_restore_remaining_records", Help: "Changelog records still to be applied before partitions can be worked on."}, []string{"group"}),
		standby:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_standby_records_total", Help: "Changelog records applied to the warm state of partitions that other processes hold."}, []string{"group"}),
		standing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "yiyuan_bus_standing_workers", Help: "Workers of a step that stand still because Kafka refuses what they write to the topic. They try again; the log says why and what to do.",
		}, []string{"step", "topic"}),
	}
	reg.MustRegister(m.commits, m.records, m.restored, m.restoring, m.standby, m.standing)
	return m
}

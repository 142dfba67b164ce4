package bus

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
)

type metrics struct {
	commitSeconds *prometheus.HistogramVec
	commits       *prometheus.CounterVec
	records       *prometheus.CounterVec
	restored      *prometheus.CounterVec
	restoring     *prometheus.GaugeVec
	standby       *prometheus.CounterVec
	published     *prometheus.CounterVec
	standing      *prometheus.GaugeVec
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
		restoring: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "yiyuan_bus_restore_remaining_records", Help: "Changelog records still to be applied before partitions can be worked on."}, []string{"group"}),
		standby:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_standby_records_total", Help: "Changelog records applied to the warm state of partitions that other processes hold."}, []string{"group"}),
		published: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_published_records_total", Help: "Records published by connectors."}, []string{"source"}),
		standing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "yiyuan_bus_standing_workers", Help: "Workers of a step that stand still because Kafka refuses what they write to the topic. They try again; the log says why and what to do.",
		}, []string{"step", "topic"}),
	}
	reg.MustRegister(m.commitSeconds, m.commits, m.records, m.restored, m.restoring, m.standby, m.published, m.standing)
	return m
}

// logger passes the Kafka client's own messages on, its Info as our Debug: what
// an operator must see is logged by this package.
type logger struct{ log *slog.Logger }

// Level implements kgo.Logger.
func (l logger) Level() kgo.LogLevel {
	if l.log.Enabled(context.Background(), slog.LevelDebug) { // slog wants a context and looks into none
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelWarn
}

// Log implements kgo.Logger.
func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelDebug
	if level <= kgo.LogLevelWarn {
		to = slog.LevelWarn
	}
	l.log.Log(context.Background(), to, "kafka client", append([]any{"said", msg}, keyvals...)...)
}

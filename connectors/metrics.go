package connectors

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
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
		changes:    counter("yiyuan_connectors_changes_total", "发布的变更数。 / Changes published.", "source", "dataset", "op"),
		rejections: counter("yiyuan_connectors_rejections_total", "进入问题数据的行数和文件数。 / Rows and files sent to quarantine.", "source", "dataset", "reason"),
		bytes:      counter("yiyuan_connectors_published_bytes_total", "发布的键和值的字节数。 / Bytes of keys and values published.", "source"),
		batches:    counter("yiyuan_connectors_batches_total", "已提交的批次数，不计心跳。 / Batches committed, heartbeats not counted.", "source"),
		publish: shared(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yiyuan_connectors_publish_seconds", Help: "一批从读取到提交的耗时。 / One batch from read to committed.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"source"}), &errs),
		restarts: counter("yiyuan_connectors_restarts_total", "数据源出错后重新打开的次数。 / Times the source was opened again after an error.", "source"),
		up:       gauge("yiyuan_connectors_up", "数据源打开期间为 1。 / 1 while the source is open.", "source"),
		caughtUp: gauge("yiyuan_connectors_caught_up_timestamp_seconds", "数据源在此时间之前提交的内容均已发布，Unix 时间戳。 / Everything committed at the source before this time is published.", "source"),
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

// count counts a batch that source name has published: what was rejected of it, how many
// bytes it came to and how long it took. The source has caught up with caughtUp, Unix
// milliseconds, 0 = never.
func (m *metrics) count(name string, caughtUp int64, b Batch, rejections []contract.Rejection, bytes int, took time.Duration) {
	if caughtUp > 0 {
		m.caughtUp.WithLabelValues(name).Set(float64(caughtUp) / 1000)
	}
	if len(b.Changes) == 0 && len(rejections) == 0 {
		return
	}
	type label struct {
		dataset string
		op      schemas.Op
	}
	counts := map[label]int{}
	for i := range b.Changes {
		counts[label{b.Changes[i].Dataset.ID, b.Changes[i].Op}]++
	}
	for l, n := range counts {
		m.changes.WithLabelValues(name, l.dataset, string(ops[l.op])).Add(float64(n))
	}
	for _, x := range rejections {
		m.rejections.WithLabelValues(name, x.Dataset, x.Reason).Inc()
	}
	m.bytes.WithLabelValues(name).Add(float64(bytes))
	m.batches.WithLabelValues(name).Inc()
	m.publish.WithLabelValues(name).Observe(took.Seconds())
}

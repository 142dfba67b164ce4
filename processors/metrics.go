package processors

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	stageSeconds *prometheus.HistogramVec
	records      *prometheus.CounterVec
	timers       *prometheus.CounterVec
	stateBytes   *prometheus.CounterVec
	renewed      *prometheus.CounterVec
	renewing     *prometheus.GaugeVec
	maskFailures *prometheus.CounterVec
	damaged      prometheus.Counter
}

// Metrics are the metrics of all steps of a process; make one and share it.
type Metrics struct{ m *metrics }

// NewMetrics registers the steps' metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &metrics{
		stageSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yiyuan_processors_stage_seconds", Help: "步骤处理一批的耗时。 / One batch through a stage.", Buckets: prometheus.ExponentialBuckets(0.00005, 4, 10),
		}, []string{"step"}),
		records:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_processors_records_total", Help: "交给步骤处理的记录数。 / Records handed to a stage."}, []string{"step"}),
		timers:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_processors_timers_total", Help: "到时唤醒的次数。 / Wake-ups delivered."}, []string{"step"}),
		stateBytes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_processors_state_bytes_total", Help: "已提交的状态变更的字节数。 / Bytes of state changes committed."}, []string{"step"}),
		renewed:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_processors_renewed_total", Help: "因目录或生效的内容有变而重新处理的行和实体数。 / Rows and entities looked at because the catalogue or what is in force has changed."}, []string{"step"}),
		renewing:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "yiyuan_processors_renewing_partitions", Help: "尚未全部按现行目录和密钥重算完的分区数。 / Partitions of which not all is computed under the present catalogue and key yet."}, []string{"step"}),
		maskFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_processors_mask_failures_total", Help: "因脱敏失败而未进入视图的字段数。不为 0 即应告警。 / Fields dropped from a view because their mask failed. Anything but 0 is an alarm.",
		}, []string{"view", "field"}),
		damaged: prometheus.NewCounter(prometheus.CounterOpts{Name: "yiyuan_processors_state_damaged_total", Help: "本地状态在磁盘上损坏并已从变更日志恢复的次数。 / Times that local state was damaged on the disk and was restored from the changelogs."}),
	}
	reg.MustRegister(m.stageSeconds, m.records, m.timers, m.stateBytes, m.renewed, m.renewing, m.maskFailures, m.damaged)
	return &Metrics{m}
}

// MaskFailures is where the workers of a step count masks that failed. Both
// labels come from the catalogue.
type MaskFailures struct {
	counter atomic.Pointer[prometheus.CounterVec]
}

// Failed counts one. A transaction that is repeated counts again.
func (f *MaskFailures) Failed(view, field string) {
	if counter := f.counter.Load(); counter != nil {
		counter.WithLabelValues(view, field).Inc()
	}
}

// Watch lets the failures that a step's masks count be seen among the metrics; nil counts none.
func (m *Metrics) Watch(f *MaskFailures) {
	if f != nil {
		f.counter.Store(m.m.maskFailures)
	}
}

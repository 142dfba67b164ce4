package question

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	lookup      *prometheus.HistogramVec
	denied      *prometheus.CounterVec
	audit       prometheus.Histogram
	auditFailed prometheus.Counter
	negatives   *prometheus.CounterVec
	stopped     *prometheus.CounterVec
	missRatio   *prometheus.GaugeVec
	missAlarms  prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	seconds := prometheus.ExponentialBuckets(0.00025, 2, 16)
	m := &metrics{
		lookup: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yiyuan_gateway_lookup_seconds", Help: "查询的耗时，含留痕。 / Time of lookups, audit and all.", Buckets: seconds,
		}, []string{"view", "outcome"}),
		denied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_denied_total", Help: "拒绝的查询和核验数，按原因。 / Questions refused.",
		}, []string{"reason"}),
		audit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "yiyuan_gateway_audit_seconds", Help: "留痕落盘的耗时。 / Time until an audit entry is durable.", Buckets: seconds,
		}),
		auditFailed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "yiyuan_gateway_audit_failures_total", Help: "留痕写不进去而未作答的次数。 / Answers withheld because their audit entry could not be written.",
		}),
		negatives: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_verify_negatives_total", Help: "答为“不一致”的核验数。 / Verifications answered with no.",
		}, []string{"app"}),
		stopped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_verify_stopped_total", Help: "因不一致过多而被拒绝的核验数。不为 0 即应告警。 / Verifications refused because too many had failed. Anything but 0 is an alarm.",
		}, []string{"app"}),
		missRatio: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_verify_miss_ratio", Help: "应用在最近十至二十分钟的核验中答为“不一致”的比例，各网关合计。 / Share of an application's verifications of the last ten to twenty minutes that were answered with no, over all gateways.",
		}, []string{"app"}),
		missAlarms: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_verify_alarming_applications", Help: "多数核验不一致或已被暂停核验的应用数。不为 0 即应告警。 / Applications most of whose verifications fail, or that were stopped. Anything but 0 is an alarm.",
		}),
	}
	reg.MustRegister(m.lookup, m.denied, m.audit, m.auditFailed, m.negatives, m.stopped, m.missRatio, m.missAlarms)
	return m
}

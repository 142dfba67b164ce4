package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/gateway/grants"
)

type metrics struct {
	request      *prometheus.HistogramVec
	lookup       *prometheus.HistogramVec
	denied       *prometheus.CounterVec
	audit        prometheus.Histogram
	auditFailed  prometheus.Counter
	negatives    *prometheus.CounterVec
	stopped      *prometheus.CounterVec
	missRatio    *prometheus.GaugeVec
	missAlarms   prometheus.Gauge
	accessUp     prometheus.Gauge
	applications prometheus.Gauge
	materialised *prometheus.CounterVec
	skipped      *prometheus.CounterVec
	rebuilds     *prometheus.CounterVec
	inFlight     prometheus.Gauge
	freshness    *prometheus.GaugeVec
	realtime     prometheus.Gauge
	observed     prometheus.Gauge
	asked        prometheus.Gauge
	waiting      prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	seconds := prometheus.ExponentialBuckets(0.00025, 2, 16)
	m := &metrics{
		request: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yiyuan_gateway_request_seconds", Help: "Time of HTTP requests.", Buckets: seconds,
		}, []string{"operation", "status"}),
		lookup: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yiyuan_gateway_lookup_seconds", Help: "Time of lookups, audit and all.", Buckets: seconds,
		}, []string{"view", "outcome"}),
		denied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_denied_total", Help: "Questions refused.",
		}, []string{"reason"}),
		audit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "yiyuan_gateway_audit_seconds", Help: "Time until an audit entry is durable.", Buckets: seconds,
		}),
		auditFailed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "yiyuan_gateway_audit_failures_total", Help: "Answers withheld because their audit entry could not be written.",
		}),
		negatives: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_verify_negatives_total", Help: "Verifications answered with no.",
		}, []string{"app"}),
		stopped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_verify_stopped_total", Help: "Verifications refused because too many had failed. Anything but 0 is an alarm.",
		}, []string{"app"}),
		missRatio: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_verify_miss_ratio", Help: "Share of an application's verifications of the last ten to twenty minutes that were answered with no, over all gateways.",
		}, []string{"app"}),
		missAlarms: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_verify_alarming_applications", Help: "Applications most of whose verifications fail, or that were stopped. Anything but 0 is an alarm.",
		}),
		accessUp: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_access_up", Help: "0 while the access file cannot be used and the rules before it stay in force: an alarm.",
		}),
		applications: prometheus.NewGauge(prometheus.GaugeOpts{Name: "yiyuan_gateway_access_applications", Help: "Applications in force."}),
		materialised: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_materialised_total", Help: "Records of the shared topics taken into the cache.",
		}, []string{"view"}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_skipped_total", Help: "Records that could not be taken: no version, too large, unreadable, or the program panicked on them.",
		}, []string{"view", "reason"}),
		rebuilds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_rebuilds_total", Help: "Times the cache was filled again: asked for, or lost.",
		}, []string{"cause"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "yiyuan_gateway_in_flight", Help: "Requests under way."}),
		freshness: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_freshness_seconds", Help: "Age of what the cache holds of a dataset. No sample while it is unknown.",
		}, []string{"dataset"}),
		observed: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_realtime_observed_seconds", Help: "For how long what the realtime ratio counts has been watched, at most a day; before that it is not known to be met.",
		}),
		asked: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_realtime_lookups", Help: "Look-ups of the last day that the realtime ratio rests on.",
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_waiting_rules", Help: "Cases of rules that are not judged yet, because they speak of absence and a dataset has had no complete copy.",
		}),
		realtime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_realtime_ratio", Help: "Share of all datasets that can be queried in real time.",
		}),
	}
	reg.MustRegister(m.request, m.lookup, m.denied, m.audit, m.auditFailed, m.negatives, m.stopped, m.missRatio, m.missAlarms, m.accessUp, m.applications, m.materialised, m.skipped,
		m.rebuilds, m.inFlight, m.freshness, m.realtime, m.observed, m.asked, m.waiting)
	return m
}

// granted shows whether the applications in force are those of the file.
func (m *metrics) granted(s grants.State) {
	m.applications.Set(float64(s.Applications))
	m.accessUp.Set(1)
	if s.Err != nil {
		m.accessUp.Set(0)
	}
}

package listener

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are those of all listeners of a process.
type Metrics struct {
	refused     *prometheus.CounterVec
	connections *prometheus.GaugeVec
	displaced   *prometheus.CounterVec
	expiry      *prometheus.GaugeVec
}

// NewMetrics registers the metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_listener_refused_total", Help: "拒绝的请求数，按监听端口和错误码（见 docs/reference/errors.md）。 / Requests refused, by listener and code of docs/reference/errors.md.",
		}, []string{"listener", "code"}),
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "yiyuan_listener_in_flight", Help: "打开的连接数。 / Connections open.",
		}, []string{"listener"}),
		displaced: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_listener_displaced_total", Help: "空闲或不读答复而给新连接让位的连接数。上升很快说明有人占着连接不放。 / Connections that asked nothing, or left an answer unread, and made room for newer ones. Rising fast: somebody holds connections open.",
		}, []string{"listener"}),
	}
	m.expiry = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "yiyuan_listener_certificate_expiry_timestamp_seconds", Help: "监听端口的 TLS 证书到期时间，Unix 时间戳。宜提前两周告警。 / When the listener's TLS certificate ends, Unix time. Alert two weeks before.",
	}, []string{"listener"})
	reg.MustRegister(m.refused, m.connections, m.displaced, m.expiry)
	return m
}

func (m *Metrics) refusals(listener string) func(code string) {
	if m == nil {
		return func(string) {}
	}
	return func(code string) { m.refused.WithLabelValues(listener, code).Inc() }
}

func (m *Metrics) opened(listener string, by float64) {
	if m != nil {
		m.connections.WithLabelValues(listener).Add(by)
	}
}

// Expires says when the certificate of a listener ends.
func (m *Metrics) Expires(listener string, at time.Time) {
	if m != nil {
		m.expiry.WithLabelValues(listener).Set(float64(at.Unix()))
	}
}

func (m *Metrics) displace(listener string) {
	if m != nil {
		m.displaced.WithLabelValues(listener).Inc()
	}
}

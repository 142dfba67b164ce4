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
			Name: "yiyuan_listener_refused_total", Help: "Requests refused, by listener and code of docs/reference/errors.md.",
		}, []string{"listener", "code"}),
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "yiyuan_listener_in_flight", Help: "Connections open.",
		}, []string{"listener"}),
		displaced: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_listener_displaced_total", Help: "Connections that asked nothing, or left an answer unread, and made room for newer ones. Rising fast: somebody holds connections open.",
		}, []string{"listener"}),
	}
	m.expiry = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "yiyuan_listener_certificate_expiry_timestamp_seconds", Help: "When the listener's TLS certificate ends, Unix time. Alert two weeks before.",
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

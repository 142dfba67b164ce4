// Package api is the face of the gateway: one file a resource, what is asked in it
// and what is answered, described as OpenAPI and bound. It judges the form of a
// request; what may be answered is judged in package question.
//
// Metrics: yiyuan_gateway_request_seconds{operation,status}, yiyuan_gateway_in_flight.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/gateway/pulse"
	"github.com/yiyuan-bus/yiyuan/gateway/quarantine"
	"github.com/yiyuan-bus/yiyuan/gateway/question"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Parts are what the API shows.
type Parts struct {
	Catalogue  *schemas.Catalogue
	Views      map[string]*view.View
	Access     *access.Access
	Desk       *question.Desk
	Pulse      *pulse.Pulse
	Findings   *finding.Book
	Quarantine *quarantine.Book
	Strangers  *listener.Strangers // told of refusals of those without a key
	Logger     *slog.Logger
	Clock      func() time.Time

	Shared   listener.Shared
	Open     bool // pages about the exchange itself need no key
	DemoApps []DemoApp
	// Settle writes that a person has settled an entry of quarantine.
	Settle func(ctx context.Context, s contract.Settlement) error
	// DemoSamples returns a key that each view can be asked for in a demonstration; nil = none is known.
	DemoSamples func() map[string]string
	Topology    Topology
	MaxStreams  int // of /v1/events
}

// DemoApp is an application of the demonstration, with its key.
type DemoApp struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Key        string   `json:"key"`
	Department string   `json:"department"`
	Purposes   []string `json:"purposes"`
	Views      []string `json:"views"`
}

// Topology is the journey as it is drawn: steps with their topics.
type Topology struct {
	Steps   []Step `json:"steps"`
	Mermaid string `json:"mermaid"`
}

// Step is one processing step.
type Step struct {
	Name string   `json:"name"`
	From []string `json:"from"`
	To   []string `json:"to"`
}

// API answers HTTP. It is safe for concurrent use.
type API struct {
	Parts
	catalog *catalog.Catalog
	metrics *metrics
	mux     *http.ServeMux
	names   map[string]bool // that a fault of a question may be told by
	server  *listener.Server
	streams atomic.Int64
	told    listener.Sparse // what any request can cause, by what it is
}

type metrics struct {
	request  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		request: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yiyuan_gateway_request_seconds", Help: "HTTP 请求的耗时。 / Time of HTTP requests.", Buckets: prometheus.ExponentialBuckets(0.00025, 2, 16),
		}, []string{"operation", "status"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "yiyuan_gateway_in_flight", Help: "正在处理的请求数。 / Requests under way."}),
	}
	reg.MustRegister(m.request, m.inFlight)
	return m
}

// Package engine is the exactly-once loop that steps run in: what a worker reads, what it
// emits and how its state changes take effect together or not at all. A session joins
// the group, takes partitions over and transacts until something is in doubt; then the
// next one starts from what the broker says. A standby keeps warm state of partitions
// that other processes hold. Its metrics are listed in package bus.
package engine

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Engine runs steps on a cluster. It is safe for concurrent use.
type Engine struct {
	link    *kafka.Link
	admin   *cluster.Admin
	metrics *metrics
	told    listener.Sparse // that steps stand still
}

// New returns the engine of a cluster. commitSeconds, by group, takes how long each
// commit took.
func New(link *kafka.Link, admin *cluster.Admin, reg prometheus.Registerer, commitSeconds *prometheus.HistogramVec) *Engine {
	return &Engine{link: link, admin: admin, metrics: newMetrics(reg, commitSeconds)}
}

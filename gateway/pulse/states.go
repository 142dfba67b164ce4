package pulse

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// sourceStates shows the word of every source that has ever said something, as
// /v1/flow does: made when it is asked for, so that it is of that moment.
type sourceStates struct{ sources func() []freshness.Source }

var sourceState = prometheus.NewDesc("yiyuan_gateway_source_state",
	"数据源当前的状态为 1，其余为 0。failed、held、silent、stopped 时数据不通：应告警。 / 1 for the state that a source is in, 0 for all others. failed, held, silent and stopped let nothing through: an alarm.", []string{"source", "state"}, nil)

// Describe implements prometheus.Collector.
func (sourceStates) Describe(to chan<- *prometheus.Desc) { to <- sourceState }

// Collect implements prometheus.Collector.
func (s sourceStates) Collect(to chan<- prometheus.Metric) {
	for _, source := range s.sources() {
		for _, state := range contract.States() {
			on := 0.0
			if source.State == state {
				on = 1
			}
			to <- prometheus.MustNewConstMetric(sourceState, prometheus.GaugeValue, on, source.Name, state)
		}
	}
}

package quarantine

import "github.com/prometheus/client_golang/prometheus"

// Collector shows what is open, made when it is asked for.
func (b *Book) Collector() prometheus.Collector { return tallies{b} }

type tallies struct{ book *Book }

var (
	openEntries = prometheus.NewDesc("yiyuan_gateway_quarantine_records",
		"尚未了结的问题数据条数，只计仍列出的。 / Entries of quarantine that nothing has settled, of those that are still listed.", []string{"source", "dataset"}, nil)
	oldestEntry = prometheus.NewDesc("yiyuan_gateway_quarantine_oldest_seconds",
		"最早一条未了结的问题数据已有多久。 / How long ago the oldest open entry of quarantine came in.", []string{"source", "dataset"}, nil)
)

// Describe implements prometheus.Collector.
func (tallies) Describe(to chan<- *prometheus.Desc) {
	to <- openEntries
	to <- oldestEntry
}

// Collect implements prometheus.Collector.
func (t tallies) Collect(to chan<- prometheus.Metric) {
	for _, one := range t.book.Tallies() {
		to <- prometheus.MustNewConstMetric(openEntries, prometheus.GaugeValue, float64(one.Open), one.Source, one.Dataset)
		to <- prometheus.MustNewConstMetric(oldestEntry, prometheus.GaugeValue, max(t.book.now().Sub(one.Oldest).Seconds(), 0), one.Source, one.Dataset)
	}
}

package refusal

import "github.com/prometheus/client_golang/prometheus"

// Collector shows of which datasets rows stand refused, made when it is asked for.
func (b *Book) Collector() prometheus.Collector { return rows{b} }

type rows struct{ book *Book }

var refusedRow = prometheus.NewDesc("yiyuan_gateway_refused_rows",
	"新版本被拒、此后也未再接收的行数，逐行记录的合计至多一百万：查到的是旧值，答复中会说明。 / Rows of which a newer version was refused and none has been taken since, as far as they are counted (a million in all): what is answered of them is old, and says so.", []string{"dataset"}, nil)

// Describe implements prometheus.Collector.
func (rows) Describe(to chan<- *prometheus.Desc) { to <- refusedRow }

// Collect implements prometheus.Collector.
func (r rows) Collect(to chan<- prometheus.Metric) {
	for _, t := range r.book.Tallies() {
		to <- prometheus.MustNewConstMetric(refusedRow, prometheus.GaugeValue, float64(t.Rows), t.Dataset)
	}
}

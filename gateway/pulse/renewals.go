package pulse

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// renewals shows which views are being published again after a change of the catalogue:
// of who is not found in them nobody is told that he is not there. A view that is whole
// has no sample.
type renewals struct {
	views    []*schemas.View
	renewing func(*schemas.View) bool
	progress *atomic.Pointer[map[string]store.Progress]
}

var (
	viewRenewing = prometheus.NewDesc("yiyuan_gateway_renewing_views",
		"1 为尚未按生效的目录重新发布完的视图：查不到的答 503 "+problem.NotLoaded.Code+"。已发布完的视图没有样本。 / 1 for a view that the steps have not published whole under the catalogue in force: who is not found in it is answered with 503 "+problem.NotLoaded.Code+". No sample of a view that is whole.", []string{"view"}, nil)
	withheldRecords = prometheus.NewDesc("yiyuan_gateway_withheld_records",
		"视图中按旧目录发布、尚未重新发布而不作答的记录数。还有这样的记录时，查不到的答 503 "+problem.NotLoaded.Code+"。没有则没有样本。 / Records of a view that are withheld, since they were published while it showed otherwise. While there is one, who is not found is answered with 503 "+problem.NotLoaded.Code+". No sample where there is none.", []string{"view"}, nil)
)

// Describe implements prometheus.Collector.
func (renewals) Describe(to chan<- *prometheus.Desc) { to <- viewRenewing; to <- withheldRecords }

// Collect implements prometheus.Collector.
func (r renewals) Collect(to chan<- prometheus.Metric) {
	progress := *r.progress.Load()
	for _, v := range r.views {
		if r.renewing(v) {
			to <- prometheus.MustNewConstMetric(viewRenewing, prometheus.GaugeValue, 1, v.ID)
		}
		if n := progress[v.ID].Withheld; n > 0 {
			to <- prometheus.MustNewConstMetric(withheldRecords, prometheus.GaugeValue, float64(n), v.ID)
		}
	}
}

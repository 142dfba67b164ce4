package pulse

import "github.com/prometheus/client_golang/prometheus"

// NewCacheUp counts whether the cache answers.
func NewCacheUp(answers func() bool) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "yiyuan_gateway_redis_up", Help: "Redis 应答本网关为 1，不应答为 0，此时查询一律答 503。 / 1 while Redis answers this gateway, 0 while it does not and every look-up is answered with 503.",
	}, func() float64 {
		if answers() {
			return 1
		}
		return 0
	})
}

package redis

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	readSeconds prometheus.Histogram
	keys        prometheus.Counter
	mixed       prometheus.Counter
	writes      *prometheus.CounterVec
	lost        prometheus.Counter
	restarts    prometheus.Counter
	evicting    prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		readSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "yiyuan_gateway_redis_read_seconds", Help: "Time of one read at Redis; it may carry many lookups.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 14),
		}),
		keys:  prometheus.NewCounter(prometheus.CounterOpts{Name: "yiyuan_gateway_redis_keys_total", Help: "Records read from Redis."}),
		mixed: prometheus.NewCounter(prometheus.CounterOpts{Name: "yiyuan_gateway_redis_mixed_replies_total", Help: "Replies that belonged to another question. Anything but 0 is an alarm."}),
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_redis_writes_total", Help: "Records sent to Redis: applied, or stale because a newer one was there.",
		}, []string{"outcome"}),
		lost:     prometheus.NewCounter(prometheus.CounterOpts{Name: "yiyuan_gateway_redis_lost_total", Help: "Times Redis no longer held what had been written."}),
		restarts: prometheus.NewCounter(prometheus.CounterOpts{Name: "yiyuan_gateway_redis_restarts_total", Help: "Times another Redis process answered at the address."}),
		evicting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "yiyuan_gateway_redis_evicting", Help: "1 while Redis may throw records away, or has and the cache was not yet given up: nothing is answered. Anything but 0 is an alarm."}),
	}
	reg.MustRegister(m.readSeconds, m.keys, m.mixed, m.writes, m.lost, m.restarts, m.evicting)
	return m
}

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

	formerSpaces, formerRecords prometheus.Gauge
	removed                     prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		readSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "yiyuan_gateway_redis_read_seconds", Help: "从 Redis 读取一次的耗时；一次可含多个查询。 / Time of one read at Redis; it may carry many lookups.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 14),
		}),
		keys:  prometheus.NewCounter(prometheus.CounterOpts{Name: "yiyuan_gateway_redis_keys_total", Help: "从 Redis 读取的记录数。 / Records read from Redis."}),
		mixed: prometheus.NewCounter(prometheus.CounterOpts{Name: "yiyuan_gateway_redis_mixed_replies_total", Help: "Redis 串答的次数：回答的是另一次读取。不为 0 即应告警。 / Replies that belonged to another question. Anything but 0 is an alarm."}),
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_redis_writes_total", Help: "写往 Redis 的记录数：applied 为已写入，stale 为其中已有更新的记录而未写。 / Records sent to Redis: applied, or stale because a newer one was there.",
		}, []string{"outcome"}),
		lost:     prometheus.NewCounter(prometheus.CounterOpts{Name: "yiyuan_gateway_redis_lost_total", Help: "Redis 丢失已写入内容的次数。 / Times Redis no longer held what had been written."}),
		restarts: prometheus.NewCounter(prometheus.CounterOpts{Name: "yiyuan_gateway_redis_restarts_total", Help: "该地址上换成另一个 Redis 进程应答的次数。 / Times another Redis process answered at the address."}),
		evicting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "yiyuan_gateway_redis_evicting", Help: "Redis 会淘汰记录，或已淘汰而缓存尚未作废时为 1：一律不作答。不为 0 即应告警。 / 1 while Redis may throw records away, or has and the cache was not yet given up: nothing is answered. Anything but 0 is an alarm."}),

		formerSpaces:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "yiyuan_gateway_redis_former_spaces", Help: "最近一次检查时，Redis 中还有记录的旧视图数（已改或已撤）。现有视图装入后且没有网关再用时，自行清除。 / Views as they were, or that are gone, of which Redis held records when it was last looked. They are removed by themselves once the present ones are loaded and no gateway uses them."}),
		formerRecords: prometheus.NewGauge(prometheus.GaugeOpts{Name: "yiyuan_gateway_redis_former_records", Help: "Redis 中旧视图的记录数。 / Records in them."}),
		removed:       prometheus.NewCounter(prometheus.CounterOpts{Name: "yiyuan_gateway_redis_removed_total", Help: "从 Redis 清除的旧视图（已改或已撤）的记录数。 / Records of views as they were, or that are gone, removed from Redis."}),
	}
	reg.MustRegister(m.readSeconds, m.keys, m.mixed, m.writes, m.lost, m.restarts, m.evicting, m.formerSpaces, m.formerRecords, m.removed)
	return m
}

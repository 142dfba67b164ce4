// Package pulse knows how the exchange does now: as of when each view is, whether
// the cache answers, how much goes through, what the indicators are. It looks all
// the time, so that whoever asks is answered at once.
//
// Metrics: yiyuan_gateway_freshness_seconds{dataset}, yiyuan_gateway_realtime_ratio,
// yiyuan_gateway_realtime_observed_seconds, yiyuan_gateway_realtime_lookups,
// yiyuan_gateway_waiting_rules, yiyuan_gateway_source_state{source,state},
// yiyuan_gateway_renewing_views{view}, yiyuan_gateway_withheld_records{view},
// yiyuan_gateway_redis_up.
package pulse

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/gateway/flow"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/indicator"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Cache is what is looked at.
type Cache interface {
	store.Store
	Current(ctx context.Context) (store.Generation, error)
	Progress(ctx context.Context, g store.Generation, views []string) (map[string]store.Progress, error)
}

// Filler fills the cache; *fill.Filler does.
type Filler interface {
	Polled() (session int64, waited time.Duration, ok bool)
}

// Marks are how far refused rows are known; *refusal.Marks are.
type Marks interface {
	Polled() (reader int64, waited time.Duration)
	Offsets() map[int32]int64
}

// Waits is a case of a rule that speaks of absence, and the datasets of which it
// waits for the first complete copy: until then nobody can say that something is
// not there.
type Waits struct {
	Rule, Case string
	Datasets   []string
}

// Parts are what is looked at, and how.
type Parts struct {
	Catalogue   *schemas.Catalogue
	Bus         freshness.Offsets
	Kafka       func() (since time.Time, away bool) // whether Kafka counts as away
	Audit       func() (since time.Time, lost bool) // whether no audit entry can be written
	Cache       Cache
	Views       []string // ids, sorted
	Filler      Filler
	Marks       Marks
	Unconnected []string // datasets that nobody waits for
	Waits       []Waits
	Step        time.Duration // how often as_of and the indicators move
	Targets     indicator.Targets
	Clock       func() time.Time
	Logger      *slog.Logger
}

// Pulse is how everything does. It is safe for concurrent use.
type Pulse struct {
	Parts
	Fresh  *freshness.Tracker
	Rates  *flow.Rates
	Health *indicator.Health

	metrics    *metrics
	progress   atomic.Pointer[map[string]store.Progress]
	cache      attention
	indicators atomic.Pointer[indicators]
}

// indicators are the numbers as of a moment.
type indicators struct {
	at   time.Time
	list []indicator.Indicator
}

type metrics struct {
	freshness *prometheus.GaugeVec
	realtime  prometheus.Gauge
	observed  prometheus.Gauge
	asked     prometheus.Gauge
	waiting   prometheus.Gauge
}

// New returns a pulse that has not looked yet.
func New(parts Parts, reg prometheus.Registerer) *Pulse {
	p := &Pulse{Parts: parts, Rates: flow.NewRates(), Health: indicator.NewHealth(), metrics: &metrics{
		freshness: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_freshness_seconds", Help: "缓存中该数据集的内容已有多久。未知时没有样本。 / Age of what the cache holds of a dataset. No sample while it is unknown.",
		}, []string{"dataset"}),
		observed: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_realtime_observed_seconds", Help: "实时可查率已观察多久，至多一天；不满一天时不能断定达标。 / For how long what the realtime ratio counts has been watched, at most a day; before that it is not known to be met.",
		}),
		asked: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_realtime_lookups", Help: "实时可查率所依据的最近一天的查询数。 / Look-ups of the last day that the realtime ratio rests on.",
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_waiting_rules", Help: "尚不判定的核验规则情形数：其条件涉及“没有”，而有数据集还没有过完整副本。 / Cases of rules that are not judged yet, because they speak of absence and a dataset has had no complete copy.",
		}),
		realtime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_realtime_ratio", Help: "实时可查的数据集占全部数据集的比例。 / Share of all datasets that can be queried in real time.",
		}),
	}}
	p.Fresh = freshness.New(parts.Catalogue, parts.Bus, p, parts.Clock, parts.Unconnected...)
	p.progress.Store(&map[string]store.Progress{})
	p.indicators.Store(&indicators{})
	reg.MustRegister(p.metrics.freshness, p.metrics.realtime, p.metrics.observed, p.metrics.asked, p.metrics.waiting, sourceStates{p.Fresh.Sources}, renewals{parts.Catalogue.Views(), p.Fresh.Renewing, &p.progress})
	return p
}

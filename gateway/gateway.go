// Package gateway answers what has been shared: it keeps the shared views in a
// cache, decides who may see which fields of them for which purpose, writes
// every decision to the audit topic before a byte of the answer leaves, and
// says how old each answer is.
//
// Run does all of it until its context ends; Materialise alone keeps a cache
// level with the shared topics. Packages below it: access (who may ask what),
// audit (the entries), freshness (as of when), finding (what is in dispute),
// indicator (the numbers), catalog (the catalogue as JSON), answer (records as
// JSON), redis (the cache), console (the pages).
//
// Metrics: yiyuan_gateway_request_seconds{operation,status},
// yiyuan_gateway_lookup_seconds{view,outcome}, yiyuan_gateway_denied_total{reason},
// yiyuan_gateway_audit_seconds, yiyuan_gateway_audit_failures_total,
// yiyuan_gateway_verify_negatives_total{app}, yiyuan_gateway_verify_stopped_total{app},
// yiyuan_gateway_verify_miss_ratio{app}, yiyuan_gateway_verify_alarming_applications,
// yiyuan_gateway_access_up, yiyuan_gateway_access_applications,
// yiyuan_gateway_materialised_total{view}, yiyuan_gateway_skipped_total{view,reason},
// yiyuan_gateway_rebuilds_total{cause}, yiyuan_gateway_in_flight,
// yiyuan_gateway_freshness_seconds{dataset}, yiyuan_gateway_realtime_ratio,
// yiyuan_gateway_realtime_observed_seconds, yiyuan_gateway_realtime_lookups,
// yiyuan_gateway_waiting_rules, yiyuan_gateway_source_state{source,state},
// yiyuan_gateway_refused_rows{dataset}.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/gateway/flow"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/grants"
	"github.com/yiyuan-bus/yiyuan/gateway/indicator"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/gateway/refusal"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Config is the gateway's own settings. The zero value is usable.
type Config struct {
	Listen   string          // address of the API and the console; "127.0.0.1:8080" if empty
	Listener net.Listener    // takes the place of Listen
	Shared   listener.Shared // what all listeners of the process have in common

	OpenConsole bool      // the pages about the exchange itself need no key (demo)
	Unconnected []string  // datasets that are not connected in this deployment: nobody waits for a copy of them before saying that somebody is not there
	Waits       []Waits   // what rules wait for before they speak of absence
	DemoApps    []DemoApp // shown with their keys to the playground (demo)
	Topology    Topology

	ReadOnly    bool          // another process materialises
	VerifyFloor time.Duration // a verification never answers sooner; 20 ms if 0
	// Negatives is how many verifications of an application may be answered with no
	// before it is stopped (20, 200 and 1,000 if 0), TargetNegatives how many about
	// one subject (5, 20 and 50 if 0).
	Negatives, TargetNegatives quota.Limits
	MaxStreams                 int               // of /v1/events, 64 if 0
	AuditTimeout               time.Duration     // 5 s if 0
	TellStrangers              time.Duration     // how often refusals of strangers are written to the audit, a minute if 0
	RefusedKept                int               // refused rows of a dataset that are told one by one, refusal.Kept if 0
	RefusedAnew                time.Duration     // how long before it is looked which of those beyond are left, 5 min if 0
	Linger                     time.Duration     // how long a replaced generation stays for readers that have not noticed; 10 s if 0
	Step                       time.Duration     // how often as_of and the indicators move; 500 ms if 0
	Targets                    indicator.Targets // lines of the indicators
	Clock                      func() time.Time  // time.Now if nil
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

// Log is what the gateway asks of the bus; *bus.Bus does it.
type Log interface {
	audit.Appender
	freshness.Offsets
	Follow(ctx context.Context, cfg bus.FollowConfig, fn func(ctx context.Context, records []bus.Record) error) error
}

// Grants keep an Access level with where the applications come from; *grants.File does it.
type Grants interface {
	Watch(ctx context.Context, a *access.Access, log *slog.Logger, report func(grants.State))
}

// Parts are what a gateway works with.
type Parts struct {
	Catalogue *schemas.Catalogue
	Bus       Log
	Codec     *codec.Codec
	Keys      *keyring.Keyring
	Cache     store.Cache
	Access    *access.Access
	Grants    Grants // where the applications come from; nil = they do not change
	Logger    *slog.Logger
	Metrics   prometheus.Registerer
}

// Gateway serves one catalogue. It is safe for concurrent use.
type Gateway struct {
	cfg       Config
	parts     Parts
	log       *slog.Logger
	metrics   *metrics
	views     map[string]*view.View
	audit     *audit.Log
	fresh     *freshness.Tracker
	book      *finding.Book
	health    *indicator.Health
	catalog   *catalog.Catalog
	ledger    *quota.Ledger
	gates     *quota.Gates
	openReads *rate.Limiter   // of pages that are open to everybody
	names     map[string]bool // that a fault of a question may be told by
	flow      *flow.Rates
	bad       *flow.Quarantine
	server    *listener.Server
	mux       *http.ServeMux

	found      *codec.Reader // of findings
	rejected   *codec.Reader // of the quarantine
	marked     *codec.Reader // of refused rows
	progress   atomic.Pointer[map[string]store.Progress]
	attended   atomic.Pointer[attended]
	tallies    atomic.Pointer[map[string]quota.Tally]
	indicators atomic.Pointer[indicators]
	filling    atomic.Pointer[fill] // of the current generation, nil = none
	sessions   atomic.Int64
	streams    atomic.Int64
	strangers  *listener.Strangers

	marks marks // of refused rows
}

// indicators are the numbers as of a moment.
type indicators struct {
	at   time.Time
	list []indicator.Indicator
}

func (c Config) withDefaults() Config {
	set := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	count := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:8080"
	}
	set(&c.VerifyFloor, 20*time.Millisecond)
	set(&c.AuditTimeout, 5*time.Second)
	set(&c.TellStrangers, time.Minute)
	set(&c.Linger, 10*time.Second)
	set(&c.RefusedAnew, 5*time.Minute)
	set(&c.Step, 500*time.Millisecond)
	limits := func(l *quota.Limits, minute, hour, day int) {
		count(&l.Minute, minute)
		count(&l.Hour, hour)
		count(&l.Day, day)
	}
	limits(&c.Negatives, 20, 200, 1000)
	limits(&c.TargetNegatives, 5, 20, 50)
	count(&c.MaxStreams, 64)
	c.Targets = c.Targets.WithDefaults()
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return c
}

// New builds a gateway: it registers the audit layout and compiles the views.
func New(ctx context.Context, cfg Config, parts Parts) (*Gateway, error) {
	cfg = cfg.withDefaults()
	entries, err := audit.Open(ctx, parts.Codec, parts.Bus)
	if err != nil {
		return nil, fmt.Errorf("build gateway: %w", err)
	}
	g := &Gateway{
		cfg: cfg, parts: parts, log: parts.Logger, metrics: newMetrics(parts.Metrics), audit: entries,
		book: finding.NewBook(), health: indicator.NewHealth(), catalog: catalog.New(parts.Catalogue),
		flow: flow.NewRates(), bad: flow.NewQuarantine(), strangers: listener.NewStrangers(),
		marks: marks{book: refusal.NewBook(cfg.RefusedKept)}, marked: parts.Codec.Reader(contract.RefusedLayout),
		found: parts.Codec.Reader(contract.FindingLayout), rejected: parts.Codec.Reader(contract.QuarantineLayout),
	}
	if g.views, err = view.Compile(parts.Catalogue, parts.Codec, parts.Keys); err != nil {
		return nil, fmt.Errorf("build gateway: %w", err)
	}
	g.fresh = freshness.New(parts.Catalogue, parts.Bus, filled{g}, cfg.Clock, cfg.Unconnected...)
	parts.Metrics.MustRegister(sourceStates{g.fresh.Sources}, refusedRows{g.marks.book})
	g.ledger = quota.NewLedger(func(meter string) (k quota.Key) {
		copy(k[:], parts.Keys.Digest(contract.LabelQuota, meter))
		return k
	})
	g.gates = quota.NewGates()
	g.openReads = rate.NewLimiter(50, 200)
	g.tallies.Store(&map[string]quota.Tally{})
	g.progress.Store(&map[string]store.Progress{})
	g.indicators.Store(&indicators{})
	g.server = g.routes() //nolint:contextcheck // what it registers has the context of a request
	return g, nil
}

// Handler returns the API and the console, with every limit but those of the
// connection.
func (g *Gateway) Handler() http.Handler { return g.server }

// Run builds a gateway and runs it until ctx ends.
func Run(ctx context.Context, cfg Config, parts Parts) error {
	g, err := New(ctx, cfg, parts)
	if err != nil {
		return err
	}
	return g.Run(ctx)
}

// Run serves, materialises and follows the topics until ctx ends.
func (g *Gateway) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if !g.cfg.ReadOnly {
		group.Go(func() error { return g.materialise(ctx) })
	}
	group.Go(func() error { return g.follow(ctx) })
	group.Go(func() error { return g.pulse(ctx) })
	group.Go(func() error { return g.attend(ctx) })
	group.Go(func() error { return g.serve(ctx) })
	group.Go(func() error { return g.account(ctx) })
	group.Go(func() error {
		g.strangers.Tell(ctx, g.cfg.TellStrangers, g.tellStrangers)
		return nil
	})
	if g.parts.Grants != nil {
		group.Go(func() error {
			g.parts.Grants.Watch(ctx, g.parts.Access, g.log, g.metrics.granted)
			return nil
		})
	}
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// now is the gateway's clock.
func (g *Gateway) now() time.Time { return g.cfg.Clock() }

// Package gateway answers what has been shared: it keeps the shared views in a
// cache, decides who may see which fields of them for which purpose, writes
// every decision to the audit topic before a byte of the answer leaves, and
// says how old each answer is.
//
// This package puts the parts together and runs them. Packages below it: fill (the
// cache is kept level with the topics; store says what a cache is, redis is one), fold
// (what is kept in memory of topics), pulse (how everything does now), question
// (admit, decide, audit, read, finish), api (HTTP, one file a resource); and what
// these use: access (who may ask what), quota (how often), grants (where that is
// written), audit (the entries), freshness (as of when), finding (what is in dispute),
// refusal (which rows were refused), quarantine (what was, as a work list), flow (rates), indicator (the numbers),
// view (how a view is read), catalog (the catalogue as JSON), answer (records as
// JSON), admission (bodies), console (the pages).
//
// Metrics: yiyuan_gateway_access_up, yiyuan_gateway_access_applications,
// yiyuan_gateway_refused_rows{dataset}; and those of the packages below:
// yiyuan_gateway_request_seconds{operation,status},
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
// yiyuan_gateway_renewing_views{view}, yiyuan_gateway_withheld_records{view},
// yiyuan_gateway_refused_rows{dataset}, yiyuan_gateway_redis_up,
// yiyuan_gateway_quarantine_records{source,dataset},
// yiyuan_gateway_quarantine_oldest_seconds{source,dataset}.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/api"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/fill"
	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/gateway/fold"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/grants"
	"github.com/yiyuan-bus/yiyuan/gateway/pulse"
	"github.com/yiyuan-bus/yiyuan/gateway/quarantine"
	"github.com/yiyuan-bus/yiyuan/gateway/question"
	"github.com/yiyuan-bus/yiyuan/gateway/refusal"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Log is what the gateway asks of the bus; *bus.Bus does it.
type Log interface {
	audit.Appender
	freshness.Offsets
	Follow(ctx context.Context, cfg bus.FollowConfig, fn func(ctx context.Context, records []bus.Record) error) error
}

// Kafka knows whether Kafka answers: the one judge of it in a process.
type Kafka interface {
	// Away reports whether it has not answered for so long that it counts as away, and
	// since when.
	Away() (since time.Time, away bool)
	// Reached reports whether it answers now, though it may count as away: then it is asked.
	Reached(ctx context.Context) bool
}

// prompt is an appender that is not tried while it is known to fail: who asks is refused
// now, not when the time for the audit is over.
type prompt struct {
	audit.Appender
	kafka Kafka
}

var errAway = errors.New("kafka does not answer")

// Append implements audit.Appender.
func (p prompt) Append(ctx context.Context, records ...bus.Record) error {
	if !p.kafka.Reached(ctx) {
		return errAway
	}
	return p.Appender.Append(ctx, records...)
}

// present is a Kafka that nobody watches.
type present struct{}

func (present) Away() (time.Time, bool)      { return time.Time{}, false }
func (present) Reached(context.Context) bool { return true }

// Grants keep an Access level with where the applications come from; *grants.File does it.
type Grants interface {
	Watch(ctx context.Context, a *access.Access, log *slog.Logger, report func(grants.State))
}

// Successors are the catalogues that come into force behind that of a gateway.
type Successors interface {
	// Follow hands each, in their order, to took until ctx ends: its version and what it
	// is, nil if it cannot be read.
	Follow(ctx context.Context, took func(version string, next *schemas.Catalogue)) error
}

// Parts are what a gateway works with.
type Parts struct {
	Catalogue *schemas.Catalogue
	Bus       Log
	Kafka     Kafka // nil = nobody watches it: it answers
	Codec     *codec.Codec
	Keys      *keyring.Keyring
	Cache     store.Cache
	Access    *access.Access
	Grants    Grants // where the applications come from; nil = they do not change
	Logger    *slog.Logger
	Metrics   prometheus.Registerer

	Successors Successors // nil = none comes
}

// Gateway serves one catalogue. It is safe for concurrent use.
type Gateway struct {
	cfg       Config
	parts     Parts
	audit     *audit.Log
	views     []string // all there are, sorted
	filler    *fill.Filler
	reader    *fold.Reader
	folds     []fold.Fold
	pulse     *pulse.Pulse
	desk      *question.Desk
	api       *api.API
	strangers *listener.Strangers
	granting  *granting
}

// stored are the names under which the cache keeps the views that did not always show
// what they show now: what it has of them under another is not believed.
func stored(l *schemas.Lineage) map[string]string {
	names := map[string]string{}
	for id := range l.Known {
		if name := l.StoredAs(id); name != id {
			names[id] = name
		}
	}
	return names
}

// New builds a gateway: it registers the audit layout and compiles the views.
func New(ctx context.Context, cfg Config, parts Parts) (*Gateway, error) {
	cfg = cfg.withDefaults()
	if parts.Kafka == nil {
		parts.Kafka = present{}
	}
	entries, err := audit.Open(ctx, parts.Codec, prompt{parts.Bus, parts.Kafka})
	if err != nil {
		return nil, fmt.Errorf("build gateway: %w", err)
	}
	views, err := view.Compile(parts.Catalogue, parts.Codec, parts.Keys)
	if err != nil {
		return nil, fmt.Errorf("build gateway: %w", err)
	}
	parts.Cache = store.Renamed(parts.Cache, stored(&parts.Catalogue.Lineage))
	reg, log := parts.Metrics, parts.Logger
	guard := fold.NewGuard(log, reg)
	filler := fill.New(fill.Parts{Views: views, Lineage: &parts.Catalogue.Lineage, Bus: parts.Bus, Cache: parts.Cache, Guard: guard, Logger: log, Linger: cfg.Linger}, reg)
	findings, rejected := finding.NewBook(), quarantine.NewBook(cfg.RefusedKept, cfg.Clock)
	marks := refusal.NewMarks(refusal.NewBook(cfg.RefusedKept), parts.Bus, cfg.Step, cfg.RefusedAnew)
	reg.MustRegister(marks.Book.Collector(), rejected.Collector())
	now := pulse.New(pulse.Parts{
		Catalogue: parts.Catalogue, Bus: parts.Bus, Kafka: parts.Kafka.Away, Audit: entries.Lost, Cache: parts.Cache, Views: slices.Sorted(maps.Keys(views)), Filler: filler, Marks: marks,
		Unconnected: cfg.Unconnected, Waits: cfg.Waits, Step: cfg.Step, Targets: cfg.Targets, Clock: cfg.Clock, Logger: log,
	}, reg)
	reg.MustRegister(pulse.NewCacheUp(now.Answers))
	desk := question.New(question.Parts{
		Catalogue: parts.Catalogue, Views: views, Access: parts.Access, Keys: parts.Keys, Cache: parts.Cache, Audit: entries,
		Fresh: now.Fresh, Findings: findings, Refused: marks.Book, Health: now.Health, Rates: now.Rates, Logger: log, Clock: cfg.Clock,
		Open: cfg.OpenConsole, VerifyFloor: cfg.VerifyFloor, VerifyCrowd: cfg.VerifyCrowd, AuditTimeout: cfg.AuditTimeout, Negatives: cfg.Negatives, TargetNegatives: cfg.TargetNegatives,
	}, reg)
	strangers := listener.NewStrangers()
	return &Gateway{
		cfg: cfg, parts: parts, audit: entries, views: slices.Sorted(maps.Keys(views)), filler: filler, pulse: now, desk: desk, strangers: strangers, granting: newGranting(reg),
		reader: &fold.Reader{Bus: parts.Bus, Codec: parts.Codec, Guard: guard, Logger: log},
		folds:  folds(&parts.Catalogue.Lineage, findings, quarantine.NewReading(rejected, parts.Bus, cfg.Step), now.Fresh, marks),
		api: api.New(api.Parts{ //nolint:contextcheck // what it registers has the context of a request
			Catalogue: parts.Catalogue, Views: views, Access: parts.Access, Desk: desk, Pulse: now, Findings: findings, Quarantine: rejected, Settle: settles(parts.Bus, cfg.AuditTimeout),
			Strangers: strangers, Logger: log, Clock: cfg.Clock, Shared: cfg.Shared, Open: cfg.OpenConsole, DemoApps: cfg.DemoApps, DemoSamples: cfg.DemoSamples,
			Topology: cfg.Topology, MaxStreams: cfg.MaxStreams,
		}, reg),
	}, nil
}

// Handler returns the API and the console, with every limit but those of the
// connection.
func (g *Gateway) Handler() http.Handler { return g.api.Server() }

// Rebuild fills the cache again beside the one that is in use, and puts it in its place.
func (g *Gateway) Rebuild(ctx context.Context) error { return g.filler.Rebuild(ctx) }

// Run serves, fills the cache and follows the topics until ctx ends.
func (g *Gateway) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if !g.cfg.ReadOnly {
		group.Go(func() error { return g.filler.Run(ctx) })
		group.Go(func() error { return g.parts.Cache.RemoveFormer(ctx, g.views, g.filler.Loaded) })
	}
	group.Go(func() error { return g.reader.Follow(ctx, g.folds) })
	group.Go(func() error { return g.pulse.Run(ctx) })
	group.Go(func() error { return g.pulse.Attend(ctx) })
	group.Go(func() error { return g.serve(ctx) })
	group.Go(func() error { return g.desk.Account(ctx) })
	group.Go(func() error { return g.desk.Settle(ctx) })
	group.Go(func() error {
		g.strangers.Tell(ctx, g.cfg.TellStrangers, g.desk.Strangers)
		return nil
	})
	if g.parts.Grants != nil {
		group.Go(func() error {
			g.parts.Grants.Watch(ctx, g.parts.Access, g.parts.Logger, g.granting.report)
			return nil
		})
	}
	if g.parts.Successors != nil {
		group.Go(func() error { return g.parts.Successors.Follow(ctx, g.succeeded) })
	}
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// succeeded takes that another catalogue came into force.
func (g *Gateway) succeeded(version string, next *schemas.Catalogue) {
	of := g.pulse.Fresh.Succeeded(version, next)
	if len(of.Views) > 0 {
		g.parts.Logger.Warn("views that the catalogue in force has otherwise, or not at all: until this process is started again who is found is answered as stale, and who is not with 503", "in_force", version, "views", of.Views)
	}
}

// serve listens until ctx ends, then lets what is under way finish.
func (g *Gateway) serve(ctx context.Context) error {
	l := g.cfg.Listener
	if l == nil {
		var err error
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", g.cfg.Listen); err != nil {
			return fmt.Errorf("listen on %q: %w", g.cfg.Listen, err)
		}
	}
	return g.api.Server().Serve(ctx, l)
}

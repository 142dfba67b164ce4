// Package question answers what applications ask: a question is admitted, decided,
// read and finished in that order, and its entry is in the audit before a byte of
// the answer leaves. It knows no HTTP but the status that an answer has.
//
// Metrics: yiyuan_gateway_lookup_seconds{view,outcome}, yiyuan_gateway_denied_total{reason},
// yiyuan_gateway_audit_seconds, yiyuan_gateway_audit_failures_total,
// yiyuan_gateway_verify_negatives_total{app}, yiyuan_gateway_verify_stopped_total{app},
// yiyuan_gateway_verify_miss_ratio{app}, yiyuan_gateway_verify_alarming_applications.
package question

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/gateway/flow"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/indicator"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/gateway/refusal"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Cache is what is read, and where budgets are kept.
type Cache interface {
	store.Store
	quota.Store
}

// Parts are what questions are answered with.
type Parts struct {
	Catalogue *schemas.Catalogue
	Views     map[string]*view.View
	Access    *access.Access
	Keys      *keyring.Keyring
	Cache     Cache
	Audit     *audit.Log
	Fresh     *freshness.Tracker
	Findings  *finding.Book
	Refused   *refusal.Book
	Health    *indicator.Health // told how each question went
	Rates     *flow.Rates       // and how many there were
	Logger    *slog.Logger
	Clock     func() time.Time

	Open            bool          // pages about the exchange itself need no key
	VerifyFloor     time.Duration // a verification never answers sooner
	VerifyCrowd     time.Duration // how long it waits for others of its budget
	AuditTimeout    time.Duration
	Negatives       quota.Limits // verifications of an application that may be answered with no
	TargetNegatives quota.Limits // and about one subject
}

// Desk is where questions are asked. It is safe for concurrent use.
type Desk struct {
	Parts
	metrics   *metrics
	ledger    *quota.Ledger
	gates     *quota.Gates
	openReads *rate.Limiter // of pages that are open to everybody
	tallies   atomic.Pointer[map[string]quota.Tally]
	told      listener.Sparse // what any question can cause, by what it is
}

// New returns a desk that nobody has asked yet.
func New(parts Parts, reg prometheus.Registerer) *Desk {
	d := &Desk{Parts: parts, metrics: newMetrics(reg), gates: quota.NewGates(), openReads: rate.NewLimiter(50, 200)}
	d.ledger = quota.NewLedger(func(meter string) (k quota.Key) {
		copy(k[:], parts.Keys.Digest(contract.LabelQuota, meter))
		return k
	})
	d.tallies.Store(&map[string]quota.Tally{})
	return d
}

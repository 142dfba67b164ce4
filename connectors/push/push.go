// Package push takes rows that a department sends by HTTP.
//
// One Server listens for all push sources: POST /v1/push/{dataset} with a JSON
// array, a single object or NDJSON. Each row is an upsert, or says
// {"op":"delete","key":{...}} or {"op":"upsert","row":{...}}, of a dataset with fields
// of these names too: the object tells, since no field can be one. A request is
// taken whole or refused whole, with every bad row and field named (never the
// value). It is answered 200 only when its rows and the source's position are
// committed on the bus.
//
// A request may carry an Idempotency-Key. The key is stored with the digest of
// the body in the same transaction: repeating the request gives the same answer
// and changes nothing; another body under the same key is 409. A key is remembered
// for idempotency_window (24 hours), and the last idempotency_entries (1,000)
// however old they are, at most 20,000 in all. A client that may repeat a request
// later than that says in X-Sent-At when it sent it first: a retry from before what
// is remembered is refused (409) and not applied over newer rows. When the outcome
// of a request is not known (503), repeat it with its key.
//
// A nullable field that a row leaves out keeps what is known of it (absent: keep,
// null if nothing is); with absent: null it becomes null. Keys and identifiers are
// text: numbers, true and false are refused there.
package push

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Key lets a department push to the datasets it provides.
type Key struct {
	Department string // GA
	Digest     string // KeyDigest of the bearer key: the key itself is stored nowhere
}

// KeyDigest is how a bearer key stands in a configuration: the hexadecimal
// SHA-256 of a long random key.
func KeyDigest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Config configures a Server. The zero value of a limit is its default.
type Config struct {
	Keys     []Key
	MaxRows  int           // rows of a request, 1000
	MaxBytes int64         // bytes of a request, 1 MiB
	InFlight int           // requests waiting for their commit, for each source, 64
	MaxHeld  int           // requests held in memory, for all sources, 256
	Wait     time.Duration // for the commit before 503, 30 s
	Shared   listener.Shared
	Ready    http.HandlerFunc                     // answers /readyz; nil = always ready
	Refused  func(ctx context.Context, r Refusal) // hears of every refusal; may be nil
	Logger   *slog.Logger
}

// Server accepts pushes and hands them to the open push sources.
type Server struct {
	cfg  Config
	log  *slog.Logger
	keys atomic.Pointer[map[string][]string] // digest -> departments

	kit *listener.Server

	mu      sync.Mutex
	sources map[string]*source // by dataset; nil: known, but closed at the moment
}

// SetKeys puts other keys in force, for every request that comes from then on; one
// that is under way is finished. If one of them is malformed none is taken.
func (s *Server) SetKeys(keys []Key) error {
	departments := map[string][]string{}
	for _, k := range keys {
		digest := strings.ToLower(k.Digest)
		if raw, err := hex.DecodeString(digest); err != nil || len(raw) != sha256.Size || k.Department == "" {
			return fmt.Errorf("推送密钥须写部门和 64 位十六进制数 / configure push server: key of department %q: want a department and 64 hexadecimal digits: %w", k.Department, connectors.ErrConfig)
		}
		departments[digest] = append(departments[digest], k.Department)
	}
	s.keys.Store(&departments)
	return nil
}

// Refusal is what a caller was told instead of 200.
type Refusal struct {
	Departments []string // whose key it was; none = a stranger's
	Dataset     string   // as the catalogue has it, "" if there is none of that name
	Code        string
	Reason      string // of a stranger's: no_key, unknown_key or the code
	Status      int
	Request     string
	Client      netip.Addr
}

// Expect makes datasets known before their sources are open: a push to them is
// answered 503 until then, not 404.
func (s *Server) Expect(datasets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range datasets {
		if _, known := s.sources[id]; !known {
			s.sources[id] = nil
		}
	}
}

func (s *Server) register(src *source) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range src.cfg.Datasets {
		if other := s.sources[d.ID]; other != nil {
			return fmt.Errorf("该数据集已由另一推送源接入 / dataset %q is fed by push source %q already: %w", d.ID, other.cfg.Name, connectors.ErrConfig)
		}
	}
	for _, d := range src.cfg.Datasets {
		s.sources[d.ID] = src
	}
	return nil
}

func (s *Server) unregister(src *source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, open := range s.sources {
		if open == src {
			s.sources[id] = nil
		}
	}
}

// find returns the source of a dataset; known is true for one that is closed at
// the moment.
func (s *Server) find(dataset string) (src *source, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	src, known = s.sources[dataset]
	return src, known
}

func provides(departments []string, d *schemas.Dataset) bool {
	return d.Provider != nil && slices.Contains(departments, d.Provider.ID)
}

// submission is one request on its way to its commit.
type submission struct {
	dataset *schemas.Dataset
	rows    []change
	bytes   int
	key     keyDigest
	keyed   bool
	body    bodyDigest
	sent    time.Time // for the first time, zero if it was not said

	ordinal uint64
	done    chan struct{} // closed when err or ordinal is final
	err     error
}

// answer is what a request learns when it is committed, and again when it is repeated.
type answer struct {
	rows  int
	last  schemas.Sequence // of the last row
	again bool
}

type source struct {
	server  *Server
	cfg     connectors.Config
	options options
	opened  ledger // as it was when the source was opened
	now     func() time.Time
	arrived chan struct{} // a token: the queue may hold something, or it is closed

	mu        sync.Mutex
	closed    bool
	at        ledger        // what the next batch builds on
	published ledger        // what is known to be committed
	queue     []*submission // not yet in a batch
	waiting   []*submission // in a batch, not yet confirmed
	pending   map[keyDigest]*submission
	fresh     bool // something was published since the last idle answer
}

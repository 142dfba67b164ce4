// Package push takes rows that a department sends by HTTP.
//
// One Server listens for all push sources: POST /v1/push/{dataset} with a JSON
// array, a single object or NDJSON. Each row is an upsert, or says
// {"op":"delete","key":{...}} or {"op":"upsert","row":{...}}. A request is
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
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
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
	Keys      []Key
	MaxRows   int           // rows of a request, 1000
	MaxBytes  int64         // bytes of a request, 1 MiB
	InFlight  int           // requests waiting for their commit, for each source, 64
	MaxHeld   int           // requests held in memory, for all sources, 256
	Wait      time.Duration // for the commit before 503, 30 s
	ConnPerIP int           // connections of one address, 200
	Logger    *slog.Logger
}

// Server accepts pushes and hands them to the open push sources.
type Server struct {
	cfg  Config
	log  *slog.Logger
	keys map[string][]string // digest -> departments

	places chan struct{} // one for each request that is held in memory

	mu      sync.Mutex
	sources map[string]*source // by dataset; nil: known, but closed at the moment
}

// NewServer checks the configuration. The server listens with Serve.
func NewServer(cfg Config) (*Server, error) {
	if cfg.MaxRows == 0 {
		cfg.MaxRows = 1000
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 1 << 20
	}
	if cfg.InFlight == 0 {
		cfg.InFlight = 64
	}
	if cfg.MaxHeld == 0 {
		cfg.MaxHeld = 256
	}
	if cfg.Wait == 0 {
		cfg.Wait = 30 * time.Second
	}
	if cfg.ConnPerIP == 0 {
		cfg.ConnPerIP = 200
	}
	if cfg.MaxRows < 0 || cfg.MaxRows > 1<<16-1 || cfg.MaxBytes < 0 || cfg.InFlight < 0 || cfg.MaxHeld < 0 || cfg.Wait < 0 || cfg.ConnPerIP < 0 {
		return nil, fmt.Errorf("推送的各上限超出范围 / configure push server: limits out of range: %w", connectors.ErrConfig)
	}
	s := &Server{cfg: cfg, log: cfg.Logger, keys: map[string][]string{}, sources: map[string]*source{}, places: make(chan struct{}, cfg.MaxHeld)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, k := range cfg.Keys {
		digest := strings.ToLower(k.Digest)
		if raw, err := hex.DecodeString(digest); err != nil || len(raw) != sha256.Size || k.Department == "" {
			return nil, fmt.Errorf("推送密钥须写部门和 64 位十六进制数 / configure push server: key of department %q: want a department and 64 hexadecimal digits: %w", k.Department, connectors.ErrConfig)
		}
		s.keys[digest] = append(s.keys[digest], k.Department)
	}
	return s, nil
}

// Serve answers on a listener until ctx ends, then lets requests that wait for
// their commit finish for a short while. It closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           crash.Handler(s.Handler()),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      s.cfg.Wait + 20*time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		// Waiting requests need a moment; ctx is over, so its values only.
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err := server.Shutdown(grace)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close()
		}
		ended <- err
	}()
	err := server.Serve(&limitListener{Listener: l, limit: s.cfg.ConnPerIP, count: map[string]int{}})
	if !errors.Is(err, http.ErrServerClosed) || ctx.Err() == nil {
		return fmt.Errorf("serve push: %w", err)
	}
	return <-ended
}

// Open returns the connectors.Open of sources that are fed by a server.
func Open(s *Server) connectors.Open {
	return func(_ context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
		o := options{Entries: 1000, Window: 24 * time.Hour}
		if err := cfg.Decode(&o); err != nil {
			return nil, err
		}
		if len(o.Absent.Fields) > 0 {
			return nil, fmt.Errorf("须为 keep 或 null / open push source %q: option %q: want keep or null: %w", cfg.Name, "absent", connectors.ErrConfig)
		}
		if len(cfg.Datasets) == 0 || o.Entries < 1 || o.Entries > maxEntries || o.Window <= 0 {
			return nil, fmt.Errorf("须有数据集，各上限须大于零 / open push source %q: want datasets and limits above zero: %w", cfg.Name, connectors.ErrConfig)
		}
		l, err := parsePosition(after)
		if err != nil {
			return nil, fmt.Errorf("open push source %q: %w", cfg.Name, err)
		}
		src := newSource(s, cfg, o, l)
		if err := s.register(src); err != nil {
			return nil, fmt.Errorf("open push source %q: %w", cfg.Name, err)
		}
		return src, nil
	}
}

type options struct {
	// Entries is how many of the last idempotency keys are remembered however old
	// they are, up to 20000.
	Entries int `option:"idempotency_entries"`
	// Window is how long any idempotency key is remembered, but for more than 20,000
	// of them.
	Window time.Duration `option:"idempotency_window"`
	// Absent says what it means that a row lacks a nullable field: keep (it was not
	// sent: what is known stays) or null.
	Absent connectors.Absent `option:"absent"`
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

// departments returns whose key this is.
func (s *Server) departments(r *http.Request) []string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return nil
	}
	key, ok := strings.CutPrefix(values[0], "Bearer ")
	if !ok || key == "" {
		return nil
	}
	return s.keys[KeyDigest(key)]
}

func provides(departments []string, d *schemas.Dataset) bool {
	return d.Provider != nil && slices.Contains(departments, d.Provider.ID)
}

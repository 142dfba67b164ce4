package simulation

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// world is one run: everything in its bubble.
type world struct {
	t       *testing.T
	seed    uint64
	mutant  mutant
	city    *city
	history *history
	log     *slog.Logger
	said    *spoken // what the processes logged

	kafka       bustest.Kafka
	bus         *bus.Bus // nobody's: faults do not reach it
	cache       *cache
	access      *access.Access
	door        *door
	departments []*department
	voice       *voice
	operator    *operator
	processes   map[string]*process
	armed       *armed
	refusals    []*kfake.FaultHandle
	workers     int // of each step
	batch       int // records of a transaction

	skew      atomic.Int64 // of the clock of steps and gateway
	furthest  int64        // that it has been ahead
	catalogue atomic.Int64
	rotated   atomic.Int64 // which key is to be current, from 0
	diskFull  atomic.Bool
	diskBad   atomic.Bool
	flipped   atomic.Bool // a bit of a state, which may not have been read since
	eager     values      // of the mutant of that name
	misses    misses      // of the mutant that looks and does not reserve

	mu     sync.Mutex
	asking sync.WaitGroup
	asked  int
}

const partitions = 2

// warmth is a topic into which each process writes first of all, alone: its client
// then has its producer id, see mayFail.
const warmth = contract.Topic("warmth")

func warm(ctx context.Context, b *bus.Bus) error {
	return b.Append(ctx, bus.Record{Topic: warmth, Value: []byte("here")})
}

// newWorld builds the world of a seed: topics, cache, departments. No process
// runs yet.
func newWorld(t *testing.T, seed uint64, m mutant) *world {
	t.Helper()
	w := &world{t: t, seed: seed, mutant: m, city: theCity(t), history: newHistory(), processes: map[string]*process{}}
	w.said = &spoken{}
	w.log = slog.New(slog.NewTextHandler(w.said, &slog.HandlerOptions{Level: slog.LevelInfo}))
	w.armed, w.door = &armed{world: w}, &door{world: w}
	w.operator = &operator{world: w, random: w.stream(7), busy: map[string]bool{}}
	shape := w.stream(1)
	w.workers, w.batch = 1+shape.IntN(2), 5+shape.IntN(60)
	if m.version == 1 {
		w.catalogue.Store(1)
	}
	w.kafka = bustest.Brokers(t, 2)
	w.kafka.Prefix = ""
	w.kafka.Broker.Cluster().ControlKey(int16(kmsg.OffsetForLeaderEpoch), w.epochs)
	w.keepAsKafka()
	w.bus = w.kafka.Open(t, func(c *bus.Config) { *c = w.config() })
	if err := w.bus.Ensure(t.Context(), append(w.city.topics(), contract.Spec{Topic: warmth, Partitions: 1})...); err != nil {
		t.Fatal(err)
	}
	if err := warm(t.Context(), w.bus); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.cache, err = newCache(w); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.cache.mini.Close)
	cat := w.city.catalogues[0]
	perApp, perTarget := w.budgets()
	w.history.put("budget", event{"app": perApp, "target": perTarget})
	w.misses.of = map[quota.Key]int{}
	if w.access, err = access.New(cat, w.applications(true)); err != nil {
		t.Fatal(err)
	}
	of := map[string][]string{"ga": {"GA01", "GA03"}, "rs": {"RS02"}, "yb": {"YB01"}}
	for _, name := range []string{"ga", "rs", "yb"} {
		d := newDepartment(name, w.history, clockOf(w.stream(uint64(10+len(w.departments)))))
		for _, id := range of[name] {
			one, err := cat.Dataset(id)
			if err != nil {
				t.Fatal(err)
			}
			d.datasets = append(d.datasets, one)
		}
		w.departments = append(w.departments, d)
	}
	if r := w.stream(11); m.late || m.name == "" && r.IntN(5) == 0 {
		w.departments[r.IntN(len(w.departments))].late = true
	}
	return w
}

// epochs answers where an epoch of a partition ended: behind everything, for
// this log is never cut. The embedded broker, which outside of here never moves a
// leader, takes the epoch before a move for unknown until something is written
// after it, and clients then believe that they have lost the partition.
func (w *world) epochs(asked kmsg.Request) (kmsg.Response, error, bool) {
	w.kafka.Broker.Cluster().KeepControl()
	req, ok := asked.(*kmsg.OffsetForLeaderEpochRequest)
	if !ok {
		return nil, nil, false
	}
	resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	for _, t := range req.Topics {
		topic := kmsg.NewOffsetForLeaderEpochResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			one := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			one.Partition, one.LeaderEpoch, one.EndOffset = p.Partition, p.LeaderEpoch, 1<<40
			topic.Partitions = append(topic.Partitions, one)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp, nil, true
}

// stream returns one of the seed's streams of random numbers. Each part has its
// own, so that what one draws does not move another.
func (w *world) stream(n uint64) *rand.Rand { return rand.New(rand.NewPCG(w.seed, n)) }

// config is the bus's, with timeouts that keep a run short.
func (w *world) config() bus.Config {
	c := w.kafka.Config()
	c.Partitions, c.TransactionTimeout, c.SessionTimeout = partitions, 1500*time.Millisecond, 2*time.Second
	return c
}

// clock is the clock of steps and gateway, which can be wrong.
func (w *world) clock() time.Time { return time.Now().Add(time.Duration(w.skew.Load())) }

// version is the catalogue that a process takes when it starts.
func (w *world) version() int { return int(w.catalogue.Load()) & 1 }

// ring is which key is current for a process when it starts.
func (w *world) ring() int { return int(w.rotated.Load()) & 1 }

// diskError is what a process's disk says to an operation.
func (w *world) diskError(*process) func(errorfs.Op) error {
	return func(op errorfs.Op) error {
		switch {
		case w.diskFull.Load() && (op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpMkdirAll):
			return syscall.ENOSPC
		case w.diskBad.Load() && op.Kind == errorfs.OpFileReadAt:
			return syscall.EIO
		}
		return nil
	}
}

// grants of the applications that ask, as the checker knows them too.
var grants = map[string]map[string][]string{
	"reader":  {"person.partial": {"GMSFHM", "XM", "HJDZ", "JZDZ", "LXDH", "GA03"}, "RS02.partial": {"GMSFHM", "DYZTDM", "LXDH"}},
	"clerk":   {"person.partial": {"XM", "LXDH"}},
	"counter": {"person.partial": {"GMSFHM", "XM"}},
	"prober":  {"person.verify": {"XM", "LXDH"}},
}

// applications are who may ask; the clerk may lose its right.
func (w *world) applications(clerk bool) []access.Application {
	var out []access.Application
	for _, id := range []string{"reader", "clerk", "counter", "prober"} {
		app := access.Application{ID: id, Title: id, Department: "RS", KeyDigest: access.DigestKey("key-" + id)}
		for _, view := range []string{"person.partial", "RS02.partial", "person.verify"} {
			if fields := grants[id][view]; fields != nil && (clerk || id != "clerk") {
				g := access.Grant{View: view, Fields: fields, Purposes: []string{"GLJT"}}
				if id == "counter" {
					g.Quota = counted
				}
				app.Grants = append(app.Grants, g)
				w.history.put("grant", event{"app": id, "view": view, "fields": fields, "quota": g.Quota})
			}
		}
		out = append(out, app)
	}
	return out
}

// spoken keeps what was logged.
type spoken struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (s *spoken) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// wait lets the bubble's clock run.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

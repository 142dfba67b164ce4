// Package freshness knows how old an answer is. A source says from time to
// time "all I committed before this moment has been published"; once every
// step of the journey has passed the offsets that were the ends of its topics
// at that time, the moment holds for the views too:
//
//	heartbeat of the source -> ends of raw.* <= committed by route
//	-> ends of claims.* <= committed by resolve -> ends of shared.* <= in the cache,
//	   and of refused <= known
//
// The ends are always read after the step before was seen to have passed, so
// the moment can be too early but never too late.
package freshness

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Offsets tells where topics end and groups stand; *bus.Bus does.
type Offsets interface {
	EndOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error)
	// StableOffsets tells up to where readers of committed records are shown everything.
	StableOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error)
	Committed(ctx context.Context, group string) (map[contract.Topic]map[int32]int64, error)
}

// Cache is what fills the cache, and how far it has come.
type Cache interface {
	// Applied returns the offset after the last record of each partition that is in
	// the cache, of the topics of views, and of Refused that is known.
	Applied(ctx context.Context) (map[contract.Topic]map[int32]int64, error)
	// Polled returns for how long the readers of these topics have waited for
	// records, and which readers those are: a restarted one begins at zero. A
	// process that does not fill the cache returns 0, 0.
	Polled() (reader int64, d time.Duration)
}

// Tracker follows the moments through the journey. It is safe for concurrent use.
type Tracker struct {
	catalogue *schemas.Catalogue
	offsets   Offsets
	cache     Cache
	clock     func() time.Time
	related   map[string][]string // entity view -> datasets it is made of
	without   []string            // datasets that are not connected here, by the operator's word

	mu      sync.RWMutex
	sources map[string]Source
	rows    map[string]time.Time            // dataset -> as of, for its own views
	golden  map[string]map[string]time.Time // entity -> dataset -> as of

	waves    []*wave                     // of Step alone
	renewed  map[string]map[int32]string // step, partition -> the catalogue under which it has said all again
	renewing map[string]bool             // views that are not whole yet, true = on their way into the cache

	views     atomic.Pointer[map[string]moment] // what View answers, as of the last Step
	successor atomic.Pointer[Successor]         // the catalogue that is in force behind this one
}

// moment is as of when a view is, until when that is not stale, and of which datasets
// no complete copy has ever come through to it.
type moment struct {
	asOf, until time.Time
	missing     []string
	renewing    bool
}

// Source is what a source last said of itself.
type Source struct {
	Name     string
	Kind     string
	Datasets []string
	State    string
	Error    string
	Rows     int64
	Awaited  []string  // of its datasets, those of which no first delivery has come whole
	CaughtUp time.Time // all it committed before is published, but of what is awaited
	Seen     time.Time // when it said so
	Do       string    // what a person does about Error

	// Status is all that it said; State, Error and Do are then what its Word comes to.
	Status contract.SourceStatus
	heard  time.Time // when that was received, by this process's clock
}

// now is the source as it does at a moment: what it said, and how long ago that
// was received.
func (s Source) now(at time.Time) Source {
	if s.Status.State == "" {
		return s
	}
	w := s.Status.Word(s.Name, contract.Known{Age: at.Sub(s.heard)})
	s.State, s.Error, s.Do = w.State, w.Why, w.Do
	return s
}

// Successor is the catalogue that came into force last, behind that of this process.
type Successor struct {
	Version string
	Since   time.Time // when it was noticed that there is one
	Views   []string  // of this process, those of which nothing is known, sorted
}

// wave is one moment on its way.
type wave struct {
	dataset string
	entity  string // "" = the dataset's own views
	view    string // a view that comes whole, of no dataset; "" = a moment
	at      time.Time
	stage   stage
	target  map[contract.Topic]map[int32]int64
	silence Silence // of the shared topics, about the target
}

type stage uint8

const (
	atRoute stage = iota
	atResolve
	atCache
	arrived
)

// New returns a tracker that has heard of no source. Without are the datasets that the
// operator says are not connected in this deployment: nobody waits for them.
func New(c *schemas.Catalogue, offsets Offsets, cache Cache, clock func() time.Time, without ...string) *Tracker {
	t := &Tracker{
		catalogue: c, offsets: offsets, cache: cache, clock: clock, related: map[string][]string{}, without: without,
		sources: map[string]Source{}, rows: map[string]time.Time{}, golden: map[string]map[string]time.Time{},
		renewed: map[string]map[int32]string{}, renewing: map[string]bool{},
	}
	for _, v := range c.Views() {
		if c.Lineage.Known[v.ID].Step > 0 {
			t.renewing[v.ID] = false
		}
	}
	for _, e := range c.Entities {
		t.golden[e.ID] = map[string]time.Time{}
		for _, v := range e.Views {
			t.related[v.ID] = contributors(e, v, clock())
		}
	}
	return t
}

// contributors returns the datasets that a view of an entity is made of.
func contributors(e *schemas.Entity, v *schemas.View, now time.Time) []string {
	shown := map[string]bool{}
	for _, f := range v.Fields {
		shown[f.Name] = true
	}
	seen := map[string]bool{}
	if table := e.Current(now); table != nil {
		for name, candidates := range table.Sources {
			for _, c := range candidates {
				for field := range c.Columns {
					if v.Name == schemas.ExplainView || shown[field] || shown[name] {
						seen[c.Dataset] = true
					}
				}
				if len(c.Columns) == 0 && (v.Name == schemas.ExplainView || shown[name]) {
					seen[c.Dataset] = true
				}
			}
		}
	}
	for _, embed := range v.Embed {
		seen[embed.Dataset.ID] = true
	}
	var out []string
	for id := range seen {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// Observe takes what a source says of itself. It must have been read from the
// log in order, after what it speaks about.
func (t *Tracker) Observe(s Source) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if before := t.sources[s.Name]; s.CaughtUp.Before(before.CaughtUp) {
		s.CaughtUp = before.CaughtUp // a restarted source may not know yet
	}
	s.heard = t.clock()
	t.sources[s.Name] = s
}

// Forget drops a source whose status was deleted.
func (t *Tracker) Forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.sources, name)
}

// heard returns the moment up to which everything of a dataset is published.
func (t *Tracker) heard(dataset string) (time.Time, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var at time.Time
	found := false
	for _, s := range t.active(dataset) {
		upTo := s.CaughtUp
		if slices.Contains(s.Awaited, dataset) || t.void(s, dataset) {
			upTo = time.Time{}
		}
		if !found || upTo.Before(at) {
			at, found = upTo, true
		}
	}
	return at, found
}

// void reports whether what a source says of a dataset is of before that left the
// catalogue: nothing of it is there any more.
func (t *Tracker) void(s Source, dataset string) bool {
	return slices.Contains(s.Status.Returned, dataset) || s.Status.Void(&t.catalogue.Lineage, dataset)
}

// active returns the sources of a dataset but those that were retired. One that
// is only stopped or has failed counts: nobody knows what its department has
// changed since, and another source that goes on does not know either.
func (t *Tracker) active(dataset string) []Source {
	var out []Source
	for _, s := range t.sources {
		if s.State != contract.StateRetired && slices.Contains(s.Datasets, dataset) {
			out = append(out, s)
		}
	}
	return out
}

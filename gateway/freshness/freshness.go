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
	"fmt"
	"maps"
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

	waves []*wave // of Step alone

	views atomic.Pointer[map[string]moment] // what View answers, as of the last Step
}

// moment is as of when a view is, until when that is not stale, and of which datasets
// no complete copy has ever come through to it.
type moment struct {
	asOf, until time.Time
	missing     []string
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

// wave is one moment on its way.
type wave struct {
	dataset string
	entity  string // "" = the dataset's own views
	at      time.Time
	stage   stage
	target  map[contract.Topic]map[int32]int64
	decided bool          // no open transaction hides any of the target
	reader  int64         // of the shared topics, when that was seen
	polled  time.Duration // by that reader, then
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

// Step moves every moment as far as it has come. The caller repeats it.
func (t *Tracker) Step(ctx context.Context) error {
	defer t.settleViews()
	if err := t.start(ctx); err != nil {
		return err
	}
	if err := t.pass(ctx, atRoute, func(*wave) string { return contract.Route }, t.leaveRoute); err != nil {
		return err
	}
	if err := t.pass(ctx, atResolve, func(w *wave) string { return contract.Resolve(w.entity) }, t.leaveResolve); err != nil {
		return err
	}
	return t.arrive(ctx)
}

// start sends a new moment off for every dataset that has none before route.
func (t *Tracker) start(ctx context.Context) error {
	var fresh []*wave
	var topics []contract.Topic
	for _, d := range t.catalogue.Datasets {
		if t.under(d.ID, "", atRoute) {
			continue
		}
		at, ok := t.heard(d.ID)
		if !ok || at.IsZero() {
			continue
		}
		fresh = append(fresh, &wave{dataset: d.ID, at: at})
		topics = append(topics, contract.Raw(d.ID))
	}
	if len(fresh) == 0 {
		return nil
	}
	ends, err := t.offsets.EndOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("follow raw topics: %w", err)
	}
	for _, w := range fresh {
		topic := contract.Raw(w.dataset)
		w.target = map[contract.Topic]map[int32]int64{topic: ends[topic]}
	}
	t.waves = append(t.waves, fresh...)
	return nil
}

func (t *Tracker) under(dataset, entity string, at stage) bool {
	return slices.ContainsFunc(t.waves, func(w *wave) bool {
		return w.dataset == dataset && w.entity == entity && (at != atRoute) == (w.stage != atRoute)
	})
}

// heard returns the moment up to which everything of a dataset is published.
func (t *Tracker) heard(dataset string) (time.Time, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var at time.Time
	found := false
	for _, s := range t.active(dataset) {
		upTo := s.CaughtUp
		if slices.Contains(s.Awaited, dataset) {
			upTo = time.Time{}
		}
		if !found || upTo.Before(at) {
			at, found = upTo, true
		}
	}
	return at, found
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

// pass lets the waves of a stage leave it whose targets the stage's group has committed.
func (t *Tracker) pass(ctx context.Context, at stage, group func(*wave) string, leave func(context.Context, []*wave) error) error {
	committed := map[string]map[contract.Topic]map[int32]int64{}
	var passed []*wave
	for _, w := range t.waves {
		if w.stage != at {
			continue
		}
		g := group(w)
		if _, asked := committed[g]; !asked {
			at, err := t.offsets.Committed(ctx, g)
			if err != nil {
				return fmt.Errorf("follow group %q: %w", g, err)
			}
			committed[g] = at
		}
		if reached(w.target, committed[g]) {
			passed = append(passed, w)
		}
	}
	if len(passed) == 0 {
		return nil
	}
	return leave(ctx, passed)
}

// reached reports whether a group that commits past markers has passed the
// target, as the steps' groups do.
func reached(target, at map[contract.Topic]map[int32]int64) bool {
	for topic, partitions := range target {
		for p, end := range partitions {
			if at[topic][p] < end {
				return false
			}
		}
	}
	return true
}

// Fetched is how long a reader of shared topics must have waited for records, since
// everything up to a target was seen to be decided, before what lies between its last
// record and the target is known to hold none: markers of transactions, aborted
// records, what compaction took away. In that time whatever a broker shows is fetched.
const Fetched = 700 * time.Millisecond

// Decided reports whether everything before target is either read (at is the offset
// after the last record) or decided (before stable). Until then an open transaction may
// hide committed records behind it, for as long as its owner has asked the broker for:
// no time of ours says how long that is.
func Decided(target, at, stable map[int32]int64) bool {
	for p, end := range target {
		if at[p] < end && stable[p] < end {
			return false
		}
	}
	return true
}

// inCache reports whether everything of w's target that is a record is in the cache.
func (w *wave) inCache(at, stable map[contract.Topic]map[int32]int64, reader int64, polled time.Duration) bool {
	if reached(w.target, at) {
		return true
	}
	if !w.decided || w.reader != reader { // another reader has its own waiting to do
		w.decided, w.reader, w.polled = true, reader, polled
		for topic, target := range w.target {
			w.decided = w.decided && Decided(target, at[topic], stable[topic])
		}
	}
	return w.decided && polled-w.polled >= Fetched
}

// leaveRoute sends each moment on: towards the dataset's own views, and
// towards every entity its rows speak about.
func (t *Tracker) leaveRoute(ctx context.Context, passed []*wave) error {
	var topics []contract.Topic
	var next []*wave
	for _, w := range passed {
		d, err := t.catalogue.Dataset(w.dataset)
		if err != nil {
			return err
		}
		if !t.under(d.ID, "", atCache) {
			own := &wave{dataset: d.ID, at: w.at, stage: atCache, target: map[contract.Topic]map[int32]int64{contract.Refused: nil}}
			for _, v := range d.Views {
				own.target[contract.Shared(v.ID)] = nil
			}
			next = append(next, own)
		}
		for _, e := range entities(d) {
			if !t.under(d.ID, e, atResolve) {
				next = append(next, &wave{dataset: d.ID, entity: e, at: w.at, stage: atResolve, target: map[contract.Topic]map[int32]int64{contract.Claims(e): nil}})
			}
		}
	}
	for _, w := range next {
		for topic := range w.target {
			if !slices.Contains(topics, topic) {
				topics = append(topics, topic)
			}
		}
	}
	if err := t.aim(ctx, next, topics); err != nil {
		return err
	}
	t.waves = slices.DeleteFunc(t.waves, func(w *wave) bool { return slices.Contains(passed, w) })
	t.waves = append(t.waves, next...)
	return nil
}

func entities(d *schemas.Dataset) []string {
	var out []string
	for _, l := range d.Links {
		if !slices.Contains(out, l.Entity) {
			out = append(out, l.Entity)
		}
	}
	return out
}

// leaveResolve sends each moment on towards the entity's views.
func (t *Tracker) leaveResolve(ctx context.Context, passed []*wave) error {
	topics := []contract.Topic{contract.Refused}
	var ahead []*wave
	for _, w := range passed {
		e, err := t.catalogue.Entity(w.entity)
		if err != nil {
			return err
		}
		next := &wave{dataset: w.dataset, entity: w.entity, at: w.at, stage: atCache, target: map[contract.Topic]map[int32]int64{contract.Refused: nil}}
		for _, v := range e.Views {
			topic := contract.Shared(v.ID)
			next.target[topic] = nil
			if !slices.Contains(topics, topic) {
				topics = append(topics, topic)
			}
		}
		ahead = append(ahead, next)
	}
	if err := t.aim(ctx, ahead, topics); err != nil {
		return err
	}
	for i, w := range passed {
		*w = *ahead[i]
	}
	return nil
}

// aim sets the targets of waves to where their topics end now.
func (t *Tracker) aim(ctx context.Context, waves []*wave, topics []contract.Topic) error {
	if len(topics) == 0 {
		return nil
	}
	ends, err := t.offsets.EndOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("follow topics: %w", err)
	}
	for _, w := range waves {
		for topic := range w.target {
			w.target[topic] = ends[topic]
		}
	}
	return nil
}

// arrive ends the journey of the moments whose records are in the cache.
func (t *Tracker) arrive(ctx context.Context) error {
	at, err := t.cache.Applied(ctx)
	if err != nil {
		return fmt.Errorf("follow the cache: %w", err)
	}
	topics := map[contract.Topic]bool{}
	for _, w := range t.waves {
		if w.stage == atCache && !reached(w.target, at) {
			for topic := range w.target {
				topics[topic] = true
			}
		}
	}
	stable, err := t.offsets.StableOffsets(ctx, slices.Collect(maps.Keys(topics))...)
	if err != nil {
		return fmt.Errorf("follow shared topics: %w", err)
	}
	reader, polled := t.cache.Polled()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.waves {
		if w.stage != atCache {
			continue
		}
		if !w.inCache(at, stable, reader, polled) {
			continue
		}
		w.stage = arrived
		if w.entity != "" {
			t.golden[w.entity][w.dataset] = w.at
		} else {
			t.rows[w.dataset] = w.at
		}
	}
	t.waves = slices.DeleteFunc(t.waves, func(w *wave) bool { return w.stage == arrived })
	return nil
}

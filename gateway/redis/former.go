package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// How much of Redis one step of removing looks at, how many keys go in one script, and
// how long it rests between: Redis does nothing else meanwhile.
const (
	formerScan  = 500
	formerBatch = 200
	formerPace  = 10 * time.Millisecond
	// formerEvery is how often it is looked whether something was left, when nothing was.
	formerEvery = time.Hour
)

// errOtherServer says that another server answers than the one that was asked before: a
// cursor of the one says nothing to the other.
var errOtherServer = errors.New("another redis process answers")

// former removes the spaces that no view of the present catalogue uses: those of views
// that show otherwise now, or are gone, and those of generations that are not current.
//
// A space goes in this order, whatever happens in between. It is seen to be unused for as
// long as a mark of use lasts (Config.Held), and nobody has set that mark: then it is
// retired, in one script, so that it is not ready and nobody may write to it; its records
// are unlinked, each batch in a script that looks whether it is retired still; after one
// whole pass over Redis its last mark goes. Who comes back to it (another catalogue is
// put in force, a gateway was cut off) finds nothing ready, waits until it is empty and
// fills it from the start. Who dies in between leaves a retired space, which the next
// pass of anybody goes on with. Its marks of use, and removing, are safe for concurrent use.
type former struct {
	prefix      string
	held        time.Duration // how long a mark of use lasts
	writer      *goredis.Client
	generations *generations
	instance    *instance
	log         *slog.Logger
	metrics     *metrics

	last Former // what was told

	mu   sync.Mutex
	used map[spaceName]time.Time // when we marked that we use it
}

// leftover is a former space that was found.
type leftover struct {
	seen     time.Time // since when it was seen to be used by nobody
	records  int       // seen in this pass
	retired  bool
	occupied bool // somebody uses it
	met      bool // in this pass
}

// hold marks spaces as used. If it cannot, as when memory is short, they are not: whoever
// uses them may have to fill them again.
func (f *former) hold(ctx context.Context, space *keyspace, views []string) {
	f.mu.Lock()
	var names []string
	now := time.Now()
	for _, v := range views {
		if n := (spaceName{space.generation, v}); now.Sub(f.used[n]) >= f.held/4 {
			f.used[n] = now
			names = append(names, v)
		}
	}
	f.mu.Unlock()
	if len(names) == 0 {
		return
	}
	pipe := f.writer.Pipeline()
	for _, v := range names {
		pipe.Set(ctx, space.used(v), "1", f.held)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		f.log.Debug("use of views was not marked", "error", err)
	}
}

// RemoveFormer implements store.Remover.
func (s *Store) RemoveFormer(ctx context.Context, keep []string, loaded func() bool) error {
	return s.former.run(ctx, keep, loaded)
}

func (f *former) run(ctx context.Context, keep []string, loaded func() bool) error {
	found := map[spaceName]*leftover{}
	var next time.Time
	for {
		if err := pause(ctx, f.held/4); err != nil {
			return err
		}
		p := &pass{former: f, keep: set(keep), found: found, loaded: loaded}
		err := p.begin(ctx, keep)
		if err == nil && p.current != "" && (len(p.own) > 0 || loaded() && !time.Now().Before(next)) {
			err = p.run(ctx)
			next = time.Now().Add(f.held)
			if err == nil && len(found) == 0 && p.removed == 0 {
				next = time.Now().Add(formerEvery)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			f.log.Warn("former spaces of the cache cannot be removed, trying again", "error", err)
		}
	}
}

// pass goes over all of Redis once.
type pass struct {
	*former
	current store.Generation
	keep    map[string]bool
	found   map[spaceName]*leftover // by earlier passes and this one
	own     map[spaceName]*leftover
	loaded  func() bool
	removed int
}

// begin looks which generation is current, and which present spaces are being removed: they
// were somebody's leftovers, and whoever fills them waits.
func (p *pass) begin(ctx context.Context, keep []string) error {
	if err := p.generations.refresh(ctx); err != nil {
		return err
	}
	now := p.generations.now.Load()
	if now == nil {
		return nil
	}
	p.current, p.own = now.generation, map[spaceName]*leftover{}
	pipe := p.writer.Pipeline()
	marks := make([]*goredis.BoolCmd, len(keep))
	for i, v := range keep {
		marks[i] = pipe.HExists(ctx, now.marks(v), removing)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("look for spaces that are being removed: %w", err)
	}
	for i, v := range keep {
		if marks[i].Val() {
			p.own[spaceName{now.generation, v}] = &leftover{}
		}
	}
	return nil
}

func (p *pass) run(ctx context.Context) error {
	server := p.instance.process()
	if err := p.retire(ctx); err != nil {
		return err
	}
	if err := p.scan(ctx); err != nil {
		return err
	}
	if p.instance.process() != server {
		return errOtherServer // what was retired may not be
	}
	if err := p.finish(ctx); err != nil {
		return err
	}
	return p.report(ctx)
}

// retire takes the spaces out of use that nobody used for long enough.
func (p *pass) retire(ctx context.Context) error {
	for name, l := range p.found {
		l.records, l.met, l.occupied = 0, false, false
		if p.kept(name) {
			delete(p.found, name) // it is current by now
			continue
		}
		if l.retired || p.loaded() && time.Since(l.seen) >= p.held {
			if err := p.take(ctx, name, l); err != nil {
				return err
			}
		}
	}
	for name, l := range p.own {
		if err := p.take(ctx, name, l); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) take(ctx context.Context, name spaceName, l *leftover) error {
	space := p.generations.space(name.generation)
	ok, err := retireScript.Run(ctx, p.writer, []string{space.marks(name.view), space.ready(name.view), space.used(name.view), space.withheld(name.view)}).Bool()
	if err != nil {
		return fmt.Errorf("retire space %q of generation %q: %w", name.view, name.generation, err)
	}
	if l.retired = ok; !ok {
		l.seen, l.occupied = time.Now(), true
	}
	return nil
}

func (p *pass) kept(name spaceName) bool { return name.generation == p.current && p.keep[name.view] }

// scan meets every key once at least, and unlinks those of retired spaces.
func (p *pass) scan(ctx context.Context) error {
	var cursor uint64
	for {
		keys, next, err := p.writer.Scan(ctx, cursor, literally(p.prefix)+":g*:*", formerScan).Result()
		if err != nil {
			return fmt.Errorf("look for former spaces: %w", err)
		}
		for name, records := range p.sort(keys) {
			if err := p.unlink(ctx, name, records); err != nil {
				return err
			}
		}
		if cursor = next; next == 0 {
			return nil
		}
		if err := pause(ctx, formerPace); err != nil {
			return err
		}
	}
}

// sort takes note of the former spaces of some keys, and returns the records of those
// that are being removed.
func (p *pass) sort(keys []string) map[spaceName][]string {
	out := map[spaceName][]string{}
	for _, key := range keys {
		name, record, ok := spaceOf(p.prefix, key)
		if !ok {
			continue
		}
		l := p.own[name]
		if l == nil {
			if p.kept(name) {
				continue
			}
			if l = p.found[name]; l == nil {
				l = &leftover{seen: time.Now()}
				p.found[name] = l
			}
		}
		if l.met = true; record {
			l.records++
			if l.retired {
				out[name] = append(out[name], key)
			}
		}
	}
	return out
}

func (p *pass) unlink(ctx context.Context, name spaceName, records []string) error {
	l := p.own[name]
	if l == nil {
		l = p.found[name]
	}
	for len(records) > 0 && l.retired {
		n := min(len(records), formerBatch)
		removed, err := removeScript.Run(ctx, p.writer, append([]string{p.generations.space(name.generation).marks(name.view)}, records[:n]...)).Int()
		if err != nil {
			return fmt.Errorf("remove from space %q of generation %q: %w", name.view, name.generation, err)
		}
		if removed < 0 { // somebody writes to it, or has emptied it
			l.retired, l.seen = false, time.Now()
			return nil
		}
		l.records -= removed
		p.removed += removed
		p.metrics.removed.Add(float64(removed))
		records = records[n:]
	}
	return nil
}

// finish takes away what is left of the spaces that are empty now, and forgets those
// that are not there.
func (p *pass) finish(ctx context.Context) error {
	for _, all := range []map[spaceName]*leftover{p.own, p.found} {
		for name, l := range all {
			if l.retired {
				gone, err := removeScript.Run(ctx, p.writer, []string{p.generations.space(name.generation).marks(name.view)}).Int()
				if err != nil {
					return fmt.Errorf("end removing space %q of generation %q: %w", name.view, name.generation, err)
				}
				if gone > 0 {
					p.log.Info("a former space of the cache was removed", "view", name.view, "generation", string(name.generation))
				}
			}
			if l.retired || !l.met {
				delete(p.found, name)
			}
		}
	}
	return nil
}

// report says what is left.
func (p *pass) report(ctx context.Context) error {
	left := Former{At: time.Now()}
	for _, l := range p.found {
		left.Spaces++
		left.Records += l.records
		if l.occupied {
			left.Used++
		}
	}
	p.metrics.formerSpaces.Set(float64(left.Spaces))
	p.metrics.formerRecords.Set(float64(left.Records))
	before := p.last
	if p.last = left; left.Spaces != before.Spaces || left.Used != before.Used || p.removed > 0 {
		p.log.Info("former spaces of the cache", "removed_records", p.removed, "left_spaces", left.Spaces, "left_records", left.Records, "used_by_others", left.Used)
	}
	return left.keep(ctx, p.writer, p.prefix)
}

// Former is what Redis holds of views as they were, when it was last looked.
type Former struct {
	At      time.Time // zero = nobody has looked yet
	Spaces  int       // of views that the catalogue in force has not, or not so
	Used    int       // of these: another gateway uses them, of another catalogue
	Records int
}

// keep tells whoever examines this Redis.
func (f Former) keep(ctx context.Context, c *goredis.Client, prefix string) error {
	err := c.Set(ctx, prefix+":former", fmt.Sprintf("%d %d %d %d", f.At.UnixMilli(), f.Spaces, f.Used, f.Records), 0).Err()
	if err != nil {
		return fmt.Errorf("keep what is left: %w", err)
	}
	return nil
}

// formerOf reads what the last pass has left.
func formerOf(ctx context.Context, c *goredis.Client, prefix string) (Former, error) {
	text, err := c.Get(ctx, prefix+":former").Result()
	if errors.Is(err, goredis.Nil) {
		return Former{}, nil
	}
	if err != nil {
		return Former{}, fmt.Errorf("read what is left: %w", err)
	}
	var n [4]int64
	for i, word := range strings.Fields(text) {
		if i < len(n) {
			n[i], _ = strconv.ParseInt(word, 10, 64)
		}
	}
	return Former{time.UnixMilli(n[0]), int(n[1]), int(n[2]), int(n[3])}, nil
}

// literally returns a pattern that only text itself matches.
func literally(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(text)
}

func set(names []string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

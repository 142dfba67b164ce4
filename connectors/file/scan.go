package file

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// sighting is when a file was first seen with this size and time.
type sighting struct {
	size     int64
	modified time.Time
	since    time.Time
}

// candidate is a file of the folder. Files are taken in the order of their
// delivery, see delivered; markers say whether it is whole, not when it was delivered.
type candidate struct {
	name      string
	delivered time.Time
	unmarked  time.Duration // for how long it has lain without the marker it needs
}

func (c candidate) before(o candidate) bool {
	return cmp.Or(c.delivered.Compare(o.delivered), cmp.Compare(c.name, o.name)) < 0
}

// queue is what of the folder can be taken, and what stands before the rest of it.
type queue struct {
	ready  []candidate // in the order of their delivery
	first  *candidate  // of those that are not whole yet
	behind int         // whole ones that were delivered after it, and wait for it
}

// inLine puts files into the order of their delivery. One that is whole waits for all that were
// delivered before it and are not: rows of an earlier delivery would come after its own, and
// an old value over a new one. A file whose marker does not come is not waited for longer than
// patience: then it is the next, and refused for want of its marker.
func inLine(whole, open []candidate, patience time.Duration) queue {
	order := func(x, y candidate) int {
		if x.before(y) {
			return -1
		}
		return 1
	}
	slices.SortFunc(whole, order)
	slices.SortFunc(open, order)
	q := queue{ready: whole}
	for len(open) > 0 {
		first := open[0]
		i := slices.IndexFunc(q.ready, first.before)
		if i >= 0 && patience > 0 && first.unmarked >= patience {
			q.ready = slices.Insert(q.ready, i, first)
			open = open[1:]
			continue
		}
		if q.first = &first; i >= 0 {
			q.behind = len(q.ready) - i
			q.ready = q.ready[:i]
		}
		break
	}
	return q
}

// lookout looks what lies in the drop folder and how long it has lain still.
type lookout struct {
	*box
	options Options
	cfg     connectors.Config
	log     *slog.Logger
	seen    map[string]sighting
	soonest time.Duration   // until something may be settled
	waiting bool            // files lie in the folder that are not taken yet
	alone   int             // of them, those that have waited for their marker for too long
	behind  int             // whole files that wait for one that was delivered before them
	before  string          // that one's name
	told    map[string]bool // what lies there and is left alone: said once
}

func newLookout(b *box, o Options, cfg connectors.Config) *lookout {
	return &lookout{box: b, options: o, cfg: cfg, log: cfg.Log().With("source", cfg.Name), seen: map[string]sighting{}, soonest: time.Hour, told: map[string]bool{}}
}

// same makes sure that the folder is still what its path leads to: a file system
// that was unmounted shows an empty folder, which would look like "nothing new".
func (l *lookout) same() error {
	now, err := os.Stat(l.options.Dir)
	if err != nil {
		return fmt.Errorf("投递目录打不开，恢复后自动继续 / look at drop folder %q: %w", l.options.Dir, bare(err))
	}
	mine, err := l.root.Stat(".")
	if err != nil {
		return fmt.Errorf("投递目录打不开，恢复后自动继续 / look at drop folder %q: %w", l.options.Dir, bare(err))
	}
	if !os.SameFile(now, mine) {
		return fmt.Errorf("投递目录 %s 不是原来的那个（卸载或换掉了），恢复后自动继续 / the drop folder is another than before: unmounted or replaced", l.options.Dir)
	}
	return nil
}

// scan lists the files that can be taken, in the order of their delivery.
func (l *lookout) scan(now time.Time) ([]candidate, error) {
	if err := l.same(); err != nil {
		return nil, err
	}
	entries, err := l.list(".")
	if err != nil {
		return nil, err
	}
	markers := map[string]fs.DirEntry{}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), l.options.Marker); ok && name != "" {
			markers[name] = e
		}
	}
	var whole, open []candidate
	next := make(map[string]sighting, len(entries))
	l.soonest, l.waiting, l.alone, l.before = time.Hour, false, 0, ""
	present := 0
	for _, e := range entries {
		if l.passOver(e) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // taken away while we looked
		}
		if err != nil {
			return nil, fmt.Errorf("look at a file of the drop folder (digest of its name %s): %w", digest(l.cfg, e.Name()), bare(err))
		}
		l.waiting = true
		present++
		file := sight{info, l.sighted(next, info, now)}
		marker, err := l.marked(next, markers[e.Name()], now)
		if err != nil {
			return nil, err
		}
		c, ok := l.whole(file, marker)
		if ok {
			whole = append(whole, c)
			continue
		}
		if marker == nil && l.options.Wait == "marker" && file.still >= unmarked {
			l.alone++
			c.unmarked = max(file.still, now.Sub(c.delivered)) // it may lie there since before this process
		}
		open = append(open, c)
	}
	l.seen = next
	if len(markers) > 0 && present == 0 {
		l.tell("*"+l.options.Marker, "a marker lies in the drop folder without its file")
	}
	q := inLine(whole, open, l.options.Patience)
	if l.behind = q.behind; q.behind > 0 {
		l.before = q.first.name
	}
	return q.ready, nil
}

// delivered is when a file's content came into the folder: when it was last written, or
// made here if that is later, since a sender may keep the time that a file has with him.
// A right or an owner that is changed later, or a name, delivers nothing. Where the
// file system does not tell when a file was made, the last change of any kind counts.
func (l *lookout) delivered(info fs.FileInfo) time.Time {
	last := changed(info)
	born, known := made(filepath.Join(l.options.Dir, info.Name()))
	if !known {
		return last
	}
	written := info.ModTime()
	if written.After(last) { // no file was written later than it last changed
		written = last
	}
	if born.After(written) {
		return born
	}
	return written
}

// longest is how many bytes the name of a file has at most, as Linux has it.
const longest = 255

// sight is how a file looks, and for how long it has looked so.
type sight struct {
	fs.FileInfo
	still time.Duration
}

// sighted notes how a file looks, and returns for how long it has.
func (l *lookout) sighted(next map[string]sighting, info fs.FileInfo, now time.Time) time.Duration {
	seen, known := l.seen[info.Name()]
	if !known || seen.size != info.Size() || !seen.modified.Equal(info.ModTime()) {
		seen = sighting{info.Size(), info.ModTime(), now}
	}
	next[info.Name()] = seen
	return now.Sub(seen.since)
}

// marked looks at a file's marker, nil if there is none.
func (l *lookout) marked(next map[string]sighting, marker fs.DirEntry, now time.Time) (*sight, error) {
	if marker == nil {
		return nil, nil //nolint:nilnil // no marker is an answer
	}
	info, err := marker.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // taken away while we looked
	}
	if err != nil {
		return nil, fmt.Errorf("look at a marker of the drop folder (digest of its name %s): %w", digest(l.cfg, marker.Name()), bare(err))
	}
	return &sight{info, l.sighted(next, info, now)}, nil
}

// whole decides whether a file can be taken. A marker vouches for its file once it
// lies still itself: while it is being written it is empty, or cut, and would not
// say what its sender means. One that is older than the last change of its file may
// be of an earlier file of that name, so the file must lie still too.
func (l *lookout) whole(file sight, marker *sight) (candidate, bool) {
	c := candidate{name: file.Name(), delivered: l.delivered(file)}
	left := l.options.Settle - file.still
	switch {
	case marker != nil:
		if changed(marker).Before(changed(file)) {
			left = max(left, l.options.Settle-marker.still)
		} else {
			left = l.options.Settle - marker.still
		}
	case !file.Mode().IsRegular():
		return c, true
	case l.options.Wait != "settle" && len(c.name)+len(l.options.Marker) <= longest: // beside a longer one no marker can lie: it is refused
		return c, false
	}
	if left > 0 {
		l.soonest = min(l.soonest, left)
	}
	return c, left <= 0
}

// ours are the names in a drop folder that are never data: hidden files, and
// what transfer programs, desktops and this connector put beside data.
var ours = []string{
	".*", "~*", "*.tmp", "*.temp", "*.part", "*.partial", "*.filepart", "*.crdownload", "*.download", "*.swp", "*.lock", "*.bak",
	"*.ok", "*.flg", "*.flag", "*.ctl", "*.md5", "*.sha1", "*.sha256", "*.sha512", "*.sm3",
	"thumbs.db", "ehthumbs.db", "desktop.ini", "*.lnk", "*.url", "*.log",
	"*" + markerSuffix, "*" + reasonSuffix, "*" + acceptSuffix, "*" + refuseSuffix,
}

// passOver reports what is left alone, and says so once a pattern: markers and
// hidden files are meant to be, the rest somebody may take for data.
func (l *lookout) passOver(e fs.DirEntry) bool {
	name := strings.ToLower(e.Name())
	if e.IsDir() {
		if !slices.Contains([]string{processing, done, rejected, state}, e.Name()) {
			l.tell("folder", "a folder in the drop folder is not read")
		}
		return true
	}
	if strings.HasSuffix(e.Name(), l.options.Marker) {
		return true
	}
	for _, pattern := range append(ours[:len(ours):len(ours)], l.options.IgnoreNames...) {
		if ok, err := path.Match(strings.ToLower(pattern), name); err == nil && ok {
			if !strings.HasPrefix(pattern, ".") && pattern != "*"+acceptSuffix && pattern != "*"+refuseSuffix {
				l.tell(pattern, "files of this name in the drop folder are not read")
			}
			return true
		}
	}
	return false
}

func (l *lookout) tell(pattern, text string) {
	if !l.told[pattern] {
		l.told[pattern] = true
		l.log.Warn("投递目录中有不作数据的名称 / names in the drop folder that are no data", "pattern", pattern, "why", text)
	}
}

// pending reports whether the last look found files that are not taken yet.
func (l *lookout) pending() bool { return l.waiting }

// settlesIn is how long until a file may be settled.
func (l *lookout) settlesIn() time.Duration { return max(l.soonest, 10*time.Millisecond) }

package file

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// sighting is when a file was first seen with this size and time.
type sighting struct {
	size     int64
	modified time.Time
	since    time.Time
}

// candidate is a file that is whole. Files are taken in the order of their
// delivery, which is when the file, or its marker, came to this folder.
type candidate struct {
	name      string
	delivered time.Time
}

// same makes sure that the folder is still what its path leads to: a file system
// that was unmounted shows an empty folder, which would look like "nothing new".
func (b *inbox) same() error {
	now, err := os.Stat(b.options.Dir)
	if err != nil {
		return fmt.Errorf("投递目录打不开，恢复后自动继续 / look at drop folder %q: %w", b.options.Dir, bare(err))
	}
	mine, err := b.root.Stat(".")
	if err != nil {
		return fmt.Errorf("投递目录打不开，恢复后自动继续 / look at drop folder %q: %w", b.options.Dir, bare(err))
	}
	if !os.SameFile(now, mine) {
		return fmt.Errorf("投递目录 %s 不是原来的那个（卸载或换掉了），恢复后自动继续 / the drop folder is another than before: unmounted or replaced", b.options.Dir)
	}
	return nil
}

// scan lists the files that are whole, in the order of their delivery.
func (b *inbox) scan(now time.Time) ([]candidate, error) {
	if err := b.same(); err != nil {
		return nil, err
	}
	entries, err := b.list(".")
	if err != nil {
		return nil, err
	}
	markers := map[string]fs.DirEntry{}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), b.options.Marker); ok && name != "" {
			markers[name] = e
		}
	}
	var ready []candidate
	next := make(map[string]sighting, len(entries))
	b.soonest, b.waiting = time.Hour, false
	present := 0
	for _, e := range entries {
		if b.passOver(e) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // taken away while we looked
		}
		if err != nil {
			return nil, fmt.Errorf("look at a file of the drop folder: %w", bare(err))
		}
		b.waiting = true
		present++
		seen, known := b.seen[e.Name()]
		if !known || seen.size != info.Size() || !seen.modified.Equal(info.ModTime()) {
			seen = sighting{info.Size(), info.ModTime(), now}
		}
		next[e.Name()] = seen
		if c, ok := b.whole(info, markers[e.Name()], b.options.Settle-now.Sub(seen.since)); ok {
			ready = append(ready, c)
		}
	}
	b.seen = next
	if len(markers) > 0 && present == 0 {
		b.tell("*"+b.options.Marker, "a marker lies in the drop folder without its file")
	}
	slices.SortFunc(ready, func(x, y candidate) int {
		return cmp.Or(x.delivered.Compare(y.delivered), cmp.Compare(x.name, y.name))
	})
	return ready, nil
}

// whole decides whether a file can be taken; left is how long it must still lie
// still. A marker that is older than the last change of its file may be of an
// earlier file of that name, so it does not do without lying still.
func (b *inbox) whole(info fs.FileInfo, marker fs.DirEntry, left time.Duration) (candidate, bool) {
	c := candidate{info.Name(), changed(info)}
	still := left <= 0
	if marker != nil {
		m, err := marker.Info()
		if err == nil && !changed(m).Before(c.delivered) {
			c.delivered = changed(m)
			return c, true
		}
		if !still {
			b.soonest = min(b.soonest, left)
		}
		return c, still && err == nil
	}
	if !info.Mode().IsRegular() {
		return c, true
	}
	if b.options.Wait != "settle" {
		return c, false
	}
	if !still {
		b.soonest = min(b.soonest, left)
	}
	return c, still
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
func (b *inbox) passOver(e fs.DirEntry) bool {
	name := strings.ToLower(e.Name())
	if e.IsDir() {
		if !slices.Contains([]string{processing, done, rejected, state}, e.Name()) {
			b.tell("folder", "a folder in the drop folder is not read")
		}
		return true
	}
	if strings.HasSuffix(e.Name(), b.options.Marker) {
		return true
	}
	for _, pattern := range append(ours[:len(ours):len(ours)], b.options.IgnoreNames...) {
		if ok, err := path.Match(strings.ToLower(pattern), name); err == nil && ok {
			if !strings.HasPrefix(pattern, ".") && pattern != "*"+acceptSuffix && pattern != "*"+refuseSuffix {
				b.tell(pattern, "files of this name in the drop folder are not read")
			}
			return true
		}
	}
	return false
}

func (b *inbox) tell(pattern, text string) {
	if !b.told[pattern] {
		b.told[pattern] = true
		b.log.Warn("投递目录中有不作数据的名称 / names in the drop folder that are no data", "pattern", pattern, "why", text)
	}
}

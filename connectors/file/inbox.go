package file

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// The folders inside the drop folder.
const (
	processing = "processing"
	done       = "done"
	rejected   = "rejected"
	state      = ".yiyuan"
)

const (
	markerSuffix = ".done"
	reasonSuffix = ".reason"
	ordinalWidth = 8
	maxName      = 96 // runes of a name that are kept
)

// inbox is the drop folder: what lies in it, what is settled, what is claimed.
// All paths are resolved by os.Root and never leave the folder.
type inbox struct {
	root    *os.Root
	options Options
	seen    map[string]sighting
	soonest time.Duration // until something may be settled
	waiting bool          // files lie in the folder that are not taken yet
}

// sighting is when a file was first seen with this size and time.
type sighting struct {
	size     int64
	modified time.Time
	since    time.Time
}

// claim is a file in processing/, or a symbolic link or device moved there so
// that it is out of the way.
type claim struct {
	ordinal uint64
	name    string // in processing/: 00000012-people.csv
}

func openInbox(o Options) (*inbox, error) {
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("投递目录打不开 / open drop folder: %w: %w", err, connectors.ErrConfig)
	}
	for _, dir := range []string{processing, done, rejected, state} {
		info, err := root.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			if err = root.Mkdir(dir, 0o750); err == nil {
				continue
			}
		}
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%q is not a folder", dir)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("投递目录下不能建目录 / make folders in the drop folder: %w: %w", err, connectors.ErrConfig), root.Close())
		}
	}
	return &inbox{root: root, options: o, seen: map[string]sighting{}, soonest: time.Hour}, nil
}

// Close releases the folder. It may be called more than once.
func (b *inbox) Close() error { return b.root.Close() }

// pending reports whether the last look found files that are not taken yet.
func (b *inbox) pending() bool { return b.waiting }

// settlesIn is how long until a file may be settled.
func (b *inbox) settlesIn() time.Duration { return max(b.soonest, 10*time.Millisecond) }

// claims lists the files of processing/, done/ or rejected/ in the order of
// their ordinals.
func (b *inbox) claims(dir string) ([]claim, error) {
	entries, err := b.list(dir)
	if err != nil {
		return nil, err
	}
	var claims []claim
	for _, e := range entries {
		digits, _, ok := strings.Cut(e.Name(), "-")
		if !ok || len(digits) < ordinalWidth || strings.HasSuffix(e.Name(), markerSuffix) || strings.HasSuffix(e.Name(), reasonSuffix) {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 64)
		if err != nil {
			continue
		}
		claims = append(claims, claim{n, e.Name()})
	}
	slices.SortFunc(claims, func(x, y claim) int { return cmp.Compare(x.ordinal, y.ordinal) })
	return claims, nil
}

func (b *inbox) list(dir string) ([]fs.DirEntry, error) {
	f, err := b.root.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", dir, err)
	}
	entries, err := f.ReadDir(-1)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("list %q: %w", dir, err)
	}
	return entries, nil
}

type candidate struct {
	name     string
	modified time.Time
}

// claim moves the oldest file that is ready into processing/ under an ordinal.
func (b *inbox) claim(ordinal uint64, now time.Time) (claim, bool, error) {
	ready, err := b.scan(now)
	if err != nil || len(ready) == 0 {
		return claim{}, false, err
	}
	c := claim{ordinal, fmt.Sprintf("%0*d-%s", ordinalWidth, ordinal, safeName(ready[0].name))}
	if err := b.root.Rename(ready[0].name, processing+"/"+c.name); err != nil {
		return claim{}, false, fmt.Errorf("claim %q: %w", c.name, err)
	}
	err = b.root.Rename(ready[0].name+markerSuffix, processing+"/"+c.name+markerSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return claim{}, false, fmt.Errorf("claim marker of %q: %w", c.name, err)
	}
	delete(b.seen, ready[0].name)
	return c, true, nil
}

// scan lists the files that are whole, oldest first.
func (b *inbox) scan(now time.Time) ([]candidate, error) {
	entries, err := b.list(".")
	if err != nil {
		return nil, err
	}
	markers := map[string]bool{}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), markerSuffix); ok && e.Type().IsRegular() {
			markers[name] = true
		}
	}
	var ready []candidate
	next := make(map[string]sighting, len(entries))
	b.soonest, b.waiting = time.Hour, false
	for _, e := range entries {
		if e.IsDir() || ignored(e.Name()) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // taken away while we looked
		}
		if err != nil {
			return nil, fmt.Errorf("look at a file of the drop folder: %w", err)
		}
		b.waiting = true
		seen, known := b.seen[e.Name()]
		if !known || seen.size != info.Size() || !seen.modified.Equal(info.ModTime()) {
			seen = sighting{info.Size(), info.ModTime(), now}
		}
		next[e.Name()] = seen
		switch left := b.options.Settle - now.Sub(seen.since); {
		case markers[e.Name()], b.options.Wait == "settle" && left <= 0, !info.Mode().IsRegular():
			ready = append(ready, candidate{e.Name(), info.ModTime()})
		case b.options.Wait == "settle":
			b.soonest = min(b.soonest, left)
		}
	}
	b.seen = next
	slices.SortFunc(ready, func(x, y candidate) int {
		return cmp.Or(x.modified.Compare(y.modified), cmp.Compare(x.name, y.name))
	})
	return ready, nil
}

// ignored are hidden files, markers and what transfer programs write before
// they rename.
func ignored(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~") {
		return true
	}
	for _, suffix := range []string{markerSuffix, reasonSuffix, ".tmp", ".part", ".filepart", ".crdownload", ".swp"} {
		if strings.HasSuffix(strings.ToLower(name), suffix) {
			return true
		}
	}
	return false
}

// safeName keeps a name readable in logs and locators: no control characters,
// no colons, valid UTF-8, not too long. The ordinal in front keeps it unique.
func safeName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r == '/' || r == '\\' || r == ':' || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, name)
	if runes := []rune(clean); len(runes) > maxName || len(clean) > 2*maxName {
		sum := sha256.Sum256([]byte(name))
		keep := string(runes[max(0, len(runes)-20):])
		clean = hex.EncodeToString(sum[:4]) + "-" + keep
	}
	return clean
}

// open opens a claimed file for reading: no symbolic link is followed and
// nothing but a regular file is accepted.
func (b *inbox) open(c claim) (*os.File, fs.FileInfo, error) {
	path := processing + "/" + c.name
	before, err := b.root.Lstat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open %q: %w", c.name, err)
	}
	if !before.Mode().IsRegular() {
		return nil, before, errNotRegular
	}
	f, err := b.root.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, before, fmt.Errorf("open %q: %w", c.name, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		return nil, before, errors.Join(err, f.Close())
	}
	return f, info, nil
}

var errNotRegular = errors.New("not a regular file")

// reason writes the .reason file that sends a claimed file to rejected/.
func (b *inbox) reason(c claim, text string) error {
	if err := b.root.WriteFile(processing+"/"+c.name+reasonSuffix, []byte(text+"\n"), 0o640); err != nil {
		return fmt.Errorf("write reason of %q: %w", c.name, err)
	}
	return nil
}

// finish moves a wholly published file out of processing/. Doing it again after
// a crash in the middle changes nothing.
func (b *inbox) finish(c claim) error {
	to := done
	if _, err := b.root.Lstat(processing + "/" + c.name + reasonSuffix); err == nil {
		to = rejected
	}
	// The file goes before its reason: after a crash between the two the reason
	// still says where the file belongs.
	for _, suffix := range []string{markerSuffix, "", reasonSuffix} {
		err := b.root.Rename(processing+"/"+c.name+suffix, to+"/"+c.name+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("move %q to %s/: %w", c.name, to, err)
		}
	}
	return nil
}

// marker returns what the .done file beside a claimed file says, nil if there is none.
func (b *inbox) marker(c claim) ([]byte, error) {
	path := processing + "/" + c.name + markerSuffix
	info, err := b.root.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read marker of %q: %w", c.name, err)
	}
	if !info.Mode().IsRegular() || info.Size() > 1<<16 {
		return nil, errNotRegular
	}
	text, err := b.root.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read marker of %q: %w", c.name, err)
	}
	return text, nil
}

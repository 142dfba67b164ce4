// Package grants is where applications and their grants come from: the file
// access.yaml, watched.
//
// A change of the file is in force within a second, with ten thousand
// applications too. While nothing changes the file is only looked at: its place,
// size and times. It is read as soon as one of them differs, for as long as its
// last change is so young that another one could have left the times as they
// were, and every ten seconds in any case. A file that cannot be used is told
// loudly, and what was in force before stays in force.
package grants

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// maxFile bounds access.yaml.
const maxFile = 64 << 20

// How the file is watched.
const (
	poll  = 200 * time.Millisecond
	quiet = 100 * time.Millisecond // a file that changed is read when it has been still for so long
	young = 3 * time.Second        // a change this young may be followed by one that leaves the times as they are
	every = 10 * time.Second       // it is read so often whatever its times say
)

// File is an access file in force. One Watch at a time may use it.
type File struct {
	path     string
	interval time.Duration
	parser   parser

	looked look      // as it was when it was read
	digest [32]byte  // of what was read
	read   time.Time // when
	bad    error     // why what was read cannot be used
	failed string    // what was told last, "" if it can be used
}

// look is what tells one state of a file from another without reading it.
type look struct {
	info    fs.FileInfo // its place: device and inode
	size    int64
	written time.Time
	changed time.Time // when anything about it changed; zero if the system does not say
}

// State is what is known of the file.
type State struct {
	Err          error // why the file as it is cannot be used; nil if it is in force
	Applications int   // in force
}

// Load reads the file and puts it in force.
func Load(path string, c *schemas.Catalogue) (*File, *access.Access, error) {
	f := &File{path: path, interval: poll}
	text, err := f.fetch(time.Now())
	if err != nil {
		return nil, nil, err
	}
	a, err := access.New(c, nil)
	if err == nil {
		err = f.replace(a, text)
	}
	if err != nil {
		return nil, nil, err
	}
	return f, a, nil
}

// Watch looks at the file until ctx ends, puts its changes in force in a, and
// says what it finds at the start and whenever that changes.
func (f *File) Watch(ctx context.Context, a *access.Access, log *slog.Logger, report func(State)) {
	report(State{nil, a.Len()})
	tick := time.NewTicker(f.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f.step(ctx, a, log, report)
	}
}

// step looks at the file once.
func (f *File) step(ctx context.Context, a *access.Access, log *slog.Logger, report func(State)) {
	tell := func(err error) {
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text == f.failed {
			return
		}
		if f.failed = text; err != nil {
			log.Error("access file cannot be used, the rules before it stay in force", "file", f.path, "error", err)
		}
		report(State{err, a.Len()})
	}
	now, err := see(f.path)
	if err != nil {
		f.looked = look{}
		tell(err)
		return
	}
	if f.unchanged(now, time.Now()) || !now.same(f.looked) && !f.still(ctx, now) {
		return
	}
	text, err := f.fetch(time.Now())
	if err != nil {
		tell(err)
		return
	}
	if text != nil {
		if f.bad = f.replace(a, text); f.bad == nil {
			log.Info("access file is in force", "file", f.path, "applications", a.Len())
			f.failed = ""
			report(State{nil, a.Len()})
		}
	}
	tell(f.bad)
}

func (f *File) replace(a *access.Access, text []byte) error {
	apps, err := f.parser.parse(text)
	if err == nil {
		err = a.Replace(apps)
	}
	if err != nil {
		return fmt.Errorf("load access file %q: %w", f.path, err)
	}
	return nil
}

// unchanged reports whether the file need not be read.
func (f *File) unchanged(now look, at time.Time) bool {
	settled := f.read.Sub(f.looked.written) > young && (f.looked.changed.IsZero() || f.read.Sub(f.looked.changed) > young)
	return now.same(f.looked) && settled && at.Sub(f.read) < every
}

// still waits for a file that has changed to be left alone: one that is written
// in place can be read half. Nobody can tell a writer that pauses for longer.
func (f *File) still(ctx context.Context, seen look) bool {
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	again, err := see(f.path)
	return err == nil && again.same(seen)
}

// see looks at a file. It opens it, because a file of the network may be told as
// it was unless it is opened.
func see(path string) (look, error) {
	file, err := os.Open(path)
	if err != nil {
		return look{}, fmt.Errorf("load access file %q: %w", path, err)
	}
	info, err := file.Stat()
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return look{}, fmt.Errorf("load access file %q: %w", path, err)
	}
	return lookOf(info), nil
}

func lookOf(info fs.FileInfo) look {
	return look{info, info.Size(), info.ModTime(), changeTime(info)}
}

func (l look) same(o look) bool {
	return l.info != nil && o.info != nil && os.SameFile(l.info, o.info) && l.size == o.size && l.written.Equal(o.written) && l.changed.Equal(o.changed)
}

// fetch reads the file, nil if it is what was read before.
func (f *File) fetch(now time.Time) ([]byte, error) {
	fail := func(err error) error { return fmt.Errorf("load access file %q: %w", f.path, err) }
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fail(err)
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return nil, fail(err)
	}
	if info.Size() > maxFile {
		return nil, fail(fmt.Errorf("larger than %d bytes", maxFile))
	}
	// What did not change is digested as it passes, and costs no memory.
	seen := sha256.New()
	if _, err := io.Copy(seen, io.LimitReader(file, maxFile+1)); err != nil {
		return nil, fail(err)
	}
	if bytes.Equal(seen.Sum(nil), f.digest[:]) {
		f.looked, f.read = lookOf(info), now
		return nil, nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fail(err)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fail(err)
	}
	if len(text) > maxFile {
		return nil, fail(fmt.Errorf("larger than %d bytes", maxFile))
	}
	f.looked, f.digest, f.read = lookOf(info), sha256.Sum256(text), now
	return text, nil
}

// Package watched reads a file that people change while the process runs: grants,
// keys, secrets.
//
// A change is heard of within a second. While nothing changes the file is only
// looked at: its place, size and times. It is read as soon as one of them differs,
// for as long as its last change is so young that another one could have left the
// times as they were, and every ten seconds in any case.
package watched

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// How a file is watched.
const (
	poll  = 200 * time.Millisecond
	quiet = 100 * time.Millisecond // a file that changed is read when it has been still for so long
	young = 3 * time.Second        // a change this young may be followed by one that leaves the times as they are
	every = 10 * time.Second       // it is read so often whatever its times say
)

// File is a file that is watched. One goroutine at a time may use it.
type File struct {
	path  string
	limit int64

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

// Open reads the file for the first time. Larger than limit bytes it is refused.
func Open(path string, limit int64) (*File, []byte, error) {
	f := &File{path: path, limit: limit}
	text, err := f.fetch(time.Now())
	if err != nil {
		return nil, nil, err
	}
	return f, text, nil
}

// Follow looks at the file until ctx ends. use hears of each text that is another
// than the one before, and says why it cannot be used; what was in force before
// should then stay so. tell hears why the file as it is cannot be used, and nil
// once it can be again: whenever that changes, but for what use has taken.
func (f *File) Follow(ctx context.Context, use func(text []byte) error, tell func(error)) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f.Look(ctx, use, tell)
	}
}

// Look looks at the file once, as Follow does again and again.
func (f *File) Look(ctx context.Context, use func(text []byte) error, tell func(error)) {
	say := func(err error) {
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != f.failed {
			f.failed = text
			tell(err)
		}
	}
	now, err := see(f.path)
	if err != nil {
		f.looked = look{}
		say(err)
		return
	}
	if f.unchanged(now, time.Now()) || !now.same(f.looked) && !f.still(ctx, now) {
		return
	}
	text, err := f.fetch(time.Now())
	if err != nil {
		say(err)
		return
	}
	if text != nil {
		if f.bad = use(text); f.bad == nil {
			f.failed = ""
		}
	}
	say(f.bad)
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
		return look{}, fmt.Errorf("look at file: %w", err)
	}
	info, err := file.Stat()
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return look{}, fmt.Errorf("look at file: %w", err)
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
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("look at file: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at file: %w", err)
	}
	if !f.read.IsZero() {
		// What did not change is digested as it passes, and costs no memory.
		seen := sha256.New()
		if _, err := io.Copy(seen, io.LimitReader(file, f.limit+1)); err != nil {
			return nil, fmt.Errorf("read file: %w", err)
		}
		if bytes.Equal(seen.Sum(nil), f.digest[:]) {
			f.looked, f.read = lookOf(info), now
			return nil, nil
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("read file: %w", err)
		}
	}
	text, err := io.ReadAll(io.LimitReader(file, f.limit+1))
	if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	if int64(len(text)) > f.limit {
		return nil, fmt.Errorf("read file %q: larger than %d bytes", f.path, f.limit)
	}
	f.looked, f.digest, f.read = lookOf(info), sha256.Sum256(text), now
	if text == nil {
		text = []byte{}
	}
	return text, nil
}

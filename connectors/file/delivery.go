package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

var (
	errNotRegular = errors.New("not a regular file")
	errForbidden  = errors.New("no right to read it")
	errGone       = errors.New("it is gone")
)

// open opens a claimed file for reading: no symbolic link is followed and
// nothing but a regular file is accepted.
func (b *box) open(c claim) (*os.File, fs.FileInfo, error) {
	path := processing + "/" + c.name
	before, err := b.root.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, errGone
	case err != nil:
		return nil, nil, fmt.Errorf("open file %08d: %w", c.ordinal, bare(err))
	case !before.Mode().IsRegular():
		return nil, before, errNotRegular
	}
	f, err := b.root.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, before, errForbidden
	case errors.Is(err, fs.ErrNotExist):
		return nil, before, errGone
	case err != nil:
		return nil, before, fmt.Errorf("open file %08d: %w", c.ordinal, bare(err))
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		return nil, before, errors.Join(bare(err), f.Close())
	}
	return f, info, nil
}

// maxMarker is how much of a marker is read.
const maxMarker = 1 << 20

// marker returns what a marker says; its info is nil if there is none.
func (b *box) marker(path string) ([]byte, fs.FileInfo, error) {
	info, err := b.root.Lstat(path)
	if absent(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read marker: %w", bare(err))
	}
	if !info.Mode().IsRegular() || info.Size() > maxMarker {
		return []byte("not a marker"), info, nil // which no one understands, so it refuses the file
	}
	text, err := b.root.ReadFile(path)
	if errors.Is(err, fs.ErrPermission) {
		return []byte("not a marker"), info, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read marker: %w", bare(err))
	}
	return text, info, nil
}

// reason writes the .reason file that sends a claimed file to rejected/.
func (b *box) reason(c claim, text string) error {
	if err := b.store(processing+"/"+c.name+reasonSuffix, []byte(text+"\n")); err != nil {
		return fmt.Errorf("write reason of file %08d: %w", c.ordinal, err)
	}
	return nil
}

// finish moves a wholly published file out of processing/. Doing it again after
// a crash in the middle changes nothing.
func (b *box) finish(c claim) error {
	to := done
	if _, err := b.root.Lstat(processing + "/" + c.name + reasonSuffix); err == nil {
		to = rejected
	} else if err := b.settle(c); err != nil {
		return err
	}
	for _, name := range b.answers(c) {
		if err := b.remove(name); err != nil {
			return fmt.Errorf("remove the answer about file %08d: %w", c.ordinal, err)
		}
	}
	// The file goes before its reason: after a crash between the two the reason
	// still says where the file belongs.
	for _, suffix := range []string{markerSuffix, "", reasonSuffix} {
		err := b.root.Rename(processing+"/"+c.name+suffix, to+"/"+c.name+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("move file %08d to %s/: %w", c.ordinal, to, bare(err))
		}
	}
	return nil
}

// answers lists where a person may have answered about a held file, by its
// ordinal or by its name.
func (b *box) answers(c claim) []string {
	number := fmt.Sprintf("%0*d", ordinalWidth, c.ordinal)
	return []string{number + acceptSuffix, c.original() + acceptSuffix, number + refuseSuffix, c.original() + refuseSuffix}
}

// answer returns acceptSuffix or refuseSuffix once a person has answered, "" until
// then. One that is older than the claim is about an earlier file of that name.
func (b *box) answer(c claim) (string, error) {
	since, err := b.root.Lstat(processing + "/" + c.name)
	if err != nil {
		return "", fmt.Errorf("look at file %08d: %w", c.ordinal, bare(err))
	}
	said := ""
	for _, name := range b.answers(c) {
		info, err := b.root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && changed(info).Before(changed(since)) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("look for an answer about file %08d: %w", c.ordinal, bare(err))
		}
		said = acceptSuffix
		if strings.HasSuffix(name, refuseSuffix) {
			return refuseSuffix, nil
		}
	}
	return said, nil
}

// clean removes what has been in done/ for longer than it is kept, and returns
// how many files that were. What was refused stays until a person takes it away.
func (b *box) clean(now time.Time, keep time.Duration) (int, error) {
	if keep <= 0 {
		return 0, nil
	}
	entries, err := b.list(done)
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.IsDir() || now.Sub(changed(info)) < keep {
			continue // what cannot be looked at now is looked at the next time
		}
		if err := b.remove(done + "/" + e.Name()); err != nil {
			return removed, fmt.Errorf("remove old files of %s/: %w", done, err)
		}
		removed++
	}
	return removed, nil
}

// takeBack moves a file that was taken to rejected/, with why. Done again after a crash
// in the middle it changes nothing.
func (b *box) takeBack(c claim, text string) error {
	err := b.store(rejected+"/"+c.name+reasonSuffix, []byte(text+"\n"))
	for _, suffix := range []string{markerSuffix, ""} {
		if err == nil {
			err = b.root.Rename(done+"/"+c.name+suffix, rejected+"/"+c.name+suffix)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("move file %08d to %s/: %w", c.ordinal, rejected, bare(err))
	}
	return nil
}

// consent writes an answer, anew if there is one, and takes back the other.
func (b *box) consent(number string, accept bool) error {
	said, other := number+acceptSuffix, number+refuseSuffix
	if !accept {
		said, other = other, said
	}
	for _, name := range []string{other, said} {
		if err := b.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("take back an answer: %w", bare(err))
		}
	}
	f, err := b.root.OpenFile(said, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the answer: %w", bare(err))
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the answer: %w", bare(err))
	}
	return nil
}

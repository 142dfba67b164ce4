package file

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// inbox is the drop folder of a source that runs: what is settled in it is claimed.
type inbox struct {
	*lookout
	lock *os.File
}

// openInbox opens the folder of a source. known says that the source has read
// from it before: then it must be the same folder.
func openInbox(o Options, cfg connectors.Config, known bool) (*inbox, error) {
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		if known { // it was there: a file system that is not mounted comes back
			return nil, fmt.Errorf("投递目录打不开 / open drop folder %q: %w", o.Dir, bare(err))
		}
		return nil, fmt.Errorf("投递目录打不开 / open drop folder %q: %w: %w", o.Dir, bare(err), connectors.ErrConfig)
	}
	b := &inbox{lookout: newLookout(&box{root: root}, o, cfg)}
	if err := b.prepare(cfg, known); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *inbox) prepare(cfg connectors.Config, known bool) error {
	if _, err := b.root.Lstat(state); known && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("投递目录 %s 不是原来的那个（未挂载？），恢复后自动继续 / the drop folder is not the one that was read before, is its file system mounted? %q is missing in it", b.options.Dir, state)
	}
	if _, _, err := b.whose(cfg); err != nil { // before one waits for another process that is not of this bus
		return err
	}
	for _, dir := range []string{processing, done, rejected, state} {
		info, err := b.root.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			if err = b.root.Mkdir(dir, 0o750); err == nil {
				continue
			}
		}
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%q is not a folder", dir)
		}
		if err != nil {
			return unmade(bare(err))
		}
	}
	if err := b.take(); err != nil {
		return err
	}
	return b.belong(cfg)
}

// unmade says why the folders inside are not made. Under systemd a folder may be read-only for
// the process alone, which nobody sees who looks at it from a shell.
func unmade(err error) error {
	if errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("投递目录对本进程只读：用 systemd 时把它写进单元的 ReadWritePaths=，再 daemon-reload 并重启 / the drop folder is read-only for this process: with systemd name it in ReadWritePaths= of the unit, daemon-reload and restart: %w: %w", err, connectors.ErrConfig)
	}
	return fmt.Errorf("投递目录下不能建目录 / make folders in the drop folder: %w: %w", err, connectors.ErrConfig)
}

// take makes this the only process that moves files of the folder, where the
// file system can lock.
func (b *inbox) take() error {
	f, err := b.root.OpenFile(state+"/lock", os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("lock drop folder: %w", bare(err))
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.Join(fmt.Errorf("投递目录正被另一个进程读取，待其结束后自动继续 / another process reads the drop folder, it goes on when that ends: %w", connectors.ErrWaiting), f.Close())
	}
	b.lock = f
	return nil
}

// Close releases the folder. It may be called more than once.
func (b *inbox) Close() error {
	var err error
	if b.lock != nil {
		err = b.lock.Close()
		b.lock = nil
	}
	return errors.Join(err, b.root.Close())
}

// note is what .yiyuan/claim-N holds while a file and its marker are moved.
type note struct {
	Name     string    `json:"name"`          // in the drop folder
	Raw      []byte    `json:"raw,omitempty"` // the same where it is no UTF-8, which JSON cannot hold
	Claim    string    `json:"claim"`         // in processing/
	Marker   bool      `json:"marker"`        // it came with one
	Modified time.Time `json:"modified"`
	Size     int64     `json:"size"`
}

// claim moves the oldest file that is ready into processing/ under an ordinal,
// and its marker with it. The steps, and what resolve does after a crash behind
// each:
//
//  1. the note                        the note goes: nothing has moved
//  2. a copy of the marker            copy and note go: nothing has moved
//  3. the file (this is the claim)    the marker in the folder goes, if it is still
//     the one that was copied: a later one is of another delivery; then the note
//  4. the marker in the folder goes   the note goes
//
// So the file is never in processing/ without its marker, and a marker never
// stays behind to vouch for the next file of that name.
func (b *inbox) claim(ordinal uint64, now time.Time) (claim, bool, error) {
	ready, err := b.scan(now)
	if err != nil || len(ready) == 0 {
		return claim{}, false, err
	}
	name := ready[0].name
	c := claim{ordinal, fmt.Sprintf("%0*d-%s", ordinalWidth, ordinal, safeName(name))}
	n := note{Name: name, Claim: c.name}
	if !utf8.ValidString(name) {
		n.Raw = []byte(name)
	}
	marker, info, err := b.marker(name + b.options.Marker)
	if err != nil {
		return claim{}, false, b.unclaimed(c, name, err)
	}
	if info != nil {
		n.Marker, n.Modified, n.Size = true, info.ModTime(), info.Size()
	}
	text, err := json.Marshal(n)
	if err == nil {
		err = b.store(noteName(ordinal), text)
	}
	if err == nil && n.Marker {
		err = b.store(processing+"/"+c.name+markerSuffix, marker)
	}
	if err != nil {
		return claim{}, false, b.unclaimed(c, name, err)
	}
	err = b.root.Rename(name, processing+"/"+c.name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return claim{}, false, b.unclaimed(c, name, err)
	}
	delete(b.seen, name)
	delete(b.seen, name+b.options.Marker)
	if withdrawn := err != nil; withdrawn {
		return claim{}, false, b.resolve(n, ordinal)
	}
	return c, true, b.resolve(n, ordinal)
}

// unclaimed says which file could not be claimed: the first of those in the folder, by a
// digest of its name.
func (b *inbox) unclaimed(c claim, name string, err error) error {
	return fmt.Errorf("投递目录中最早送达的文件（文件名摘要 %[1]s）取不了，取走它或改正其权限后自行继续 / claim file %08[2]d, the first in the drop folder (digest of its name %[1]s): take it away or mend its rights: %[3]w", digest(b.cfg, name), c.ordinal, bare(err))
}

func noteName(ordinal uint64) string {
	return fmt.Sprintf("%s/claim-%0*d", state, ordinalWidth, ordinal)
}

// resolve finishes a claim, or takes it back, by its note.
func (b *inbox) resolve(n note, ordinal uint64) error {
	_, err := b.root.Lstat(processing + "/" + n.Claim)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = b.remove(processing + "/" + n.Claim + markerSuffix)
	case err == nil && n.Marker:
		info, stat := b.root.Lstat(n.Name + b.options.Marker)
		if stat == nil && info.Size() == n.Size && info.ModTime().Equal(n.Modified) {
			err = b.remove(n.Name + b.options.Marker)
		} else if stat != nil && !absent(stat) {
			err = stat
		}
	}
	if err == nil {
		err = b.remove(noteName(ordinal))
	}
	if err != nil {
		return fmt.Errorf("finish claim of file %08d: %w", ordinal, bare(err))
	}
	return nil
}

// resolveAll finishes the claims that a crash has cut, also as an earlier
// release left them: the file moved, its marker not.
func (b *inbox) resolveAll(claims []claim) error {
	entries, err := b.list(state)
	if err != nil {
		return err
	}
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "claim-")
		ordinal, err := strconv.ParseUint(digits, 10, 64)
		if !ok || err != nil {
			continue
		}
		text, err := b.root.ReadFile(state + "/" + e.Name())
		if err != nil {
			return fmt.Errorf("read note of file %08d: %w", ordinal, bare(err))
		}
		var n note
		if err := json.Unmarshal(text, &n); err != nil {
			return fmt.Errorf("read note of file %08d: it is damaged; look whether the marker of that file is still in the drop folder, then remove %s", ordinal, state+"/"+e.Name())
		}
		if n.Raw != nil {
			n.Name = string(n.Raw)
		}
		if err := b.resolve(n, ordinal); err != nil {
			return err
		}
	}
	for _, c := range claims {
		if err := b.adopt(c); err != nil {
			return err
		}
	}
	return nil
}

// adopt gives a claimed file the marker that was left behind without a file.
func (b *inbox) adopt(c claim) error {
	if _, err := b.root.Lstat(processing + "/" + c.name + markerSuffix); !errors.Is(err, fs.ErrNotExist) {
		return bare(err)
	}
	if _, err := b.root.Lstat(c.original()); !errors.Is(err, fs.ErrNotExist) {
		return bare(err)
	}
	err := b.root.Rename(c.original()+b.options.Marker, processing+"/"+c.name+markerSuffix)
	if err != nil && !absent(err) {
		return fmt.Errorf("find the marker of file %08d: %w", c.ordinal, bare(err))
	}
	return nil
}

package file

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
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
func openInbox(o Options, source string, known bool, log *slog.Logger) (*inbox, error) {
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		if known { // it was there: a file system that is not mounted comes back
			return nil, fmt.Errorf("投递目录打不开 / open drop folder %q: %w", o.Dir, bare(err))
		}
		return nil, fmt.Errorf("投递目录打不开 / open drop folder %q: %w: %w", o.Dir, bare(err), connectors.ErrConfig)
	}
	b := &inbox{lookout: newLookout(&box{root: root}, o, log)}
	if err := b.prepare(source, known); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *inbox) prepare(source string, known bool) error {
	if _, err := b.root.Lstat(state); known && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("投递目录 %s 不是原来的那个（未挂载？），恢复后自动继续 / the drop folder is not the one that was read before, is its file system mounted? %q is missing in it", b.options.Dir, state)
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
	return b.belong(source)
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

// belong holds the folder against the source it belongs to: two sources would
// take one another's files.
func (b *inbox) belong(source string) error {
	const name = state + "/source"
	text, err := b.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return b.store(name, []byte(source+"\n"))
	}
	if err != nil {
		return fmt.Errorf("read whose the drop folder is: %w", bare(err))
	}
	if owner := strings.TrimSpace(string(text)); owner != source {
		return fmt.Errorf("投递目录 %s 属于数据源 %q；请另用目录，或删除其中的 %s / the drop folder belongs to source %q: use another, or remove %s in it: %w", b.options.Dir, owner, name, owner, name, connectors.ErrConfig)
	}
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
	Name     string    `json:"name"`   // in the drop folder
	Claim    string    `json:"claim"`  // in processing/
	Marker   bool      `json:"marker"` // it came with one
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
	marker, info, err := b.marker(name + b.options.Marker)
	if err != nil {
		return claim{}, false, err
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
		return claim{}, false, fmt.Errorf("claim file %08d: %w", ordinal, bare(err))
	}
	err = b.root.Rename(name, processing+"/"+c.name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return claim{}, false, fmt.Errorf("claim file %08d: %w", ordinal, bare(err))
	}
	delete(b.seen, name)
	delete(b.seen, name+b.options.Marker)
	if withdrawn := err != nil; withdrawn {
		return claim{}, false, b.resolve(n, ordinal)
	}
	return c, true, b.resolve(n, ordinal)
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
		} else if stat != nil && !errors.Is(stat, fs.ErrNotExist) {
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
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("find the marker of file %08d: %w", c.ordinal, bare(err))
	}
	return nil
}

// safeName keeps a name readable in the folder: no control characters, no
// colons, valid UTF-8, not too long. The ordinal in front keeps it unique.
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

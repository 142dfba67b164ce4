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
	"unicode"
	"unicode/utf8"
)

// The folders inside the drop folder.
const (
	processing = "processing"
	done       = "done"
	rejected   = "rejected"
	state      = ".yiyuan"
)

// The suffixes of what lies beside a file: in the drop folder the marker has the
// one of the options, in the folders inside always this one.
const (
	markerSuffix = ".done"
	reasonSuffix = ".reason"
	acceptSuffix = ".accept"
	refuseSuffix = ".refuse"
	ordinalWidth = 8
	maxName      = 96 // runes of a name that are kept
)

// folder is what is done to a drop folder. An os.Root never leaves it.
type folder interface {
	Open(name string) (*os.File, error)
	OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error)
	Lstat(name string) (fs.FileInfo, error)
	Stat(name string) (fs.FileInfo, error)
	ReadFile(name string) ([]byte, error)
	Mkdir(name string, perm fs.FileMode) error
	Rename(from, to string) error
	Remove(name string) error
	Close() error
}

// box is a drop folder in which one knows one's way: what lies where, under which name.
type box struct{ root folder }

// claim is a file in processing/, or a symbolic link or device moved there so
// that it is out of the way.
type claim struct {
	ordinal uint64
	name    string // in processing/: 00000012-people.csv
}

// original is the name it was dropped under, unless that could not be kept.
func (c claim) original() string {
	_, name, _ := strings.Cut(c.name, "-")
	return name
}

// bare leaves out of an error the paths that the system puts into it: a file's
// name may hold a person's name or number.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

// absent reports whether an error says that there is no such file, nor can be where its
// name would be too long.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG)
}

func (b *box) list(dir string) ([]fs.DirEntry, error) {
	f, err := b.root.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", dir, bare(err))
	}
	entries, err := f.ReadDir(-1)
	if err = errors.Join(bare(err), f.Close()); err != nil {
		return nil, fmt.Errorf("list %q: %w", dir, err)
	}
	return entries, nil
}

// claims lists the files of processing/, done/ or rejected/ in the order of
// their ordinals.
func (b *box) claims(dir string) ([]claim, error) {
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

func (b *box) remove(name string) error {
	if err := b.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return bare(err)
	}
	return nil
}

// store makes content durable before its name appears.
func (b *box) store(name string, content []byte) error {
	f, err := b.root.OpenFile(state+"/new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return bare(err)
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err == nil && strings.HasSuffix(name, reasonSuffix) {
		err = f.Chmod(0o640) // for whom the folder is open
	}
	if err = errors.Join(bare(err), f.Close()); err == nil {
		err = b.root.Rename(state+"/new", name)
	}
	return bare(err)
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

package state

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrInUse says that another process has the folder of the state.
var ErrInUse = errors.New("another process has this folder")

// claim takes a folder for this process alone, before anything in it is judged: what
// another process is writing looks damaged, and what is damaged is thrown away.
func claim(fs vfs.FS, dir string) (*pebble.Lock, error) {
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	lock, err := pebble.LockDirectory(dir, fs)
	if errors.Is(err, syscall.EAGAIN) {
		err = fmt.Errorf("%w: %w", ErrInUse, err)
	}
	return lock, err
}

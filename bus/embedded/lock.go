package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrInUse says that another process has the folder of the log: two brokers over one would
// each put back what the other has written.
var ErrInUse = errors.New("a broker of another process has this folder")

// lockFile is locked as long as a broker has the folder. The lock ends with the process,
// however that ends; the file stays.
const lockFile = "LOCK"

// lock takes a folder for this broker alone.
func lock(dir string) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock broker folder: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrInUse
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("lock broker folder %q: %w", dir, err)
	}
	return func() { _ = f.Close() }, nil // which ends the lock
}

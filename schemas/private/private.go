// Package private makes folders that hold what is known of persons this account's alone.
package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// mode is that of a private folder.
const mode fs.FileMode = 0o700

// others are the rights of those who are neither the owner nor of the group.
const others fs.FileMode = 0o007

// ErrOpen says that others may look into a folder, and that this account cannot keep them from it.
var ErrOpen = errors.New("others may read the folder")

// Folder makes a folder, with those above it that are missing, so that nobody else may look
// into it. One that is there already and is open to others or to its group is narrowed,
// unless it is a folder for everybody such as /tmp; before says how it was then, and is 0 if
// nothing was narrowed. The error is ErrOpen if others can look into it still.
func Folder(dir string) (before fs.FileMode, err error) {
	if err := os.MkdirAll(dir, mode); err != nil {
		return 0, fmt.Errorf("make folder: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return 0, fmt.Errorf("look at folder: %w", err)
	}
	is := info.Mode().Perm()
	if is&^mode == 0 {
		return 0, nil
	}
	if shared := info.Mode()&fs.ModeSticky != 0; !shared && os.Chmod(dir, mode) == nil {
		return is, nil
	}
	return 0, Open(dir)
}

// Open returns ErrOpen if others than owner and group may look into a folder that is there.
func Open(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && info.Mode().Perm()&others != 0 {
		return fmt.Errorf("%q is %v: %w", dir, info.Mode().Perm(), ErrOpen)
	}
	return nil
}

// Umask takes from what this process makes from now on the rights of others, whatever the
// umask was that it was started with. What the group may do stays.
func Umask() {
	syscall.Umask(syscall.Umask(int(others)) | int(others))
}

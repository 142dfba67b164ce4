//go:build !linux

package file

import (
	"io/fs"
	"time"
)

// changed is when the file last changed, as far as this system tells.
func changed(info fs.FileInfo) time.Time { return info.ModTime() }

// made is when a file was made on this file system, if that tells.
func made(string) (time.Time, bool) { return time.Time{}, false }

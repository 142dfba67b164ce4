package file

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is when the file last changed, moved or was given its name here, by
// this machine's clock: the time of modification is the sender's.
func changed(info fs.FileInfo) time.Time {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(s.Ctim.Unix())
	}
	return info.ModTime()
}

package watched

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime returns when anything about a file changed. Nobody can set it back,
// as the time of writing can be.
func changeTime(info fs.FileInfo) time.Time {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}
	}
	return time.Unix(s.Ctim.Unix())
}

package state

import (
	"errors"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrFull says that the process was told to end while it waited for room on the
// disk. What was not written is rolled forward from the changelog.
var ErrFull = errors.New("状态目录所在磁盘已满，没等到空间就结束了；清出空间再启动，数据不丢 / the disk of the state is full; make room and start again, nothing is lost")

// brim waits while a disk is full. For Pebble a write that fails is the end of
// the process, and the next one would end in the same way: so the write is held
// until there is room, and with it whoever writes.
type brim struct {
	fs       vfs.FS
	dir      string
	notice   func(full bool)
	ending   chan struct{} // told to end: no more waiting
	stranded chan struct{} // told to end while waiting
	end      func()
	strand   func()
}

// look is how often a full disk is looked at.
const look = time.Second

func newBrim(fs vfs.FS, dir string, notice func(full bool)) *brim {
	b := &brim{fs: fs, dir: dir, notice: notice, ending: make(chan struct{}), stranded: make(chan struct{})}
	b.end, b.strand = sync.OnceFunc(func() { close(b.ending) }), sync.OnceFunc(func() { close(b.stranded) })
	return b
}

// wait returns when there is room: then the write that failed is done once more.
// Told to end it never returns, and nobody may wait for the writers any more.
func (b *brim) wait() {
	if b.notice != nil {
		b.notice(true)
		defer b.notice(false)
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-b.ending:
			b.strand()
			select {}
		case <-tick.C:
		}
		if usage, err := b.fs.GetDiskUsage(b.dir); err != nil || roomy(usage) {
			return
		}
	}
}

// roomy: a sixteenth of the disk is free, or 256 MiB. Pebble gives a write no
// third chance, so a little room is not enough.
func roomy(u vfs.DiskUsage) bool { return u.AvailBytes >= min(u.TotalBytes/16, 256<<20) }

package state

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// gauge is a disk of 1 GiB of which the test says how much is free.
type gauge struct {
	vfs.FS
	free atomic.Uint64
}

func (g *gauge) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: g.free.Load(), TotalBytes: 1 << 30, UsedBytes: 1<<30 - g.free.Load()}, nil
}

func TestBrimWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &gauge{FS: vfs.NewMem()}
		var said []bool
		b := newBrim(disk, "state", func(full bool) { said = append(said, full) })
		back := make(chan struct{})
		go func() {
			b.wait()
			close(back)
		}()
		<-time.After(time.Minute)
		disk.free.Store(63 << 20) // a little is not enough
		<-time.After(time.Minute)
		synctest.Wait()
		select {
		case <-back:
			t.Fatal("the write went on without room")
		default:
		}
		disk.free.Store(64 << 20)
		<-back
		if want := []bool{true, false}; !slices.Equal(said, want) {
			t.Errorf("said %v, want %v", said, want)
		}
	})
}

// Told to end, nobody waits for room, and nobody hears that there is some.
func TestBrimStrands(t *testing.T) {
	b := newBrim(&gauge{FS: vfs.NewMem()}, "state", nil)
	go b.wait() // for good: the process is ending
	b.end()
	b.end() // Guard and Close both do
	<-b.stranded
}

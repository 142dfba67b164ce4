package fault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// smallDisk mounts a disk of so many bytes on a new folder until the test ends.
func smallDisk(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		if errors.Is(err, syscall.EPERM) && os.Getenv("CI") != "true" {
			t.Skip("a small disk needs the right to mount: run as root")
		}
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount the small disk: %v", err)
		}
	})
	return dir
}

// fill writes a file until the disk is full.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fill the disk: %v", err)
	}
}

// diskFull fills the disk under a processor's state. It pauses and says why,
// holds nobody else up when it is told to end, and goes on by itself once there is
// room.
func diskFull(t *testing.T, want *stream, brokers []string) {
	t.Helper()
	d := disturb(t, want, brokers, nil)
	disk := smallDisk(t, 64<<20)
	d.states = disk
	ballast := filepath.Join(disk, "ballast")
	says := func(p *e2e.Process, text string) {
		t.Helper()
		e2e.Await(t, text, func() string {
			p.Alive()
			if !strings.Contains(string(p.Stderr.Bytes()), text) {
				return "it says: " + p.Stderr.Tail(500)
			}
			return ""
		})
	}
	c, p := d.launch(e2e.ConnectorsRole, "c"), d.launch(e2e.ProcessorsRole, "p")
	d.at(20, c, p)
	fill(t, ballast)
	says(p, "磁盘已满，处理暂停")
	p.Interrupt() // told to end, it does not wait for room
	if p.Err == nil || !strings.Contains(string(p.Stderr.Bytes()), "清出空间再启动") {
		t.Errorf("ended on a full disk with %v:\n%s", p.Err, p.Stderr.Tail(1000))
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	p = d.launch(e2e.ProcessorsRole, "p")
	d.at(50, c, p)
	fill(t, ballast)
	says(p, "磁盘已满，处理暂停")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	says(p, "处理继续")
	d.want.reached(t, brokers, d.prefix, false)
	c.Stop()
	p.Stop()
}

// TestFaultBrokerDisk fills the disk under the only broker, which ends by that. With
// room again and started again it goes on, and so do all; nothing acknowledged is
// lost.
func TestFaultBrokerDisk(t *testing.T) {
	e2e.LongOnly(t)
	disk := smallDisk(t, 512<<20)
	c := startClusterIn(t, disk, "kafka", nil)
	d := disturb(t, undisturbed(t, 4), c.brokers, nil)
	connectors, processors := d.launch(e2e.ConnectorsRole, "c"), d.launch(e2e.ProcessorsRole, "p")
	d.at(20, connectors, processors)
	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	e2e.Await(t, "the broker ends", func() string {
		if status := c.testbed("status"); !strings.Contains(status, "stopped") {
			return status
		}
		return ""
	})
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	c.testbed("start", "kafka1")
	started := time.Now()
	d.until(1, connectors, processors) // it says where its partitions end
	stood := d.still(0, connectors, processors)
	if stood > d.want.total*90/100 {
		t.Fatalf("the disk was filled too late: at %d of %d", stood, d.want.total)
	}
	d.until(stood+d.want.total/20, connectors, processors)
	t.Logf("on %v after the broker had started again", time.Since(started).Round(100*time.Millisecond))
	d.want.reached(t, c.brokers, d.prefix, false)
	for _, p := range []*e2e.Process{connectors, processors} {
		p.Stop()
	}
}

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
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
	says := func(p *process, text string) {
		t.Helper()
		await(t, text, time.Minute, func() string {
			if !p.running() {
				t.Fatalf("yiyuan ended by itself: %v\n%s", p.err, p.log.tail(4000))
			}
			if !strings.Contains(string(p.log.bytes()), text) {
				return "it says: " + p.log.tail(500)
			}
			return ""
		})
	}
	c, p := d.launch(roleConnectors, "c"), d.launch(roleProcessors, "p")
	d.at(20, c, p)
	fill(t, ballast)
	says(p, "磁盘已满,处理暂停")
	p.interrupt() // told to end, it does not wait for room
	if p.err == nil || !strings.Contains(string(p.log.bytes()), "清出空间再启动") {
		t.Errorf("ended on a full disk with %v:\n%s", p.err, p.log.tail(1000))
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	p = d.launch(roleProcessors, "p")
	d.at(50, c, p)
	fill(t, ballast)
	says(p, "磁盘已满,处理暂停")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	says(p, "处理继续")
	d.want.reached(t, brokers, d.prefix, false)
	c.stop()
	p.stop()
}

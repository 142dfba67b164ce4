package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// FreePort returns an address nobody listens on, also while who listened there is killed and started again: its port lies below those that the
// system gives to connections (32768 and up), one of which would sooner or later have it in between, and until the test ends no other test,
// of this package or of another that runs beside it, is given the same.
func FreePort(t testing.TB) string {
	t.Helper()
	var last error
	for range 100 {
		port := 10_000 + rand.IntN(22_000)
		if last = reserve(t, port); last != nil {
			continue
		}
		var lc net.ListenConfig
		var l net.Listener
		if l, last = lc.Listen(t.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(port)); last != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatalf("no free port: %v", last)
	return ""
}

// reserve takes a port for this test alone: the lock on a file, which the system gives back should this process be killed.
func reserve(t testing.TB, port int) error {
	dir := filepath.Join(os.TempDir(), "yiyuan-ports")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("reserve a port: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("reserve a port: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fmt.Errorf("port %d is another test's: %w", port, err), f.Close())
	}
	t.Cleanup(func() { _ = f.Close() }) // which gives it back
	return nil
}

package e2e

import (
	"net"
	"strconv"
	"testing"
)

// TestPortIsOnesOwn: while a test has a port, nobody else is given it, and once it has ended it is free again.
func TestPortIsOnesOwn(t *testing.T) {
	var port int
	t.Run("while it runs", func(t *testing.T) {
		_, number, err := net.SplitHostPort(FreePort(t))
		if err != nil {
			t.Fatal(err)
		}
		if port, err = strconv.Atoi(number); err != nil {
			t.Fatal(err)
		}
		if reserve(t, port) == nil {
			t.Errorf("port %d was given twice", port)
		}
	})
	if err := reserve(t, port); err != nil {
		t.Errorf("a test has ended and keeps its port: %v", err)
	}
}

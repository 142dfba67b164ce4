package process

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Brokers that say nothing are told of while they are waited for; those that answer are not.
func TestWaitingIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		takes time.Duration
		told  bool
	}{{patience - 1, false}, {patience + 1, true}} {
		synctest.Test(t, func(t *testing.T) {
			var said strings.Builder
			done := Waiting(io.Writer(&said), patience, []string{"kafka:9092"})
			<-time.After(c.takes)
			done()
			if got := strings.Contains(said.String(), "kafka:9092"); got != c.told {
				t.Errorf("after %v: %q", c.takes, said.String())
			}
		})
	}
}

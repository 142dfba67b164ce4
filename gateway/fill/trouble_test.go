package fill

import (
	"errors"
	"fmt"
	"testing"
)

func TestTrouble(t *testing.T) {
	for text, want := range map[string]string{
		"OOM command not allowed when used memory > 'maxmemory'.": "OOM",
		"READONLY You can't write against a read only replica.":   "READONLY",
		"dial tcp 127.0.0.1:6379: connect: connection refused":    "",
		"EOF": "", "": "", " x": "",
	} {
		if got := trouble(fmt.Errorf("write view %q: %w", "GA01.verify", errors.New(text))); got != want {
			t.Errorf("%q is told as %q, want %q", text, got, want)
		}
	}
}

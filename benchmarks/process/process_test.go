package process

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// What a program says last is heard, although it has ended before anybody asks.
func TestLastWords(t *testing.T) {
	p, err := Launch(t.Context(), []string{"farewell"}, "sh", "-c", "echo '{\"a\":1}'; echo '{\"a\":2}'; echo farewell >&2")
	if err != nil {
		t.Fatal(err)
	}
	<-p.done
	for want := 1; want <= 2; want++ {
		var got struct{ A int }
		if err := p.Answer(t.Context(), time.Minute, &got); err != nil || got.A != want {
			t.Fatalf("line %d says %d, %v", want, got.A, err)
		}
	}
	if err := p.Answer(t.Context(), time.Minute, new(int)); err == nil || !strings.Contains(err.Error(), "farewell") {
		t.Errorf("after its last line: %v, want an error with its last words", err)
	}
	if _, known := p.seen["farewell"]; !known {
		t.Error("what it logged last is not known")
	}
}

func TestAwait(t *testing.T) {
	n := 0
	if err := Await(t.Context(), time.Second, time.Millisecond, "three", func() (bool, error) { n++; return n == 3, nil }); err != nil || n != 3 {
		t.Errorf("await = %v after %d questions", err, n)
	}
	if err := Await(t.Context(), time.Millisecond, time.Millisecond, "never", func() (bool, error) { return false, nil }); err == nil {
		t.Error("await waits for ever")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Await(ctx, time.Hour, time.Hour, "never", func() (bool, error) { return false, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("await = %v, want the context's end", err)
	}
}

package processors

import (
	"strings"
	"testing"
)

// A stage's panic ends the step with type and place, and without what was
// panicked with, which may be a value.
func TestPanicOfAStage(t *testing.T) {
	err := (&scope{}).call(func() error { panic("539902198503120777") })
	if err == nil || strings.Contains(err.Error(), "539902198503120777") || !strings.Contains(err.Error(), "type string at processors/scope_test.go:") {
		t.Errorf("call = %v", err)
	}
}

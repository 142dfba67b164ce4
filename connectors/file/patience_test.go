package file

import (
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors/option"
)

// TestPatienceOfLessThanAMinute is refused by name: a marker is waited for that long
// before anything is said.
func TestPatienceOfLessThanAMinute(t *testing.T) {
	t.Parallel()
	for patience, fine := range map[time.Duration]bool{0: true, 20 * time.Second: false, time.Minute: true} {
		if err := option.Check(map[string]any{"dir": "x", "patience": patience.String()}, new(Options)); (err == nil) != fine || err != nil && !strings.Contains(err.Error(), `"patience"`) {
			t.Errorf("patience %v: %v", patience, err)
		}
	}
}

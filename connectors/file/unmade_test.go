package file

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// A folder that is read-only for the process alone is told with where that is set.
func TestReadOnlyFolder(t *testing.T) {
	for why, hint := range map[error]bool{syscall.EROFS: true, syscall.EACCES: false} {
		err := unmade(why)
		if !errors.Is(err, why) || !errors.Is(err, connectors.ErrConfig) || strings.Contains(err.Error(), "ReadWritePaths=") != hint {
			t.Errorf("%v: %v", why, err)
		}
	}
}

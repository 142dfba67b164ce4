package doctor

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

func TestMain(m *testing.M) { e2e.Main(m) }

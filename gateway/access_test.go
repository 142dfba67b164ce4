package gateway

import (
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/yiyuan-bus/yiyuan/gateway/grants"
)

// TestNoAccessFileIsNoAlarm: where nothing is followed nothing is refused, and what is
// refused is an alarm until it is mended.
func TestNoAccessFileIsNoAlarm(t *testing.T) {
	t.Parallel()
	g := newGranting(prometheus.NewRegistry())
	for i, want := range []float64{1, 0, 1} {
		if got := testutil.ToFloat64(g.up); got != want {
			t.Errorf("step %d: yiyuan_gateway_access_up is %v, want %v", i, got, want)
		}
		g.report(grants.State{Err: map[int]error{0: errors.New("line 3")}[i]})
	}
}

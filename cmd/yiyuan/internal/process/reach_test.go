package process

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestReadyWhileKafkaAnswers: a Kafka that is away for a moment unreadies nobody, one that
// stays away does, and the first answer ends that.
func TestReadyWhileKafkaAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		reg := prometheus.NewRegistry()
		r := newReach(func(ctx context.Context) error {
			if !away.Load() {
				return nil
			}
			<-ctx.Done()
			return errors.New("no broker")
		}, slog.New(slog.DiscardHandler), reg)
		go r.attend(t.Context())
		is := func(when string, want int) {
			t.Helper()
			synctest.Wait()
			w := httptest.NewRecorder()
			r.ready(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
			if w.Code != want {
				t.Errorf("%s: %d %s, want %d", when, w.Code, w.Body, want)
			}
			families, err := reg.Gather()
			if err != nil || len(families) != 1 {
				t.Fatalf("gather: %v, %v", families, err)
			}
			if up := families[0].GetMetric()[0].GetGauge().GetValue(); (up == 1) != (want == http.StatusOK) {
				t.Errorf("%s: up = %v", when, up)
			}
		}
		is("at the start", http.StatusOK)
		away.Store(true)
		time.Sleep(reachLost - reachEvery)
		is("away for a moment", http.StatusOK)
		away.Store(false)
		time.Sleep(2 * reachEvery)
		is("back", http.StatusOK)
		away.Store(true)
		time.Sleep(reachLost + reachEvery)
		is("away", http.StatusServiceUnavailable)
		away.Store(false)
		time.Sleep(reachWait + reachEvery)
		is("back after all", http.StatusOK)
	})
}

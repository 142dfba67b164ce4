package process

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
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

// TestWhoAsksFirstReachesKafka: while Kafka is away nobody waits for it for long, those who
// ask at a time ask it once, and the first to ask after it is back reaches it.
func TestWhoAsksFirstReachesKafka(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		var asked atomic.Int64
		r := newReach(func(ctx context.Context) error {
			asked.Add(1)
			if !away.Load() {
				return nil
			}
			<-ctx.Done()
			return errors.New("no broker")
		}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		if began := time.Now(); !r.Reached(t.Context()) || time.Since(began) > 0 || asked.Load() > 0 {
			t.Error("who answers is asked")
		}
		away.Store(true)
		time.Sleep(reachLost)
		if since, is := r.Away(); !is || time.Since(since) != reachLost {
			t.Errorf("away: %v, since %v", is, time.Since(since))
		}
		for range 3 {
			go func() {
				if r.Reached(t.Context()) {
					t.Error("reached what is away")
				}
			}()
		}
		began := time.Now()
		if synctest.Wait(); r.Reached(t.Context()) || time.Since(began) > reachAsked {
			t.Errorf("known after %v only", time.Since(began))
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		away.Store(false)
		if !r.Reached(t.Context()) || !r.answers() {
			t.Error("the first after it is back does not reach it")
		}
	})
}

// TestGatewayHearsThatKafkaIsAway: the gateway of a process is not ready while the
// process's judge says that Kafka does not answer.
func TestGatewayHearsThatKafkaIsAway(t *testing.T) {
	t.Parallel()
	cfg := settings.Default()
	cfg.Bus.Embedded.Listen = "127.0.0.1:0"
	ctx, stop := context.WithCancel(t.Context())
	a, err := New(ctx, cfg, e2e.Keys(t), slog.New(slog.DiscardHandler))
	if err != nil {
		stop()
		t.Fatal(err)
	}
	a.Group = &errgroup.Group{}
	t.Cleanup(func() { stop(); _ = a.Group.Wait(); a.Close() })
	var away atomic.Bool
	a.kafka = newReach(func(context.Context) error {
		if away.Load() {
			return errors.New("no broker")
		}
		return nil
	}, a.Log, prometheus.NewRegistry()) // which looks when it is asked alone
	who, err := access.New(a.Catalogue, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.RunGateway(ctx, gateway.Config{Listener: l}, who, nil); err != nil {
		t.Fatal(err)
	}
	says := func() string {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr().String()+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Status + " " + string(body)
	}
	e2e.Await(t, "the gateway is ready", func() string {
		if said := says(); said != "200 OK ok\n" {
			return said
		}
		return ""
	})
	away.Store(true)
	long := time.Now().Add(-reachLost)
	a.kafka.last.Store(&long)
	if said := says(); said != "503 Service Unavailable kafka does not answer\n" {
		t.Errorf("away: %s", said)
	}
	away.Store(false)
	if !a.kafka.Reached(ctx) {
		t.Error("is not reached")
	}
	if said := says(); said != "200 OK ok\n" {
		t.Errorf("back: %s", said)
	}
}

package connectors_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

func TestRetire(t *testing.T) {
	t.Parallel()
	b := bustest.Embedded(t).Open(t, nil)
	if err := b.Ensure(t.Context(), contract.Spec{Topic: contract.Sources, Partitions: 2, Compact: true}); err != nil {
		t.Fatal(err)
	}
	if err := connectors.Retire(t.Context(), b, "nobody", "op@host"); !errors.Is(err, connectors.ErrNoSource) {
		t.Errorf("Retire of nobody = %v, want ErrNoSource", err)
	}
	elder, err := b.Publisher(t.Context(), "ga")
	if err != nil {
		t.Fatal(err)
	}
	defer elder.Close()
	before := contract.SourceStatus{Position: "7", Datasets: []string{"GA01"}, State: contract.StateFailed, Error: "away", CaughtUp: 5, Rows: 3, Kind: "file"}
	if err := elder.Publish(t.Context(), nil, before); err != nil {
		t.Fatal(err)
	}
	if err := connectors.Retire(t.Context(), b, "ga", "op@host"); err != nil {
		t.Fatal(err)
	}
	if err := elder.Publish(t.Context(), nil, before); !errors.Is(err, bus.ErrPublisherLost) {
		t.Errorf("a retired source that still ran published: %v", err)
	}
	again, err := b.Publisher(t.Context(), "ga")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	s := again.Status()
	if s.State != contract.StateRetired || s.Position != "7" || s.Error != "" || s.Rows != 3 || s.CaughtUp != 5 || len(s.Datasets) != 1 {
		t.Errorf("retired as %+v", s)
	}
}

// What a person has stopped stays down over restarts, whoever runs it, until
// that is taken back; so does what was retired.
func TestStopIsRemembered(t *testing.T) {
	w := newWorld(t)
	opened := 0
	open := func(_ context.Context, _ connectors.Config, after schemas.Position) (connectors.Source, error) {
		opened++
		from, _ := strconv.Atoi(string(after))
		return &counting{d: w.d, from: from, upto: from + 1, batch: 1}, nil
	}
	run := func(wantOpened int, wantState string) {
		t.Helper()
		if err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), open); err != nil {
			t.Fatal(err)
		}
		if got := w.status(t); opened != wantOpened || got.State != wantState {
			t.Errorf("opened %d times and %q, want %d and %q", opened, got.State, wantOpened, wantState)
		}
	}
	run(1, contract.StateStopped)
	for _, down := range []func(context.Context, *bus.Bus, string, string) error{connectors.Stop, connectors.Retire} {
		if err := down(t.Context(), w.bus, "count", "op@host"); err != nil {
			t.Fatal(err)
		}
		before, opens := w.status(t), opened
		if ago := time.Since(time.UnixMilli(before.StoppedAt)); before.StoppedBy != "op@host" || ago < 0 || ago > time.Minute {
			t.Errorf("stopped by %q, %v ago", before.StoppedBy, ago)
		}
		run(opens, before.State)
		run(opens, before.State)
		if got := w.status(t); got.Position != before.Position || got.StoppedBy != "op@host" || got.StoppedAt != before.StoppedAt || got.Word("count", contract.Known{}).State != before.State {
			t.Errorf("after restarts %+v, before them %+v", got, before)
		}
		if err := connectors.Start(t.Context(), w.bus, "count"); err != nil {
			t.Fatal(err)
		}
		if got := w.status(t); got.Stop || got.StoppedBy != "" || got.StoppedAt != 0 {
			t.Errorf("started, and still stopped: %+v", got)
		}
		run(opens+1, contract.StateStopped)
	}
}

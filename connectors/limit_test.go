package connectors_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// limited has a share for an option.
type limited struct{ Limit option.Share }

// Declare implements option.Declarer.
func (o *limited) Declare(l *option.List) { l.Add(&o.Limit, "delete_limit", "上限", "the limit") }

func TestShare(t *testing.T) {
	t.Parallel()
	tests := []struct {
		given any
		n, of int
		want  bool
	}{
		{20, 20, 100, false},
		{20, 21, 100, true},
		{"20%", 1, 4, true},
		{0.5, 1, 200, false},
		{0.5, 2, 200, true},
		{100, 100, 100, false},
		{0, 1, 1000000, true},
		{0, 0, 0, false},
		{"33.4 %", 1, 3, false},
	}
	for _, tt := range tests {
		var o limited
		if err := (connectors.Config{Options: map[string]any{"delete_limit": tt.given}}).Read(&o); err != nil {
			t.Errorf("%v: %v", tt.given, err)
			continue
		}
		if got := o.Limit.Exceeded(tt.n, tt.of); got != tt.want {
			t.Errorf("limit %s: %d of %d exceeded = %v, want %v", o.Limit, tt.n, tt.of, got, tt.want)
		}
	}
	for _, bad := range []any{-1, 101, "many", "20%%", true, "NaN"} {
		var o limited
		if err := (connectors.Config{Options: map[string]any{"delete_limit": bad}}).Read(&o); !errors.Is(err, connectors.ErrConfig) {
			t.Errorf("%v was taken as a share: %v", bad, err)
		}
	}
}

// waiting is a source that stands still for a person, then goes on.
type waiting struct {
	counting
	asks int
	seen func()
}

func (w *waiting) Read(ctx context.Context) (connectors.Batch, error) {
	switch w.asks++; w.asks {
	case 1:
		return connectors.Batch{Held: "需要确认 / touch 1.accept"}, nil
	case 2:
		w.seen()
	}
	return w.counting.Read(ctx)
}

// A source that stands still for a person is not called running, and says for
// what; when it goes on, neither is said any more.
func TestRunHeld(t *testing.T) {
	w := newWorld(t)
	var held contract.SourceStatus
	states := map[string]string{}
	follow := func() {
		err := w.bus.Replay(t.Context(), contract.Sources, func(r bus.Record) error {
			text := string(r.Value)
			if string(r.Key) == "count" {
				for _, s := range []string{"held", "running", "starting", "stopped"} {
					if strings.Contains(text, `"state":"`+s+`"`) {
						states[s] = text
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	src := &waiting{counting: counting{d: w.d, upto: 1, batch: 1}, seen: follow}
	err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) { return src, nil })
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(states["held"], "touch 1.accept") || strings.Contains(states["held"], "caught_up") {
		t.Errorf("it stands still and says %q", states["held"])
	}
	if held = w.status(t); held.Error != "" || held.Rows != 1 {
		t.Errorf("afterwards it says %+v", held)
	}
}

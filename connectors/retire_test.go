package connectors_test

import (
	"errors"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

func TestRetire(t *testing.T) {
	t.Parallel()
	b := bustest.Embedded(t).Open(t, nil)
	if err := b.Ensure(t.Context(), contract.Spec{Topic: contract.Sources, Partitions: 2, Compact: true}); err != nil {
		t.Fatal(err)
	}
	if err := connectors.Retire(t.Context(), b, "nobody"); !errors.Is(err, connectors.ErrNoSource) {
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
	if err := connectors.Retire(t.Context(), b, "ga"); err != nil {
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

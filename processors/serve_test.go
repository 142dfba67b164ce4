package processors_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// scribble overwrites the middle of each table.
func scribble(t *testing.T, fs vfs.FS) (files int) {
	t.Helper()
	names, err := fs.List("state")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		path := fs.PathJoin("state", name)
		info, err := fs.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("scribble"), info.Size()/3); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		files++
	}
	return files
}

// TestServeRestoresDamagedState runs a step, damages what it keeps on the disk
// and starts it again: it goes on counting as if nothing had happened.
func TestServeRestoresDamagedState(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := open(t, k)
		fs := vfs.NewMem()
		reg := prometheus.NewRegistry()
		cfg := processors.Config{Instance: "a", Metrics: processors.NewMetrics(reg)}
		where := state.Options{Dir: "state", FS: fs}
		steps := []processors.Step{stepOf(func() (processors.Stage, error) { return &counting{}, nil })}
		for round := 1; round <= 3; round++ { // the second start makes tables of the first one's log
			prepare(t, b, 40, 5)
			if round == 3 && scribble(t, fs) == 0 {
				t.Fatal("there is no table to be damaged")
			}
			ctx, stop := context.WithCancel(t.Context())
			var wait sync.WaitGroup
			wait.Go(func() {
				if err := processors.Serve(ctx, b, where, steps, cfg, bustest.Logger(t)); !errors.Is(err, context.Canceled) {
					t.Errorf("Serve = %v", err)
				}
			})
			expect(t, b, 40, 5*round)
			stop()
			wait.Wait()
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(`# HELP yiyuan_processors_state_damaged_total 本地状态在磁盘上损坏并已从变更日志恢复的次数。 / Times that local state was damaged on the disk and was restored from the changelogs.
# TYPE yiyuan_processors_state_damaged_total counter
yiyuan_processors_state_damaged_total 1
`), "yiyuan_processors_state_damaged_total"); err != nil {
			t.Error(err)
		}
	})
}

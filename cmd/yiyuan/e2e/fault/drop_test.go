package fault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// dropFull fills the disk under the drop folder of a source whose files are whole
// tables, where half a file would delete the rest. A delivery that does not fit
// is not taken; one that fits, but whose keys cannot be kept, waits whole until
// they can, and the source says why. With room again it goes on by itself, and
// every row and deletion is there once.
func dropFull(t *testing.T, want *stream, brokers []string) {
	t.Helper()
	d := disturb(t, want, brokers, nil)
	drop := smallDisk(t, 256<<10)
	d.sources = filepath.Join(d.dir, "drops")
	e2e.Write(t, map[string]any{
		"source": "ga-files", "kind": "file", "datasets": []string{"GA02"},
		"options": map[string]any{"dir": drop, "mode": "replace", "wait": "marker", "poll": "50ms", "delete_limit": 100},
	}, d.sources, "ga-files.yaml")
	c := d.launch(e2e.ConnectorsRole, "c")
	j := e2e.Visit(t, brokers, d.prefix, killSeed, want.base)
	says := func(said map[string]string) {
		t.Helper()
		e2e.Await(t, "rows", func() string {
			c.Alive()
			return cmp.Diff(said, changes(j, "GA02"))
		})
	}
	deliver := func(name string, rows ...int) error {
		text := "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"
		for _, n := range rows {
			text += fmt.Sprintf("539902198503120013,R%d,539903,云岭市岭西区,19900001234,2026-01-02,\n", n)
		}
		return os.WriteFile(filepath.Join(drop, name), []byte(text), 0o600)
	}
	whole := func(name string, rows ...int) {
		t.Helper()
		if err := deliver(name, rows...); err != nil {
			t.Fatal(err)
		}
	}
	mark := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(drop, name+".done"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	state := func() contract.SourceStatus { return e2e.Statuses(t.Context(), t, j)["ga-files"] }
	ballast := filepath.Join(drop, "ballast.tmp")

	whole("a.csv", 1, 2, 3)
	mark("a.csv")
	before := map[string]string{"R1": "r", "R2": "r", "R3": "r"}
	says(before)
	whole("b.csv", 1, 2)
	fill(t, ballast)
	if err := os.Truncate(ballast, 128<<10); err != nil {
		t.Fatal(err)
	}
	if err := deliver("c.csv", make([]int, 4000)...); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("all of it fitted: %v", err)
	}
	if f, err := os.Stat(filepath.Join(drop, "c.csv")); err != nil || f.Size() < 4<<10 {
		t.Fatalf("nothing of it fitted: %v", err)
	}
	mark("b.csv")
	e2e.Await(t, "says why it waits", func() string {
		if s := state(); s.State != contract.StateFailed || !strings.Contains(s.Error, "投递目录所在磁盘已满") {
			return fmt.Sprintf("it is %s %s", s.State, s.Error)
		}
		return ""
	})
	says(before)
	t.Log(state().Error)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	without := map[string]string{"R1": "rr", "R2": "rr", "R3": "rd"}
	says(without)
	whole("d.csv", 1, 5)
	mark("d.csv")
	e2e.Await(t, "says that it waits for the half that came before", func() string {
		if s := state(); s.State != contract.StateHeld {
			return fmt.Sprintf("it is %s %s", s.State, s.Error)
		}
		return ""
	})
	says(without)
	whole("c.csv", 2, 4)
	mark("c.csv")
	says(map[string]string{"R1": "rrrd", "R2": "rrdr", "R3": "rd", "R4": "r", "R5": "rd"})
	e2e.Await(t, "all taken", func() string {
		if left, err := filepath.Glob(filepath.Join(drop, "processing", "*")); len(left) > 0 || err != nil || state().State != contract.StateRunning {
			return fmt.Sprintf("it is %s, %v lie there, %v", state().State, left, err)
		}
		return ""
	})
	if q := quarantined(j); len(q) > 0 {
		t.Errorf("quarantine holds %v", q)
	}
	c.Stop()
}

// changes are the operations on a dataset's rows, which are of one person: by the
// rest of their key, in order.
func changes(j *e2e.Journey, dataset string) map[string]string {
	j.Helper()
	out := map[string]string{}
	err := j.Bus.Replay(j.Ctx, contract.Raw(dataset), func(r bus.Record) error {
		_, row, _ := strings.Cut(string(r.Key), "|")
		out[row] += string(r.Header("op"))
		return nil
	})
	if err != nil {
		j.Fatal(err)
	}
	return out
}

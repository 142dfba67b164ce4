package manifest

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cockroachdb/datadriven"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// TestEvolve plays testdata/evolve.txt: each step changes one thing in
// testdata/small and shows what that means for what is published.
func TestEvolve(t *testing.T) {
	t.Parallel()
	old := load(t, small(t))
	datadriven.RunTest(t, "testdata/evolve.txt", func(t *testing.T, d *datadriven.TestData) string {
		m := small(t)
		change(t, m, d)
		return lines(Evolve(old, load(t, m), nil))
	})
}

func TestEvolveNothing(t *testing.T) {
	t.Parallel()
	if got := Evolve(load(t, small(t)), load(t, small(t)), nil); len(got) > 0 {
		t.Errorf("the same catalogue evolves: %s", lines(got))
	}
}

// TestEvolveCode proves that a code does not pass to another dataset.
func TestEvolveCode(t *testing.T) {
	t.Parallel()
	m := small(t)
	delete(m, "datasets/WJ02.yaml")
	m["datasets/WJ03.yaml"] = &fstest.MapFile{Data: []byte("dataset: WJ03\ntitle: 死亡\nprovider: GA\ncode: 101040001/1\nclass: B\ncycle: daily\nkey: [JSH]\nfields: [{name: JSH, element: identifier}]\n")}
	got := lines(Evolve(load(t, small(t)), load(t, m), nil))
	if !strings.Contains(got, "资源代码 101040001/1 曾属于 WJ02") {
		t.Errorf("Evolve = %s", got)
	}
}

// TestEvolveCompat checks that the codec's own judgement is asked of every
// published topic, and heard.
func TestEvolveCompat(t *testing.T) {
	t.Parallel()
	asked := map[string]string{}
	got := lines(Evolve(load(t, small(t)), load(t, small(t)), func(level string, next, _ *schemas.Layout) error {
		asked[next.Namespace+"."+next.Name] = level
		if next.Name == "MZ01" {
			return errors.New("no")
		}
		return nil
	}))
	if !strings.Contains(got, "dataset MZ01") || strings.Count(got, "\n") != 1 {
		t.Errorf("Evolve = %s", got)
	}
	if asked["yiyuan.raw.GA01"] != BackwardTransitive || asked["yiyuan.shared.person_partial"] != FullTransitive || asked["yiyuan.resolved.person"] != FullTransitive {
		t.Errorf("asked %v", asked)
	}
}

package site

import (
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// A part of the city holds whole blocks and nothing of the next: the truth can
// be told of it.
func TestPart(t *testing.T) {
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	read := func(blocks int) map[string]bool {
		cfg := connectors.Config{Name: "test", Kind: "synthetic", Catalogue: cat, Options: People{Size: "tiny"}.options("GA").Map()}
		for _, d := range cat.Datasets {
			if d.Provider.ID == "GA" {
				cfg.Datasets = append(cfg.Datasets, d)
			}
		}
		src, err := synthetic.Open(t.Context(), cfg, "")
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		var changes atomic.Int64
		p := &part{Source: src, blocks: blocks, changes: &changes}
		keys := map[string]bool{}
		for {
			b, err := p.Read(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range b.Changes {
				if c.Dataset.ID == "GA01" {
					keys[c.Key] = true
				}
			}
		}
		if changes.Load() == 0 {
			t.Fatal("no changes")
		}
		return keys
	}
	few, more, all := read(3), read(4), read(0)
	if len(few) < 3*18 || len(few) > 3*22 || len(more)-len(few) < 18 || len(all) < 1900 {
		t.Errorf("3, 4 and all blocks hold %d, %d and %d people, want about 60, 80 and 2,000", len(few), len(more), len(all))
	}
	for key := range few {
		if !more[key] {
			t.Fatal("a larger part lacks people of a smaller one")
		}
	}
}

func TestDigest(t *testing.T) {
	a := digestOf(map[string]uint64{"person 1": 7, "person 2": 8})
	if b := digestOf(map[string]uint64{"person 2": 8, "person 1": 7}); a != b {
		t.Errorf("digests of the same facts differ: %s, %s", a, b)
	}
	if b := digestOf(map[string]uint64{"person 2": 7, "person 1": 8}); a == b {
		t.Error("digests of other facts are the same")
	}
}

func TestCheck(t *testing.T) {
	one, two := Finding{"XV-01", "id", "person", "t1"}, Finding{"XV-02", "id", "enterprise", "t2"}
	everybody := func(string, string) bool { return true }
	w := &Written{Open: map[Finding]bool{one: true}}
	if err := w.Check(map[Finding]string{one: "k1"}, everybody); err != nil {
		t.Errorf("what was planted is found: %v", err)
	}
	if err := w.Check(map[Finding]string{one: "k1", two: "k2"}, everybody); err == nil {
		t.Error("a planted contradiction that is not found passes")
	}
	if err := w.Check(map[Finding]string{one: "k1", two: "k2"}, func(entity, _ string) bool { return entity == "person" }); err != nil {
		t.Errorf("one about nobody in the part counts: %v", err)
	}
	if err := w.Check(nil, everybody); err == nil {
		t.Error("an invented contradiction passes")
	}
}

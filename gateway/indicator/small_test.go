package indicator_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/yiyuan-bus/yiyuan/gateway/indicator"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
)

// small is a city of four departments: WJ has one dataset, of class C, and one rule
// that reads nobody else's; RS is in a rule with MZ, by an aggregate alone.
func small(t *testing.T) fstest.MapFS {
	t.Helper()
	m, root := fstest.MapFS{}, os.DirFS("../../schemas/manifest/testdata/small")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, name)
		m[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	m["departments.yaml"].Data = append(m["departments.yaml"].Data, "  - {id: WJ, title: 卫健委, english: Health, code: 11539900000990040Q}\n"...)
	m["datasets/WJ02.yaml"].Data = []byte(strings.Replace(string(m["datasets/WJ02.yaml"].Data), "provider: GA", "provider: WJ", 1))
	m["rules/XV-30.yaml"] = &fstest.MapFile{Data: []byte(`rule: XV-30
title: 诊断为空
entity: person
severity: low
advice: 请核对 / Check
cases:
  - {id: own, inputs: [WJ02], when: 'WJ02.exists(w, w.ZDBM == "")', owner: provider}
`)}
	return m
}

// counted computes the indicators of a city all of whose datasets are well, and
// returns which departments one of them counts.
func counted(t *testing.T, m fs.FS, id string) (indicator.Indicator, string) {
	t.Helper()
	c, err := manifest.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range indicator.Compute(c, indicator.Targets{}.WithDefaults(), func(*schemas.Dataset) indicator.Dataset { return good() }) {
		if i.ID != id {
			continue
		}
		var who []string
		for _, item := range i.Items {
			if item.Counted {
				who = append(who, item.ID)
			}
		}
		return i, strings.Join(who, " ")
	}
	t.Fatalf("there is no indicator %q", id)
	return indicator.Indicator{}, ""
}

// A department all of whose datasets are of class C shares nothing, however much it
// publishes for verification.
func TestClassCAloneIsNotSharing(t *testing.T) {
	t.Parallel()
	m := small(t)
	if got, who := counted(t, m, "departments"); who != "GA MZ RS" || got.Numerator != 3 || got.Denominator != 4 || got.Met {
		t.Errorf("%d of %d share, %q, met %v, want GA, MZ and RS of four, and the target of nine in ten missed", got.Numerator, got.Denominator, who, got.Met)
	}
	m["datasets/WJ02.yaml"].Data = []byte(strings.Replace(string(m["datasets/WJ02.yaml"].Data), "class: C", "class: B", 1))
	if got, who := counted(t, m, "departments"); who != "GA MZ RS WJ" || !got.Met {
		t.Errorf("once it is of class B %q share, met %v, want all four", who, got.Met)
	}
}

// A department that is in rules of its own data alone is checked by nobody; one whose
// rows another's rule only counts is.
func TestOneDepartmentsRuleIsNoMutualChecking(t *testing.T) {
	t.Parallel()
	m := small(t)
	if got, who := counted(t, m, "mutual_checking"); who != "GA MZ RS" || got.Numerator != 3 || got.Denominator != 4 {
		t.Errorf("%d of %d are in mutual checking, %q, want GA, MZ and RS of four", got.Numerator, got.Denominator, who)
	}
	rule := string(m["rules/XV-12.yaml"].Data)
	own := strings.NewReplacer("inputs: [SC01, agg.insured]", "inputs: [agg.insured]", "owner: provider", "owner: RS", "[agg.insured, SC01.CBRS]", "[agg.insured]").Replace(rule)
	m["rules/XV-12.yaml"].Data = []byte(own)
	if got, who := counted(t, m, "mutual_checking"); who != "GA MZ" || got.Numerator != 2 {
		t.Errorf("where RS counts its own rows alone %q are in mutual checking, want GA and MZ", who)
	}
	m["rules/XV-30.yaml"].Data = []byte(strings.Replace(string(m["rules/XV-30.yaml"].Data), "inputs: [WJ02]", "inputs: [WJ02, GA01]", 1))
	if _, who := counted(t, m, "mutual_checking"); who != "GA MZ WJ" {
		t.Errorf("where a rule holds WJ02 against GA01 %q are in mutual checking, want WJ too", who)
	}
}

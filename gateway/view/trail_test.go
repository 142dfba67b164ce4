package view_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

const firm = "91539900MADE00011B"

func follow(t *testing.T, owner, key string) (*view.Trail, error) {
	t.Helper()
	return followIn(t, yunling.Files(), owner, key)
}

func followIn(t *testing.T, files fs.FS, owner, key string) (*view.Trail, error) {
	t.Helper()
	c, err := manifest.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.New("intl", map[int][]byte{1: bytes.Repeat([]byte{7}, 32)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return view.Follow(c, keys, owner, key)
}

// TestTrail: a key leads to what the audit keeps of it in every view that is asked by it,
// as whomsever's it was asked, and to nothing of another's.
func TestTrail(t *testing.T) {
	t.Parallel()
	views, _ := compile(t)
	for _, c := range []struct{ owner, key, view, asked string }{
		{"person", zhang, "person.partial", zhang},
		{"person", "539902850312001", "GA02.partial", zhang + "|R1"},
		{"person", zhang, "RS01.partial", zhang + "|" + firm},
		{"enterprise", firm, "SC02.verify", firm + "|1"},
		{"marriage", zhang, "person.partial", zhang},
		{"MZ01", "J539902-2020-000001", "MZ01.partial", "J539902-2020-000001"},
		{"RS01", zhang + "|" + firm, "RS01.partial", zhang + "|" + firm},
	} {
		trail, err := follow(t, c.owner, c.key)
		if err != nil {
			t.Fatalf("%s: %v", c.owner, err)
		}
		v := views[c.view]
		key, err := v.Normalise(c.asked)
		if err != nil {
			t.Fatalf("%s: %v", c.view, err)
		}
		if !trail.Finds(c.view, v.AuditDigest(key)) {
			t.Errorf("%s of %.20s does not find a question of %s", c.owner, c.key, c.view)
		}
		if trail.Finds(c.view, v.AuditDigest(strings.Replace(key, "3", "2", 1))) && strings.Contains(key, "3") {
			t.Errorf("%s of %.20s finds another's question of %s", c.owner, c.key, c.view)
		}
	}
	employer, err := follow(t, "enterprise", firm)
	if err != nil {
		t.Fatal(err)
	}
	if kept := views["RS01.partial"].AuditDigests(zhang + "|" + firm); len(kept) != 2 || employer.Finds("RS01.partial", kept[0]) || !employer.Finds("RS01.partial", kept[1]) {
		t.Errorf("who is named second is not found: %q", kept)
	}
	if b, ok := employer.Blind("RS01.partial", nil, 2); ok {
		t.Errorf("what is kept is told to be unknown: %+v", b)
	}
	row, err := follow(t, "RS01", zhang+"|"+firm)
	if err != nil {
		t.Fatal(err)
	}
	if row.Finds("person.partial", views["person.partial"].AuditDigest(zhang)) {
		t.Error("a row's key finds questions of other datasets' views")
	}
	for owner, key := range map[string]string{"person": "12345", "MZ01": "", "RS01": zhang} {
		if _, err := follow(t, owner, key); !errors.Is(err, view.ErrKey) {
			t.Errorf("%s of %q: %v", owner, key, err)
		}
	}
	if _, err := follow(t, "nobody", zhang); !errors.Is(err, schemas.ErrUnknown) {
		t.Errorf("nobody: %v", err)
	}
}

// TestTrailIsBlind: of each view of the sample city that may answer about somebody under
// another key it is said, and of none that is asked by the key and shows no other.
func TestTrailIsBlind(t *testing.T) {
	t.Parallel()
	c, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	asked := func(t *testing.T, owner, key string) (out []string) {
		t.Helper()
		trail, err := follow(t, owner, key)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range c.Views() {
			var fields []string
			for _, column := range v.Layout.Columns {
				fields = append(fields, column.Name)
			}
			if v.Name == schemas.ExplainView {
				fields = nil
				for _, f := range v.Entity.Fields {
					fields = append(fields, f.Name)
				}
			}
			if b, ok := trail.Blind(v.ID, fields, 1); ok {
				out = append(out, fmt.Sprintf("%s %d %s by %s", v.ID, b.Way, strings.Join(b.By, " "), b.Key))
			}
		}
		return out
	}
	for _, one := range []struct{ owner, key, golden string }{{"person", zhang, persons}, {"enterprise", firm, enterprises}, {"MZ01", "J1", rows}} {
		if got := strings.Join(asked(t, one.owner, one.key), "\n"); got != strings.TrimSpace(one.golden) {
			t.Errorf("of %s:\n%s", one.owner, got)
		}
	}
	trail, err := follow(t, "person", zhang)
	if err != nil {
		t.Fatal(err)
	}
	if b, ok := trail.Blind("MZ01.partial", nil, 1); !ok || b.Way != view.OtherKey || !slices.Equal(b.By, []string{"NFGMSFHM", "NVFGMSFHM"}) {
		t.Errorf("a refused question of another key is not told: %+v", b)
	}
	for name, want := range map[string]bool{"QQ99.partial": true, "person.former": false, "": false} {
		if b, ok := trail.Blind(name, nil, 1); ok != want || ok && b.Way != view.Gone {
			t.Errorf("a view %q that is not there: %+v, %v", name, b, ok)
		}
	}
	if _, ok := trail.Blind("enterprise.public", []string{"CBRS"}, 1); ok {
		t.Error("a question for fields that speak of nobody is told to be")
	}
}

// TestTrailIsBlindToOthers: a view that is asked by one person's number and shows another's,
// in a field of its own or of an embedded row, may answer about somebody who was not asked by.
func TestTrailIsBlindToOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, yunling.Files()); err != nil {
		t.Fatal(err)
	}
	for file, edit := range map[string][2]string{
		"datasets/GA01.yaml":   {"\nviews:\n", "\nviews:\n  kin: {title: 配偶, fields: [GMSFHM, POGMSFHM, XBDM]}\n"},
		"entities/person.yaml": {"\nviews:\n", "\nviews:\n  kin:\n    title: 婚姻\n    fields: [GMSFHM, XBDM]\n    embed:\n      - {dataset: MZ01, role: spouse1, fields: [NVFGMSFHM, DJRQ], max: 20}\n"},
	} {
		path := filepath.Join(dir, file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.Replace(text, []byte(edit[0]), []byte(edit[1]), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pairs := "dataset: MZ09\ntitle: 收养\nprovider: MZ\ncode: 101020001/000009\nclass: B\ncycle: monthly\nkey: [SYR, BSYR]\n" +
		"entities:\n  - {entity: person, key: SYR, role: parent}\n  - {entity: person, key: BSYR, role: child}\n" +
		"fields:\n  - {name: SYR, title: 收养人, element: id_number}\n  - {name: BSYR, title: 被收养人, element: id_number}\n  - {name: DJRQ, title: 登记日期, element: date, source: true}\n" +
		"views:\n  partial: {title: 收养, fields: [DJRQ]}\n"
	if err := os.WriteFile(filepath.Join(dir, "datasets/MZ09.yaml"), []byte(pairs), 0o600); err != nil {
		t.Fatal(err)
	}
	trail, err := followIn(t, os.DirFS(dir), "person", zhang)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		view, field, by string
		digests         int
	}{
		{"GA01.kin", "POGMSFHM", "POGMSFHM", 1},
		{"GA01.kin", "XBDM", "", 1},
		{"GA01.kin", "GMSFHM", "", 1},
		{"person.kin", "MZ01", "MZ01.NVFGMSFHM", 1},
		{"person.kin", "XBDM", "", 1},
		{"MZ09.partial", "DJRQ", "", 2},
		{"MZ09.partial", "DJRQ", "BSYR", 1}, // of an earlier build
		{"MZ09.partial", "DJRQ", "BSYR", 0}, // of how many keys is not known
	} {
		b, ok := trail.Blind(c.view, []string{c.field}, c.digests)
		if ok != (c.by != "") || ok && (b.Way != view.Others || strings.Join(b.By, " ") != c.by) {
			t.Errorf("%s for %s: %+v, %v", c.view, c.field, b, ok)
		}
	}
}

const persons = `
CL01.partial 1 GMSFHM by CJZH
CL01.verify 1 GMSFHM by CJZH
GA03.partial 1 SYRGMSFHM by HPHM|HPZLDM
GA03.verify 1 SYRGMSFHM by HPHM|HPZLDM
JY01.partial 1 GMSFHM JHRGMSFHM by XJH
JY01.verify 1 GMSFHM JHRGMSFHM by XJH
MZ01.partial 1 NFGMSFHM NVFGMSFHM by DJZH
MZ01.verify 1 NFGMSFHM NVFGMSFHM by DJZH
MZ03.partial 1 GMSFHM by HHZH
MZ03.verify 1 GMSFHM by HHZH
SC01.clear 1 FDDBRZJHM by TYSHXYDM
SC01.partial 1 FDDBRZJHM by TYSHXYDM
SC01.verify 1 FDDBRZJHM by TYSHXYDM
WJ01.clear 1 MQGMSFHM by CSZBH
WJ01.partial 1 MQGMSFHM by CSZBH
WJ01.verify 1 MQGMSFHM by CSZBH
WJ02.partial 1 GMSFHM by ZMBH
WJ02.verify 1 GMSFHM by ZMBH
YB02.verify 1 GMSFHM by JSH
ZR01.partial 1 QLRGMSFHM by BDCDYH|QZH
ZR01.verify 1 QLRGMSFHM by BDCDYH|QZH
enterprise.explain 3 SC01 by TYSHXYDM
enterprise.partial 3 SC01 by TYSHXYDM
enterprise.public 3 SC01 by TYSHXYDM
enterprise.verify 3 SC01 by TYSHXYDM
`

const enterprises = `
GA03.partial 1 SYRTYSHXYDM by HPHM|HPZLDM
GA03.verify 1 SYRTYSHXYDM by HPHM|HPZLDM
RS01.partial 1 TYSHXYDM by GMSFHM
RS01.verify 1 TYSHXYDM by GMSFHM
SP01.clear 1 JDJGDM TYSHXYDM by JDSWH
SP01.verify 1 JDJGDM TYSHXYDM by JDSWH
ZJ02.partial 1 TYSHXYDM by GMSFHM
ZJ02.verify 1 TYSHXYDM by GMSFHM
ZR01.partial 1 QLRTYSHXYDM by BDCDYH|QZH
ZR01.verify 1 QLRTYSHXYDM by BDCDYH|QZH
person.partial 3 GA03 by GMSFHM
person.relief 3 GA03 RS01 SC01 ZR01 by GMSFHM
person.school 3 ZR01 by GMSFHM
`

const rows = `
person.clear 3 MZ01 by GMSFHM
person.explain 3 MZ01 by GMSFHM
person.partial 3 MZ01 by GMSFHM
`

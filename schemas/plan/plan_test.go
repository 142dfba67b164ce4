package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cockroachdb/datadriven"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// files returns a copy of a catalogue folder that a test may change.
func files(t testing.TB, root fs.FS) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
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
	return m
}

func small(t testing.TB) fstest.MapFS {
	t.Helper()
	return files(t, os.DirFS("../manifest/testdata/small"))
}

func load(t testing.TB, m fs.FS) *schemas.Catalogue {
	t.Helper()
	c, err := manifest.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// edit replaces one piece of a file of a catalogue.
func edit(t testing.TB, m fstest.MapFS, name, old, replacement string) {
	t.Helper()
	f := m[name]
	if f == nil || strings.Count(string(f.Data), old) != 1 {
		t.Fatalf("%s does not hold exactly one %q", name, old)
	}
	m[name] = &fstest.MapFile{Data: []byte(strings.Replace(string(f.Data), old, replacement, 1))}
}

// TestPlan plays testdata/plan.txt: each step changes one thing in the small city and
// shows what that means for what is published.
func TestPlan(t *testing.T) {
	t.Parallel()
	old := load(t, small(t))
	datadriven.RunTest(t, "testdata/plan.txt", func(t *testing.T, d *datadriven.TestData) string {
		m := small(t)
		var name string
		d.ScanArgs(t, "file", &name)
		switch d.Cmd {
		case "edit":
			was, is, ok := strings.Cut(d.Input, "\n=>")
			if !ok {
				t.Fatalf("%s: no line =>", d.Pos)
			}
			is = strings.Trim(is, "\n")
			if f := m[name]; f != nil && !strings.Contains("\n"+string(f.Data), "\n"+was) {
				is = strings.TrimLeft(is, " ") // it has lost its indentation, and so must this
			}
			edit(t, m, name, was, is)
		case "write":
			m[name] = &fstest.MapFile{Data: []byte(d.Input + "\n")}
		case "remove":
			delete(m, name)
		default:
			t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
		}
		return lines(Make(old, load(t, m)))
	})
}

func lines(p *Plan) string {
	var b strings.Builder
	for _, group := range []struct {
		name string
		all  []Change
	}{{"exposed", p.Exposed}, {"removed", p.Removed}, {"compatible", p.Compatible}, {"refused", p.Refused}} {
		for _, c := range group.all {
			fmt.Fprintf(&b, "%s: %s: %s / %s [%s]\n", group.name, c.File, c.Chinese, c.English, c.Kind)
		}
	}
	return b.String()
}

func TestPlanOfNothing(t *testing.T) {
	t.Parallel()
	if p := Make(load(t, small(t)), load(t, small(t))); !p.Empty() || lines(p) != "" || len(p.Steps) > 0 {
		t.Errorf("the same catalogue differs: %s", lines(p))
	}
}

// Reading a source of files again takes the file of the whole table, and that is said.
func TestPlanSaysWhatAResyncTakes(t *testing.T) {
	t.Parallel()
	m := small(t)
	edit(t, m, "datasets/WJ02.yaml", "views:\n", "  - {name: BEIZHU, title: 备注, element: text, nullable: true}\nviews:\n")
	p := Make(load(t, small(t)), load(t, m))
	i := slices.IndexFunc(p.Steps, func(s Step) bool { return s.Kind == "resync" && s.Of == "WJ02" })
	if i < 0 || !strings.Contains(p.Steps[i].Chinese, "先把整张表的文件放进投放目录") || !strings.Contains(p.Steps[i].English, "put the file of the whole table into its drop folder first") {
		t.Errorf("Make says %+v", p.Steps)
	}
}

// Where nothing was in force everything is newly exposed, and nothing refused.
func TestPlanFromNothing(t *testing.T) {
	t.Parallel()
	old, next := &schemas.Catalogue{}, load(t, small(t))
	old.Index()
	p := Make(old, next)
	shown := 0
	for _, v := range next.Views() {
		if slices.ContainsFunc(p.Exposed, func(c Change) bool { return c.Of == v.ID }) {
			shown++
		}
	}
	if shown != len(next.Views()) || len(p.Refused)+len(p.Removed) > 0 || p.From != "" {
		t.Errorf("%d of %d views are newly exposed, %d refused, %d removed", shown, len(next.Views()), len(p.Refused), len(p.Removed))
	}
}

// TestCode proves that a code does not pass to another dataset.
func TestCode(t *testing.T) {
	t.Parallel()
	m := small(t)
	delete(m, "datasets/WJ02.yaml")
	m["datasets/WJ03.yaml"] = &fstest.MapFile{Data: []byte("dataset: WJ03\ntitle: 死亡\nprovider: GA\ncode: 101040001/1\nclass: B\ncycle: daily\nkey: [JSH]\nfields: [{name: JSH, element: identifier}]\n")}
	got := lines(Make(load(t, small(t)), load(t, m)))
	if !strings.Contains(got, "refused: datasets/WJ03.yaml: 资源代码 101040001/1 曾属于 WJ02") {
		t.Errorf("Make = %s", got)
	}
}

// TestJudged checks that the codec's own judgement is asked of every published topic,
// and heard.
func TestJudged(t *testing.T) {
	t.Parallel()
	asked := map[string]string{}
	next := small(t)
	edit(t, next, "rules/XV-08.yaml", "title: 婚姻状况不一致", "title: 婚姻状况不符")
	p := compare(load(t, small(t)), load(t, next), func(level string, next, _ *schemas.Layout) error {
		asked[next.Namespace+"."+next.Name] = level
		if next.Name == "MZ01" {
			return errors.New("no")
		}
		return nil
	})
	if len(p.Refused) != 1 || p.Refused[0].Of != "MZ01" {
		t.Errorf("refused %+v", p.Refused)
	}
	if asked["yiyuan.raw.GA01"] != backwardTransitive || asked["yiyuan.shared.person_partial"] != fullTransitive || asked["yiyuan.resolved.person"] != fullTransitive {
		t.Errorf("asked %v", asked)
	}
}

// TestPlanted is the plan's oracle: each change is planted in the sample city's files by
// what its author means, and the plan must hold just that in just that group. Pairs of
// them planted together must come out as the two do alone.
func TestPlanted(t *testing.T) {
	t.Parallel()
	old := load(t, yunling.Files())
	var all [][]string
	var plants []planted
	for _, x := range plantings {
		m := files(t, yunling.Files())
		x.plant(t, m)
		got := kinds(Make(old, load(t, m)))
		if !slices.Equal(got, x.want) {
			t.Errorf("%s: plan has\n  %s\nwant\n  %s", x.name, strings.Join(got, "\n  "), strings.Join(x.want, "\n  "))
		}
		all, plants = append(all, x.want), append(plants, x)
	}
	for i := 0; i < len(plants); i += 4 {
		j := (i + 1) % len(plants)
		m := files(t, yunling.Files())
		plants[i].plant(t, m)
		plants[j].plant(t, m)
		want := slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(all[i]), all[j]...))))
		if got := slices.Compact(kinds(Make(old, load(t, m)))); !slices.Equal(got, want) {
			t.Errorf("%s and %s: plan has\n  %s\nwant\n  %s", plants[i].name, plants[j].name, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
		}
	}
}

// kinds writes a plan as group, kind and what it is of, sorted.
func kinds(p *Plan) []string {
	var out []string
	for i, group := range [][]Change{p.Exposed, p.Removed, p.Compatible, p.Refused} {
		for _, c := range group {
			out = append(out, strings.TrimSpace([]string{"exposed", "removed", "compatible", "refused"}[i]+" "+string(c.Kind)+" "+c.Of+" "+c.Field))
		}
	}
	slices.Sort(out)
	return out
}

type planted struct {
	name  string
	plant func(t testing.TB, m fstest.MapFS)
	want  []string
}

// swap plants one replaced piece of a file.
func swap(file, old, next string) func(testing.TB, fstest.MapFS) {
	return func(t testing.TB, m fstest.MapFS) {
		t.Helper()
		edit(t, m, file, old, next)
	}
}

const ga01, person = "datasets/GA01.yaml", "entities/person.yaml"

// plantings are of different files or far apart, so that neighbours can be planted together.
var plantings = []planted{
	{"a view shows another field", swap(ga01, "HYZKDM, ZXBZ]\n", "HYZKDM, ZXBZ, ZXRQ]\n"), []string{"compatible changed datasets/GA01.yaml views.partial.fields", "exposed field_shown GA01.partial ZXRQ"}},
	{"a view embeds rows", swap(person, "  school:\n", "    # more\n  fleet:\n    fields: [XBDM]\n    embed:\n      - {dataset: GA03, role: owner, fields: [CLXH]}\n  school:\n"), []string{
		"exposed field_shown person.fleet GA03.CLXH", "exposed field_shown person.fleet XBDM",
	}},
	{"a mask is weaker", swap("datasets/WJ02.yaml", "fields: [GMSFHM, SWRQ, CXBZ]}", "fields: [GMSFHM, SWRQ, CXBZ], mask: {SWRQ: year}}"), []string{"compatible changed datasets/WJ02.yaml views.partial.mask", "exposed mask_weaker WJ02.partial SWRQ"}},
	{"a mask is another", swap(ga01, "mask: {HJDZ: district}", "mask: {HJDZ: partial}"), []string{"compatible changed datasets/GA01.yaml views.partial.mask.HJDZ", "exposed mask_weaker GA01.partial HJDZ"}},
	{"a mask is stronger", swap(person, "mask: {GMSFHM: partial, XM: partial, CSRQ: year, HJDZ: partial}", "mask: {GMSFHM: partial, XM: suppress, CSRQ: year, HJDZ: partial}"), []string{"compatible changed entities/person.yaml views.school.mask.XM", "compatible changed person.school XM"}},
	{"more rows are embedded, and a view comes beside it", func(t testing.TB, m fstest.MapFS) {
		t.Helper()
		edit(t, m, person, "fields: [MJ, ZL, DYBZ, YTDM], mask: {MJ: band, ZL: district}, max: 20}", "fields: [MJ, ZL, DYBZ, YTDM], mask: {MJ: band, ZL: district}, max: 200}")
		edit(t, m, person, "  alive:\n", "  two: {title: 二, fields: [XBDM]}\n  alive:\n")
	}, []string{"compatible changed entities/person.yaml views.relief.embed[ZR01/owner].max", "exposed field_shown person.two XBDM", "exposed rows_shown person.relief ZR01"}},
	{"a class opens", swap(ga01, "class: B", "class: A"), []string{"exposed class_weaker GA01"}},
	{"a class tightens", swap("datasets/SC01.yaml", "class: A", "class: B"), []string{"compatible changed SC01"}},
	{"evidence shows another field", swap("rules/XV-04.yaml", "evidence: [RS02.DYZTDM,", "evidence: [RS02.YDY, RS02.DYZTDM,"), []string{"compatible changed XV-04", "compatible changed rules/XV-04.yaml cases[paid].evidence", "exposed evidence_shown XV-04 RS02.YDY"}},
	{"a field's level falls", swap(ga01, "element: status, level: L2, nullable: true", "element: status, level: L1, nullable: true"), []string{"compatible changed GA01 ZXYY", "compatible changed datasets/GA01.yaml fields[ZXYY].level"}},
	{"a field's level rises", swap("datasets/GA02.yaml", "element: address", "element: address, level: L4"), []string{"compatible changed GA02 JZDZ", "compatible changed datasets/GA02.yaml fields[JZDZ].level", "compatible changed person JZDZ"}},
	{"a field comes", swap("datasets/WJ02.yaml", "views:\n", "  - {name: BEIZHU, title: 备注, element: text, nullable: true}\nviews:\n"), []string{"compatible added WJ02 BEIZHU"}},
	{"a field that must be there comes", swap("datasets/GA03.yaml", "views:\n", "  - {name: BEIZHU, title: 备注, element: text}\nviews:\n"), []string{"compatible added GA03 BEIZHU", "exposed field_shown GA03.partial BEIZHU", "refused refused GA03"}},
	{"a key changes", swap("datasets/RS02.yaml", "key: [GMSFHM]", "key: [GMSFHM, DYZTDM]"), []string{"refused refused RS02", "refused refused RS02.partial"}},
	{"an audience changes", swap(person, "audience: JY-RXYJS", "audience: JY-OTHER"), []string{"refused refused person.school"}},
	{"published authority is rewritten", swap(person, "      LXDH: [{dataset: GA02, pick: newest}]\n      XLDM: []\n  - version: 2", "      LXDH: []\n      XLDM: []\n  - version: 2"), []string{"compatible changed entities/person.yaml authority[1].sources.LXDH[GA02]", "refused refused person"}},
	{"a code passes on", swap("datasets/WJ02.yaml", "code: 301040002/000001", "code: 301040002/000009"), []string{"compatible changed WJ02"}},
	{"a rule goes", func(_ testing.TB, m fstest.MapFS) { delete(m, "rules/XV-09.yaml") }, []string{"removed removed XV-09"}},
	{"a purpose comes", swap("purposes.yaml", "  - {id: SUPERVISE,", "  - {id: TRIAL, title: 试用, english: Trial}\n  - {id: SUPERVISE,"), []string{"compatible added TRIAL"}},
	{"a department goes by another name", swap("departments.yaml", "title: 公安局", "title: 公安分局"), []string{"compatible changed GA", "compatible changed departments.yaml departments[GA].title"}},
	{"a holiday", swap("calendar-2027.yaml", "workdays:", "  2027-12-31: 年末\nworkdays:"), []string{"compatible changed calendar-2027.yaml holidays.2027-12-31"}},
}

package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// small returns a copy of testdata/small that a test may change.
func small(t testing.TB) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	root := os.DirFS("testdata/small")
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

func load(t testing.TB, m fs.FS) *schemas.Catalogue {
	t.Helper()
	c, err := Load(m)
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

// change applies the command of a story: "edit file=F" replaces what stands
// above a line => by what stands below, "write" the whole file, "remove" it.
func change(t *testing.T, m fstest.MapFS, d *datadriven.TestData) {
	t.Helper()
	var name string
	d.ScanArgs(t, "file", &name)
	switch d.Cmd {
	case "edit":
		old, replacement, ok := strings.Cut(d.Input, "\n=>")
		if !ok {
			t.Fatalf("%s: no line =>", d.Pos)
		}
		replacement = strings.Trim(replacement, "\n")
		if f := m[name]; f != nil && !strings.Contains("\n"+string(f.Data), "\n"+old) {
			replacement = strings.TrimLeft(replacement, " ") // old has lost its indentation, and so must this
		}
		edit(t, m, name, old, replacement)
	case "write":
		m[name] = &fstest.MapFile{Data: []byte(d.Input + "\n")}
	case "remove":
		delete(m, name)
	default:
		t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
	}
}

// TestRefusals plays testdata/refuse/*.txt: each step changes one thing in
// testdata/small and shows all that Load says about it.
func TestRefusals(t *testing.T) {
	datadriven.Walk(t, "testdata/refuse", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			m := small(t)
			change(t, m, d)
			_, warnings, err := Check(m)
			var problems *Problems
			switch {
			case err == nil && len(warnings) == 0:
				return "fine"
			case err == nil:
				return lines(warnings)
			case !errors.As(err, &problems):
				t.Fatalf("%s: %v is no *Problems", d.Pos, err)
			}
			return lines(problems.All)
		})
	})
}

func lines(problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		if p.Warning {
			b.WriteString("warning: ")
		}
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

// TestRules holds the refusals and their stories together: every check that
// this package can report has a step in testdata/refuse.
func TestRules(t *testing.T) {
	t.Parallel()
	var stories strings.Builder
	for _, pattern := range []string{"testdata/refuse/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			data, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			stories.Write(data)
		}
	}
	for _, rule := range []string{
		"aggregated", "bad-key", "bad-name", "bad-type", "bad-value", "class-c-basis", "class-c-view", "duplicate", "duplicate-collection", "duplicate-key",
		"element-mismatch", "evidence-input", "file-name", "l4-clear", "level-class", "link-kind", "mask-kind", "mask-undone", "mask-unused",
		"missing-file", "missing-key", "no-link", "no-source", "nullable-key", "recoverable-mask", "resource-code", "shape", "syntax", "too-large", "two-authorities",
		"unknown-dataset", "unknown-department", "unknown-element", "unknown-entity", "unknown-field", "unknown-file", "unknown-key", "unknown-mask", "unknown-role",
		"unreadable", "verify-mask", "verify-oracle",
	} {
		if rule != "too-large" && rule != "unreadable" && !strings.Contains(stories.String(), "["+rule+"]") {
			t.Errorf("no story shows [%s]", rule)
		}
	}
}

func TestLoadSmall(t *testing.T) {
	t.Parallel()
	c, warnings, err := Check(small(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(warnings); got != "" {
		t.Errorf("warnings: %s", got)
	}
	d, err := c.Dataset("RS01")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(d.KeyIndex, d.Links, d.Layout.Namespace, d.Layout.Columns[3].Scale, d.Fields[3].Element.Precision, len(d.Fields[2].Element.Codes)); got != "[0 1] [{person GMSFHM  0} {enterprise TYSHXYDM employer 1}]yiyuan.raw4 12 2" {
		t.Errorf("RS01 = %s", got)
	}
	if e, _ := c.Element("amount"); e.Scale != 2 {
		t.Errorf("a field's own scale changed its element")
	}
	if got := d.Layout.Columns[2].Attrs["element"] + d.Layout.Columns[2].Attrs["source"]; got != "statustrue" {
		t.Errorf("attributes of ZTDM: %s", got)
	}
	for id, want := range map[string]string{
		"GA01.clear":     "key clear L3: GMSFHM string XM string? CSRQ date? HJDZ string? HYZKDM string?",
		"GA01.partial":   "key token L2: GMSFHM/partial string? XM/partial string? CSRQ/year string? HJDZ/district string? HYZKDM string?",
		"GA01.verify":    "key token L2: GMSFHM/digest bytes? XM/digest bytes?",
		"RS01.partial":   "key token L2: GMSFHM/partial string? TYSHXYDM string ZTDM string? JFJS/band string?",
		"SC01.public":    "key clear L1: TYSHXYDM string JGMC/screened string? FDDBRXM/surname string? CBRS long?",
		"WJ02.verify":    "key token L3: GMSFHM/digest bytes? ZDBM/digest bytes?",
		"person.named":   "key clear L3: GMSFHM string XM string?",
		"person.partial": "key token L2: GMSFHM/partial string? XM/partial string? CSRQ/year string? HJDZ/district string? RS01[TYSHXYDM string? ZTDM string? JFJS/band string?]",
		"person.explain": "key token L2: cells[field string title string value_masked string? dataset string department string row_token string reason string flag string at timestamp losers[dataset string department string value_masked string? reason string]]",
	} {
		v, err := c.View(id)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := describeView(v); got != want {
			t.Errorf("view %s:\n got %s\nwant %s", id, got, want)
		}
	}
	if _, err := c.View("enterprise.explain"); err != nil {
		t.Error(err)
	}
	if _, err := c.View("birth.explain"); !errors.Is(err, schemas.ErrUnknown) {
		t.Errorf("birth has no golden record but an explanation: %v", err)
	}
	if len(c.Version) != 12 {
		t.Errorf("version %q", c.Version)
	}
}

func describeView(v *schemas.View) string {
	key := "clear"
	if v.KeyMask {
		key = "token"
	}
	masks := map[string]string{}
	for _, f := range v.Fields {
		if masks[f.Name] = f.Mask; f.Screened {
			masks[f.Name] = "screened"
		}
	}
	for _, b := range v.Embed {
		for _, f := range b.Fields {
			masks[b.Dataset.ID+"."+f.Name] = f.Mask
		}
	}
	return "key " + key + " " + v.Level + ":" + describeColumns(v.Layout, masks, "")
}

func describeColumns(l *schemas.Layout, masks map[string]string, prefix string) string {
	var b strings.Builder
	for _, c := range l.Columns {
		if prefix == "" || b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(c.Name)
		if c.Type == schemas.Rows {
			b.WriteString("[" + describeColumns(c.Rows, masks, c.Name+".") + "]")
			continue
		}
		if m := masks[prefix+c.Name]; m != "" {
			b.WriteString("/" + m)
		}
		b.WriteString(" " + c.Type.String())
		if c.Nullable {
			b.WriteByte('?')
		}
	}
	return b.String()
}

func TestEntity(t *testing.T) {
	t.Parallel()
	m := small(t)
	edit(t, m, "entities/person.yaml", "views:\n", `  - version: 3
    effective: 2027-01-01
    sources: {identity: [], HJDZ: [{dataset: GA01}], HYZKDM: [{dataset: GA01}], LXDH: []}
views:
`)
	e, err := load(t, m).Entity("person")
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]int{"2020-01-01": 1, "2026-01-01": 1, "2026-12-31": 1, "2027-01-01": 3, "2030-01-01": 3} {
		now, err := time.ParseInLocation(time.DateOnly, day, schemas.Zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Current(now).Version; got != want {
			t.Errorf("Current(%s) = version %d, want %d", day, got, want)
		}
	}
	if got := (&schemas.Entity{}).Current(time.Time{}); got != nil {
		t.Errorf("an entity without authority has one: %v", got)
	}
	c := e.Authority[0].Sources["HYZKDM"][0]
	if order, fields := c.PickBy(); order != "latest" || !slices.Equal(slices.Concat(fields...), []string{"LHRQ", "DJRQ"}) || c.Columns["HYZKDM"] != "HYZKDM" {
		t.Errorf("candidate %+v picks %s %v", c, order, fields)
	}
	if order, _ := e.Authority[0].Sources["identity"][0].PickBy(); order != "newest" {
		t.Errorf("default pick is %s", order)
	}
	if got := e.Field("HJDZ").Level + e.Field("XM").Group; got != "L3identity" {
		t.Errorf("golden fields: %s", got)
	}
	if first, again := e.ResolvedLayout(), e.ResolvedLayout(); first != again {
		t.Errorf("ResolvedLayout is not one layout")
	}
	if got := describeColumns(e.ResolvedLayout(), nil, ""); !strings.HasPrefix(got, " GMSFHM string XM string? CSRQ date? HJDZ string? HYZKDM string? LXDH string? _ver long _at timestamp _cells[field string") {
		t.Errorf("resolved layout: %s", got)
	}
}

// TestVersion holds what the version is made of: all files, but not their line ends nor a byte order mark.
func TestVersion(t *testing.T) {
	t.Parallel()
	before := load(t, small(t)).Version
	m := small(t)
	for name, f := range m {
		m[name] = &fstest.MapFile{Data: []byte("\ufeff" + strings.ReplaceAll(string(f.Data), "\n", "\r\n"))}
	}
	if got := load(t, m).Version; got != before {
		t.Errorf("line ends and byte order marks change the version: %s, %s", got, before)
	}
	edit(t, m, "rules/XV-12.yaml", "agg.insured > 1", "agg.insured > 2")
	if got := load(t, m).Version; got == before {
		t.Errorf("a changed rule does not change the version")
	}
}

// TestNoRegularFile: what would not end when it is read is told, and not read.
func TestNoRegularFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, small(t)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.DevNull, filepath.Join(dir, "datasets/ZZ01.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := exec.CommandContext(t.Context(), "mkfifo", filepath.Join(dir, "datasets/ZZ02.yaml")).Run(); err != nil {
		t.Skipf("mkfifo: %v", err)
	}
	_, err := Load(os.DirFS(dir))
	var problems *Problems
	if !errors.As(err, &problems) {
		t.Fatalf("Load = %v", err)
	}
	for _, name := range []string{"datasets/ZZ01.yaml", "datasets/ZZ02.yaml"} {
		if !slices.ContainsFunc(problems.All, func(p Problem) bool { return p.File == name && p.Rule == "unreadable" }) {
			t.Errorf("%s is not told: %v", name, err)
		}
	}
}

// TestReservedIDs: a dataset or an entity that no rule could read is refused, and what else is.
func TestReservedIDs(t *testing.T) {
	t.Parallel()
	for _, word := range format.Reserved {
		for file, key := range map[string]string{"datasets/GA01.yaml": "dataset: ", "entities/person.yaml": "entity: "} {
			m := small(t)
			id := strings.TrimSuffix(path.Base(file), ".yaml")
			name := strings.Replace(file, id, word, 1)
			m[name] = &fstest.MapFile{Data: []byte(strings.Replace(string(m[file].Data), key+id, key+strconv.Quote(word), 1))}
			_, err := Load(m)
			if want := name + ":1:"; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "不能作数据集或实体的代号") || !strings.Contains(err.Error(), "agg golden key now today") {
				t.Errorf("%s: %v, want it refused", name, err)
			}
		}
	}
}

// TestHostile feeds files that try to hurt the reader: each is one clear problem.
func TestHostile(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"brackets": strings.Repeat("[", 200_000),
		"braces":   strings.Repeat("{a: ", 60_000),
		"dashes":   strings.Repeat("- ", 100_000),
		"keys":     "? " + strings.Repeat("? ", 50_000),
		"indent":   deepBlocks(300),
		"huge":     strings.Repeat("# comment\n", 40_000),
		"aliases":  "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
		"utf16":    "\xff\xfed\x00a\x00t\x00a\x00",
		"gb18030":  "name: \xd4\xc6\xc1\xeb\xca\xd0\n",
		"nul":      "name: a\x00b\n",
		"tab":      "name:\n\tx: y\n",
		"empty":    "",
		"list":     "- a\n",
		"scalar":   "hello",
		"tag":      "name: !!binary aGk=\n",
		"two":      "name: a\n---\nname: b\n",
		"merge":    "base: &b {x: 1}\nname:\n  <<: *b\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := small(t)
			m["city.yaml"] = &fstest.MapFile{Data: []byte(data)}
			var problems *Problems
			if _, err := Load(m); !errors.As(err, &problems) || problems.All[0].File != "city.yaml" {
				t.Fatalf("Load = %v, want a problem of city.yaml", err)
			}
		})
	}
}

func deepBlocks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func FuzzLoad(f *testing.F) {
	base := small(f)
	for _, file := range base {
		f.Add("datasets/GA01.yaml", file.Data)
	}
	f.Add("rules/XV-08.yaml", []byte("a: &a\n  - *a"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if _, ok := base[name]; !ok || len(data) > 10_000 {
			return
		}
		m := fstest.MapFS{}
		for n, file := range base {
			m[n] = file
		}
		m[name] = &fstest.MapFile{Data: data}
		c, err := Load(m)
		var problems *Problems
		if (c == nil) == (err == nil) || err != nil && !errors.As(err, &problems) {
			t.Errorf("Load = %v, %v", c, err)
		}
	})
}

func TestNear(t *testing.T) {
	t.Parallel()
	known := []string{"person_name", "phone", "GA01", "identifier"}
	for name, want := range map[string]string{"persn_name": "person_name", "phnoe": "phone", "ga01": "GA01", "xyz": "", "indentifier": "identifier"} {
		if got := strings.Join(near(name, known), " "); got != want {
			t.Errorf("near(%q) = %q, want %q", name, got, want)
		}
	}
	if got := strings.Join(near("GA0", []string{"GA03", "MZ01", "GA02", "GA01", "GA0"}), " "); got != "GA0 GA03 GA02 GA01" {
		t.Errorf("near(GA0) = %q, want the closest first", got)
	}
	many := make([]string, 13)
	for i := range many {
		many[i] = fmt.Sprintf("MZ%02d", i)
	}
	if zh, en := hint("GA", many, "datasets/"); zh != "；共 13 个，见 datasets/" || en != "; all 13 are in datasets/" {
		t.Errorf("of a long list is said %q %q", zh, en)
	}
}

func TestYunling(t *testing.T) {
	t.Parallel()
	c := load(t, yunling.Files())
	if len(c.Datasets) != 24 || len(c.Rules) != 21 {
		t.Errorf("the sample city has %d datasets and %d rules, want 24 and 21", len(c.Datasets), len(c.Rules))
	}
}

// large is a city of n datasets, made of copies of one.
func large(t testing.TB, n int) fstest.MapFS {
	t.Helper()
	m := small(t)
	for i := range n {
		var b strings.Builder
		fmt.Fprintf(&b, "dataset: T%03d\ntitle: 数据集%d\nprovider: GA\ncode: 3010101/%d\nclass: B\ncycle: daily\nkey: [XH]\nentities: [{entity: person, key: GMSFHM}]\nfields:\n", i, i, i+1)
		b.WriteString("  - {name: XH, element: identifier}\n  - {name: GMSFHM, element: id_number}\n")
		for j := range 18 {
			fmt.Fprintf(&b, "  - {name: ZD%02d, title: 字段%d, element: %s, nullable: true}\n", j, j, []string{"text", "date", "amount", "address", "marital"}[j%5])
		}
		b.WriteString("views:\n  clear: {}\n  partial: {mask: {ZD03: suppress}}\n  verify: {fields: [XH, GMSFHM], only: verify}\n")
		m[fmt.Sprintf("datasets/T%03d.yaml", i)] = &fstest.MapFile{Data: []byte(b.String())}
	}
	return m
}

func TestLoadLarge(t *testing.T) {
	t.Parallel()
	c := load(t, large(t, 500))
	if len(c.Datasets) != 505 || len(c.Views()) < 1500 {
		t.Errorf("%d datasets, %d views", len(c.Datasets), len(c.Views()))
	}
}

func BenchmarkLoad500(b *testing.B) {
	m := large(b, 500)
	for b.Loop() {
		load(b, m)
	}
}

func ExampleLoad() {
	_, err := Load(fstest.MapFS{"elements.yaml": {Data: []byte("elements:\n  - {id: name, title: 姓名, kind: persn_name, level: L2}\n")}})
	var problems *Problems
	if errors.As(err, &problems) {
		for _, p := range problems.All {
			if p.File == "elements.yaml" {
				fmt.Println(p)
			}
		}
	}
	// Output: elements.yaml:2:33: kind 的值 "persn_name" 不存在，是否想写 person_name；可用：address amount bank_card boolean code count date id_number identifier org_name person_name phone plate region text timestamp uscc / unknown value of kind "persn_name", did you mean person_name? Known: address amount bank_card boolean code count date id_number identifier org_name person_name phone plate region text timestamp uscc [bad-value]
}

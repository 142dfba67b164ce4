package probe_test

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/connectors/probe"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// small is a city that has hardly any element: no text, no time.
var small = map[string]string{
	"city.yaml":        "name: 示范市\nenglish: Example\nregion: \"539900\"\n",
	"departments.yaml": "departments: [{id: GA, title: 公安局, code: \"115399000009900168\"}]\n",
	"purposes.yaml":    "purposes: []\n",
	"elements.yaml": "elements:\n  - {id: id_number, title: 公民身份号码, kind: id_number, level: L3, mask: partial}\n" +
		"  - {id: certificate, title: 证件编号, kind: identifier, max_length: 40, level: L2, mask: partial}\n  - {id: date, title: 日期, kind: date, level: L1}\n",
}

// elements is the sample city without what speaks about elements: read in a moment.
func elements(t rapid.TB) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	for _, pattern := range []string{"city.yaml", "departments.yaml", "elements.yaml", "purposes.yaml", "codes/*.yaml"} {
		names, err := fs.Glob(yunling.Files(), pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(yunling.Files(), name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: text}
		}
	}
	return files
}

func load(t rapid.TB, files fs.FS) *schemas.Catalogue {
	t.Helper()
	cat, err := manifest.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func inMemory(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// tallied counts values as a look at a table does.
func tallied(cat *schemas.Catalogue, values []string) *probe.Tally {
	y := probe.NewTests(cat).New()
	for _, v := range values {
		y.Add(string([]rune(v)[:min(len([]rune(v)), probe.Looked)]), len(v))
	}
	return y
}

// written is what a draft's file says, read by somebody else's eyes.
type written struct {
	Dataset string   `yaml:"dataset"`
	Key     []string `yaml:"key"`
	Fields  []struct {
		Name      string `yaml:"name"`
		Title     string `yaml:"title"`
		English   string `yaml:"english"`
		Element   string `yaml:"element"`
		Level     string `yaml:"level"`
		Nullable  bool   `yaml:"nullable"`
		MaxLength int    `yaml:"max_length"`
	} `yaml:"fields"`
	Views map[string]struct {
		Mask map[string]string `yaml:"mask"`
	} `yaml:"views"`
}

func drafted(t rapid.TB, cat *schemas.Catalogue, table *probe.Table) (written, string) {
	t.Helper()
	drafts := probe.Draft(cat, cat.Departments[0], []*probe.Table{table})
	if len(drafts) != 1 {
		t.Fatalf("refused: %v", table.Refused)
	}
	var w written
	text := drafts[0].Text()
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return w, text
}

// Numbers of nobody: region 5399. Their check characters are worked out here, by the
// standard's weights and not by the code that judges them.
func numbers(n int) (out []string) {
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	for i := range n {
		first := fmt.Sprintf("539902%d%02d%02d%03d", 1950+i%60, 1+i%12, 1+i%28, 100+i)
		sum := 0
		for k, w := range weights {
			sum += w * int(first[k]-'0')
		}
		out = append(out, first+string("10X98765432"[sum%11]))
	}
	return out
}

func each(n int, form string) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf(form, i))
	}
	return out
}

// wrong turns the check characters of numbers into others.
func wrong(of []string) (out []string) {
	for _, s := range of {
		last := "1"
		if s[17] == '1' {
			last = "2"
		}
		out = append(out, s[:17]+last)
	}
	return out
}

// TestGuess: which element a column is taken for, by its name, its comment and its content;
// "" is one that is not recognised. Only names and content together are certain.
func TestGuess(t *testing.T) {
	cat := load(t, yunling.Files())
	for _, c := range []struct {
		name, comment string
		shape         probe.Shape
		values        []string
		want          string
	}{
		{"sfzh", "", probe.Text, numbers(30), "id_number"},
		{"SFZH", "", probe.Text, nil, "id_number"},
		{"jhr_sfzh", "", probe.Text, numbers(9), "id_number"},
		{"gmsfhm", "", probe.Text, numbers(30), "id_number"},
		{"身份证号", "", probe.Text, numbers(30), "id_number"},
		{"IdCard", "", probe.Text, numbers(30), "id_number"},
		{"c07", "公民身份号码", probe.Text, numbers(30), "id_number"},
		{"c07", "", probe.Text, numbers(30), "id_number"}, // shows itself
		{"zjhm", "证件号码", probe.Text, numbers(30), "id_number"},
		{"sfzh", "", probe.Text, each(30, "2026%014d"), ""}, // the name lies
		{"sfzh", "公民身份号码", probe.Text, wrong(numbers(30)), ""},
		{"sfzh", "", probe.Text, each(30, "1390000%04d"), "phone"}, // and something else is there
		{"xm", "", probe.Text, []string{"张三", "李四", "王建国", "欧阳建国", "赵秀英"}, "person_name"},
		{"hzxm", "", probe.Text, nil, "person_name"},
		{"姓名", "", probe.Text, nil, "person_name"},
		{"xm", "", probe.Text, each(30, "%d"), ""},
		{"lxdh", "", probe.Text, each(30, "1390000%04d"), "phone"},
		{"beizhu2", "", probe.Text, each(30, "1390000%04d"), "phone"},
		{"dh", "联系电话", probe.Whole, each(30, "1390000%04d"), "phone"},
		{"lxdh", "", probe.Text, each(30, "请先联系居委会%d"), ""},
		{"zz", "", probe.Text, []string{"云岭市岭东区和平路1号", "云岭市岭东区和平路2号", "云岭市岭西区新桥路7号"}, "address"},
		{"hjdz", "", probe.Text, nil, "address"},
		{"csrq", "", probe.Day, nil, "birth_date"},
		{"csrq", "", probe.Text, each(28, "1985-03-%02d")[1:], "birth_date"},
		{"csrq", "", probe.Text, each(30, "待补%d"), ""},
		{"d1", "", probe.Text, each(28, "202603%02d")[1:], "date"},
		{"gxsj", "", probe.Moment, nil, "date"},
		{"update_time", "", probe.Moment, nil, "date"},
		{"xbdm", "性别：1 男，2 女", probe.Text, []string{"1", "2", "1", "2", "1"}, "sex"},
		{"xb", "", probe.Whole, []string{"1", "2", "1", "2", "1"}, "sex"},
		{"xb", "", probe.Text, each(30, "客户%d"), ""},
		{"mzdm", "民族", probe.Text, []string{"01", "02", "03", "11", "01"}, "nation"},
		{"tyshxydm", "", probe.Text, nil, "uscc"},
		{"cph", "", probe.Text, nil, "plate"},
		{"je", "", probe.Number, each(30, "%d.50"), "amount"},
		{"flag9", "", probe.Truth, nil, ""},
		{"bz", "备注", probe.Text, each(30, "随便写%d"), "text"},
		{"qwert", "", probe.Text, each(30, "随便写%d"), ""},
		{"qwert", "", probe.Text, nil, ""},
		{"xm", "行政区划代码", probe.Text, each(30, "5399%02d"), "region"}, // the comment comes before the name
	} {
		column := probe.Column{Name: c.name, Comment: c.comment, Type: "t", Shape: c.shape, Nullable: true}
		if c.values != nil {
			column.Values = tallied(cat, c.values)
		}
		w, text := drafted(t, cat, &probe.Table{Schema: "s", Name: "t", Key: []string{"k"}, Columns: []probe.Column{{Name: "k", Type: "int", Shape: probe.Whole}, column}})
		f := w.Fields[1]
		got := f.Element
		if f.Level == "L4" && strings.Contains(text, "列 "+c.name+" t：不认识") {
			got = ""
		}
		if got != c.want {
			t.Errorf("%s (%s) with %d values is taken for %q, want %q:\n%s", c.name, c.comment, len(c.values), got, c.want, text)
		}
	}
}

// TestSafeSide: what is not recognised is L4 and withheld, what an element would show in
// clear is not, a contradiction is told, and blanks are no value.
func TestSafeSide(t *testing.T) {
	cat := load(t, yunling.Files())
	w, text := drafted(t, cat, &probe.Table{Schema: "ga", Name: "t", Key: []string{"bh"}, Columns: []probe.Column{
		{Name: "bh", Type: "int", Shape: probe.Whole},
		{Name: "sfzh", Type: "text", Shape: probe.Text, Values: tallied(cat, each(40, "7777%014d"))},
		{Name: "xb", Type: "text", Shape: probe.Text, Values: tallied(cat, []string{"1", "2", "1", "2", "1", "1"})},
		{Name: "hyzk", Type: "text", Shape: probe.Text},
		{Name: "xm", Type: "text", Shape: probe.Text, Values: tallied(cat, []string{"张三", "  "})},
		{Name: "lxdh", Type: "boolean", Shape: probe.Truth},
		{Name: "gxsj", Type: "timestamp", Shape: probe.Moment},
	}})
	byName := map[string]int{}
	for i, f := range w.Fields {
		byName[f.Name] = i
	}
	mask := w.Views["partial"].Mask
	if f := w.Fields[byName["SFZH"]]; f.Level != "L4" || mask["SFZH"] != "suppress" || f.Element == "id_number" || !strings.Contains(text, "像 id_number（公民身份号码），但样本中只有 0% 是") {
		t.Errorf("numbers that are none: %+v, mask %q\n%s", f, mask["SFZH"], text)
	}
	if f := w.Fields[byName["XB"]]; f.Level != "" || mask["XB"] != "suppress" {
		t.Errorf("a code that is certain: %+v, mask %q, want its own level, and not in clear", f, mask["XB"])
	}
	if f := w.Fields[byName["HYZK"]]; f.Level != "L4" || f.Element != "marital" {
		t.Errorf("a code that only its name speaks for: %+v, want L4", f)
	}
	if f := w.Fields[byName["XM"]]; !f.Nullable || mask["XM"] != "partial" {
		t.Errorf("a name that may be blank: %+v", f)
	}
	if !strings.Contains(text, "像 phone（联系电话），但类型 boolean 与它不合") {
		t.Errorf("a type that does not go with the name is not told:\n%s", text)
	}
	if !strings.Contains(text, "只留日期，时刻不留") || !strings.Contains(text, "pick 可以写 latest GXSJ") {
		t.Errorf("when a row was changed is not told:\n%s", text)
	}
	if mask["BH"] != "token" {
		t.Errorf("the key is masked by %q, want a token", mask["BH"])
	}
}

// TestLinks: whom rows may speak about is proposed, and stands as it is proposed once the #
// is taken away.
func TestLinks(t *testing.T) {
	cat := load(t, yunling.Files())
	w, text := drafted(t, cat, &probe.Table{Schema: "ga", Name: "t", Key: []string{"sfzh"}, Columns: []probe.Column{{Name: "sfzh", Type: "text", Shape: probe.Text, Values: tallied(cat, numbers(9))}, {Name: "xm", Type: "text", Shape: probe.Text}}})
	if got, err := sound(t, yunling.Files(), map[string]string{w.Dataset: text}).Dataset(w.Dataset); err != nil || len(got.Links) != 0 {
		t.Errorf("without anybody's word it speaks about %v, %v", got.Links, err)
	}
	said := strings.NewReplacer("\n# entities:", "\nentities:", "\n#   - {entity", "\n  - {entity").Replace(text)
	got, err := sound(t, yunling.Files(), map[string]string{w.Dataset: said}).Dataset(w.Dataset)
	if err != nil || !slices.ContainsFunc(got.Links, func(l schemas.Link) bool { return l.Entity == "person" && l.Key == "SFZH" }) {
		t.Errorf("it speaks about %v, %v:\n%s", got.Links, err, said)
	}
}

// TestNothingFits: what no element of a small catalogue takes stays in the department, and
// the draft says how it would be taken. Of a key the table is refused.
func TestNothingFits(t *testing.T) {
	cat := load(t, inMemory(small))
	columns := []probe.Column{
		{Name: "id", Type: "int", Shape: probe.Whole},
		{Name: "note", Type: "text", Shape: probe.Text},
		{Name: "photo", Type: "bytea", Left: probe.Said{Chinese: "二进制", English: "bytes"}},
	}
	w, text := drafted(t, cat, &probe.Table{Schema: "ga", Name: "t", Key: []string{"id"}, Columns: columns})
	if len(w.Fields) != 1 || !strings.Contains(text, "# - {name: NOTE, element: text") || !strings.Contains(text, "photo（bytea）：二进制 / bytes") || !strings.Contains(text, "kind: text") {
		t.Errorf("want id alone, and how note would be taken:\n%s", text)
	}
	for key, want := range map[string]string{"": "没有主键", "photo": `主键的列 "photo"（bytea）不能接入：二进制`} {
		table := &probe.Table{Schema: "ga", Name: "t", Columns: columns}
		if key != "" {
			table.Key = []string{key}
		}
		if d := probe.Draft(cat, cat.Departments[0], []*probe.Table{table}); len(d) != 0 || len(table.Refused) == 0 || !strings.HasPrefix(table.Refused[0].Chinese, want) {
			t.Errorf("key %q: %d drafts, refused %v, want %q", key, len(d), table.Refused, want)
		}
	}
}

// TestTooWide: a table of more columns than a dataset has fields is refused, one of as many
// is written and no larger than a file may be.
func TestTooWide(t *testing.T) {
	cat := load(t, yunling.Files())
	wide := func(n int) *probe.Table {
		table := &probe.Table{Schema: "ga", Name: "wide", Key: []string{"c0"}}
		for i := range n {
			table.Columns = append(table.Columns, probe.Column{Name: fmt.Sprint("c", i), Comment: strings.Repeat("很长的注释", 60), Type: "character varying(20)", Shape: probe.Text})
		}
		return table
	}
	table := wide(501)
	if d := probe.Draft(cat, cat.Departments[0], []*probe.Table{table}); len(d) != 0 || !strings.Contains(table.Refused[0].English, "500 fields at most") {
		t.Errorf("refused %v", table.Refused)
	}
	w, text := drafted(t, cat, wide(500))
	if len(w.Fields) != 500 || len(text) > 256<<10 {
		t.Errorf("%d fields, %d bytes", len(w.Fields), len(text))
	}
	sound(t, elements(t), map[string]string{w.Dataset: text})
}

// sound holds drafts against the catalogue by what reads them at a start.
func sound(t rapid.TB, city fs.FS, drafts map[string]string) *schemas.Catalogue {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(city, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(city, name)
		files[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, text := range drafts {
		files["datasets/"+id+".yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	cat, warnings, err := manifest.Check(files)
	if err != nil {
		t.Fatalf("%v\n%s", err, drafts)
	}
	for _, w := range warnings {
		if _, ours := drafts[strings.TrimSuffix(strings.TrimPrefix(w.File, "datasets/"), ".yaml")]; ours {
			t.Errorf("%s:%d: %s", w.File, w.Line, w.Message)
		}
	}
	return cat
}

// TestDraftsPass draws tables: names of all sorts, comments with anything in them, contents.
// Whatever they are, the drafts are sound, nothing is shown in clear, each field has its
// reason, and no value stands anywhere.
func TestDraftsPass(t *testing.T) {
	cities := []fs.FS{elements(t), inMemory(small)}
	cats := []*schemas.Catalogue{load(t, cities[0]), load(t, cities[1])}
	names := rapid.OneOf(
		rapid.SampledFrom([]string{"sfzh", "SFZH", "Xm", "xm", "XM", "lxdh", "zz", "csrq", "gxsj", "姓名", "公民身份号码", "奇怪", "null", "true", "No", "on", "select", "a b", `q"x`, "1st", "F02", "_", "\n", "é", "x:y", "# c", "- d", "{e}", "je", "mzdm", "zt", "id", "bh"}),
		rapid.StringN(1, 63, 63),
	)
	comments := rapid.OneOf(rapid.Just(""), rapid.SampledFrom([]string{"公民身份号码", "姓名", "性别：1男2女", "更新时间", "a\nb # c: {d}\t\"e\" \\ '", "\u2028x\u0085y\x00"}), rapid.String())
	contents := []func(n int) []string{
		func(int) []string { return nil }, numbers, func(n int) []string { return each(n, "1390000%04d") }, func(n int) []string { return each(n, "随便写写-%d-号") },
		func(n int) []string { return each(n, "%d") }, func(n int) []string { return each(n, "202603%02d") }, func(n int) []string { return slices.Repeat([]string{" "}, n) },
	}
	rapid.Check(t, func(t *rapid.T) {
		which := min(rapid.IntRange(0, 3).Draw(t, "city"), 1) // the large one takes longer to read
		cat := cats[which]
		var values []string
		var tables []*probe.Table
		for range rapid.IntRange(1, 3).Draw(t, "tables") {
			table := &probe.Table{Schema: rapid.SampledFrom([]string{"public", "ga", "档案"}).Draw(t, "schema"), Name: names.Draw(t, "table"), Comment: comments.Draw(t, "comment"), Rows: -1}
			for _, name := range rapid.SliceOfNDistinct(names, 1, 12, rapid.ID[string]).Draw(t, "columns") {
				c := probe.Column{
					Name: name, Comment: comments.Draw(t, "said"), Type: "t", Shape: probe.Shape(rapid.IntRange(0, 6).Draw(t, "shape")),
					Length: rapid.SampledFrom([]int{0, 1, 18, 300, 200_000}).Draw(t, "length"), Nullable: rapid.Bool().Draw(t, "nullable"),
				}
				if c.Shape == probe.Number {
					c.Precision, c.Scale = rapid.IntRange(0, 40).Draw(t, "precision"), rapid.IntRange(0, 20).Draw(t, "scale")
				}
				if c.Shape == probe.Other {
					c.Left = probe.Said{Chinese: "不能", English: "cannot"}
				} else if all := rapid.SampledFrom(contents).Draw(t, "content")(rapid.IntRange(1, 30).Draw(t, "rows")); all != nil {
					c.Values = tallied(cat, all)
					values = append(values, all...)
					if told := fmt.Sprintf("%+v", *c.Values); len(all[0]) > 6 && strings.Contains(told, all[0]) {
						t.Fatalf("the tally holds a value: %s", told)
					}
				}
				table.Columns = append(table.Columns, c)
			}
			for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(table.Columns)-1), 0, 2, rapid.ID[int]).Draw(t, "key") {
				table.Key = append(table.Key, table.Columns[i].Name)
			}
			tables = append(tables, table)
		}
		texts := map[string]string{}
		drafts := probe.Draft(cat, cat.Departments[0], tables)
		for _, d := range drafts {
			texts[d.ID] = d.Text()
		}
		read := sound(t, cities[which], texts)
		if len(texts) != len(drafts) {
			t.Fatalf("%d files for %d drafts", len(texts), len(drafts))
		}
		for _, d := range drafts {
			got, err := read.Dataset(d.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range got.Views {
				for _, f := range v.Fields {
					if f.Mask == "" {
						t.Fatalf("%s.%s is in clear", v.ID, f.Name)
					}
				}
			}
			if len(d.Taken()) != len(got.Fields) || len(got.Key) != len(d.Table.Key) {
				t.Fatalf("%d columns are %d fields; key %v of %v", len(d.Taken()), len(got.Fields), got.Key, d.Table.Key)
			}
			reasons(t, texts[d.ID])
			found(t, d, got)
		}
		for _, text := range slices.Collect(maps.Values(texts)) {
			for _, v := range values {
				if len(v) > 6 && strings.Contains(text, v) {
					t.Fatalf("a value stands in the draft: %s\n%s", v, text)
				}
			}
		}
	})
}

// reasons: above each field stands why.
func reasons(t *rapid.T, text string) {
	before := ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "  - {name: ") && !strings.HasPrefix(before, "  # ") {
			t.Fatalf("no reason above %q", line)
		}
		before = line
	}
}

// found: each field is found by exactly one column as a source maps them: those it is told,
// else by the name in either case, unless another column was told for the field.
func found(t *rapid.T, d *probe.Dataset, got *schemas.Dataset) {
	told := map[string]string{}
	for _, p := range d.Columns() {
		told[p[0]] = p[1]
	}
	feeds := map[string][]string{}
	for _, c := range d.Table.Columns {
		if f, ok := told[c.Name]; ok {
			feeds[f] = append(feeds[f], c.Name)
			continue
		}
		for _, f := range got.Fields {
			if strings.EqualFold(f.Name, c.Name) && !slices.Contains(slices.Collect(maps.Values(told)), f.Name) {
				feeds[f.Name] = append(feeds[f.Name], c.Name)
			}
		}
	}
	for i, f := range got.Fields {
		if len(feeds[f.Name]) != 1 || feeds[f.Name][0] != d.Taken()[i] {
			t.Fatalf("field %s is fed by %q, want %q", f.Name, feeds[f.Name], d.Taken()[i])
		}
	}
}

// TestScalar: YAML reads back what was written, as a key, in a flow and in a block.
func TestScalar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "null", "Yes", "1", "1e3", "~", "a: b", "a #b", "a,b", "x.y", "env:GA_DSN", "file:/run/secret", "- x", "{}", "'", `"`, `\`, "\n", "012", "0x1", "2026-01-01", ".5", "1_000", "中 文", "=", "<<", "a:"})).Draw(t, "text")
		if strings.ContainsRune(s, 0) {
			return // no system has it in a name
		}
		text := "list: [" + probe.Scalar(s) + ", " + probe.Scalar(s) + "]\nmap: {a: " + probe.Scalar(s) + "}\nkeys:\n  " + probe.Scalar(s) + ": 1\n"
		var got struct {
			List []any          `yaml:"list"`
			Map  map[string]any `yaml:"map"`
			Keys map[string]int `yaml:"keys"`
		}
		if err := yaml.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if len(got.List) != 2 || got.List[0] != s || got.Map["a"] != s || got.Keys[s] != 1 {
			t.Fatalf("%q is read back as %#v of\n%s", s, got, text)
		}
	})
}

// TestSampleCity drafts the tables of every dataset of the sample city, from the names and
// comments that its own catalogue has, against the elements alone. Most are taken for what
// they are; of what must not be shown nothing is drafted to be shown in part.
func TestSampleCity(t *testing.T) {
	truth, cat := load(t, yunling.Files()), load(t, elements(t))
	shapes := map[schemas.Type]probe.Shape{schemas.String: probe.Text, schemas.Date: probe.Day, schemas.Timestamp: probe.Moment, schemas.Decimal: probe.Number, schemas.Long: probe.Whole}
	for _, comments := range []bool{true, false} {
		right, all := 0, 0
		for _, d := range truth.Datasets {
			table := &probe.Table{Schema: "s", Name: "t"}
			for _, f := range d.Fields {
				c := probe.Column{Name: strings.ToLower(f.Name), Type: "t", Shape: shapes[f.Element.Type], Nullable: f.Nullable}
				if comments {
					c.Comment = f.Title
				}
				table.Columns = append(table.Columns, c)
			}
			for _, k := range d.Key {
				table.Key = append(table.Key, strings.ToLower(k))
			}
			w, _ := drafted(t, cat, table)
			for i, f := range w.Fields {
				is := d.Fields[i]
				all++
				if f.Element == is.Element.ID {
					right++
				}
				mask := w.Views["partial"].Mask[f.Name]
				if hidden := is.Level == "L4" || is.Element.Mask == schemas.MaskSuppress; hidden && mask != schemas.MaskSuppress && mask != schemas.MaskToken {
					t.Errorf("%s.%s (%s) is to be hidden, and is drafted as %s, masked by %s", d.ID, f.Name, is.Title, f.Element, mask)
				}
			}
		}
		least := map[bool]int{true: 70, false: 50}[comments]
		if t.Logf("comments %t: %d of %d are right", comments, right, all); right*100 < all*least {
			t.Errorf("comments %t: %d of %d are right, want %d%%", comments, right, all, least)
		}
	}
}

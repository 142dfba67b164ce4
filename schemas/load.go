package schemas

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Zone is the time zone of all dates of a catalogue: Asia/Shanghai, which has
// had no daylight saving time since 1991.
var Zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// loader reads a catalogue's files in the order in which they need one another.
type loader struct {
	*collector
	cat      *Catalogue
	datasets []*datasetFile
	entities []*entityFile
	byID     map[string]*datasetFile
	broken   map[string]bool // files that gave nothing, without their ending
}

// datasetFile is a dataset with the places in its file.
type datasetFile struct {
	*Dataset
	root   mapping
	fields map[string]node
}

// entityFile is an entity with the places in its file.
type entityFile struct {
	*Entity
	root   mapping
	fields map[string]node
}

// Load reads a catalogue folder and checks all of it. The error is a *Problems
// that holds everything found, never only the first; a catalogue with one wrong
// file is not loaded at all. Warnings of a catalogue that loads are in its
// Warnings.
func Load(fsys fs.FS) (*Catalogue, error) {
	l := &loader{collector: &collector{}, byID: map[string]*datasetFile{}, broken: map[string]bool{}, cat: &Catalogue{
		departments: map[string]*Department{}, elements: map[string]*Element{}, datasets: map[string]*Dataset{},
		entities: map[string]*Entity{}, views: map[string]*View{}, purposes: map[string]*Purpose{}, codeSets: map[string]*CodeSet{},
		Calendar: Calendar{Holidays: map[string]string{}, Workdays: map[string]string{}},
	}}
	files, err := l.read(fsys)
	if err != nil {
		return nil, err
	}
	l.single(files, "city.yaml", l.city)
	for _, f := range files {
		if strings.HasPrefix(f.name, "calendar-") && f.root.exists() {
			l.calendar(f)
		}
	}
	l.single(files, "departments.yaml", l.departments)
	l.folder(files, "codes/", l.codeSet)
	l.single(files, "elements.yaml", l.elements)
	l.single(files, "purposes.yaml", l.purposes)
	if len(l.cat.Departments) == 0 || len(l.cat.Elements) == 0 {
		return nil, l.failed() // everything else would only be unknown
	}
	l.folder(files, "datasets/", l.dataset)
	l.folder(files, "entities/", l.entity)
	for _, d := range l.datasets {
		l.links(d)
		l.datasetViews(d)
	}
	for _, e := range l.entities {
		l.aggregates(e)
		l.authority(e)
		l.goldenLevels(e)
		l.entityViews(e)
	}
	l.folder(files, "rules/", l.rule)
	l.codeRules()
	l.crossCheck()
	if l.errors() {
		return nil, l.failed()
	}
	l.cat.Warnings = l.sorted()
	return l.cat, nil
}

func (l *loader) failed() error { return &Problems{All: l.sorted()} }

// file is one YAML file of the folder.
type file struct {
	name string
	root node // zero if it could not be parsed
}

// stem is the file's name without folder and ending.
func (f file) stem() string { return strings.TrimSuffix(path.Base(f.name), ".yaml") }

var (
	topFiles   = []string{"city.yaml", "departments.yaml", "elements.yaml", "purposes.yaml"}
	topFolders = []string{"codes", "datasets", "entities", "rules"}
)

// read parses every file and works out the catalogue's version. Files that no
// one would read are refused: a misspelt folder must not silently share nothing.
func (l *loader) read(fsys fs.FS) ([]file, error) {
	var files []file
	digest := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		switch {
		case name == ".":
			return nil
		case strings.HasPrefix(base, ".") && d.IsDir():
			return fs.SkipDir
		case strings.HasPrefix(base, ".") || d.IsDir():
			return nil
		case path.Ext(base) == ".yml":
			l.add(name, 0, 0, false, "unknown-file", "请改名为 .yaml, .yml 不会被读取", "rename it to .yaml, .yml is not read")
			return nil
		case path.Ext(base) != ".yaml":
			return nil
		}
		if !l.expected(name) {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Size() > maxFile {
			l.add(name, 0, 0, false, "unreadable", "文件超过 256 KiB, 请拆分", "the file is larger than 256 KiB, split it")
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
		_, _ = fmt.Fprintf(digest, "%s\x00%d\x00", name, len(data))
		_, _ = digest.Write(data) // a hash takes everything
		root, ok := parseYAML(name, data, l.collector)
		if !ok {
			root = node{}
			l.broken[strings.TrimSuffix(name, ".yaml")] = true
		}
		files = append(files, file{name, root})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	l.cat.Version = hex.EncodeToString(digest.Sum(nil))[:12]
	return files, nil
}

// expected reports whether a file of that name belongs to a catalogue.
func (l *loader) expected(name string) bool {
	folder, base := path.Split(name)
	switch folder = strings.TrimSuffix(folder, "/"); {
	case folder == "" && (slices.Contains(topFiles, base) || isCalendar(base)):
		return true
	case slices.Contains(topFolders, folder):
		return true
	case folder == "":
		zh, en := hint(base, topFiles)
		l.add(name, 0, 0, false, "unknown-file", "不认识的文件%[1]s", "unknown file%[2]s", zh, en)
	default:
		zh, en := hint(folder, topFolders)
		l.add(name, 0, 0, false, "unknown-file", "不认识的文件夹 %[3]q%[1]s", "unknown folder %[3]q%[2]s", zh, en, folder)
	}
	return false
}

func isCalendar(base string) bool {
	year, ok := strings.CutPrefix(base, "calendar-")
	return ok && len(year) == len("2026.yaml")
}

// single reads a file that every catalogue has.
func (l *loader) single(files []file, name string, read func(file)) {
	for _, f := range files {
		if f.name == name {
			if f.root.exists() {
				read(f)
			}
			return
		}
	}
	if !slices.ContainsFunc(l.all, func(p Problem) bool { return p.File == name }) {
		l.add(name, 0, 0, false, "missing-file", "缺少文件 %[1]s", "file %[1]s is missing", name)
	}
}

// folder reads every file of a folder.
func (l *loader) folder(files []file, folder string, read func(file)) {
	for _, f := range files {
		if strings.HasPrefix(f.name, folder) && f.root.exists() {
			read(f)
		}
	}
}

// unknownID says that a dataset or entity does not exist, unless its file is
// there and was refused: then that is what has to be said, once.
func (l *loader) unknownID(at node, folder, whatChinese, what, id string, known []string) {
	if id != "" && !l.broken[folder+"/"+id] {
		at.unknown("unknown-"+what, whatChinese, what, id, known)
	}
}

// is checks that a file is called as what it defines, which also keeps ids unique.
func (l *loader) is(f file, m mapping, key, id string) bool {
	if id != f.stem() {
		l.broken[strings.TrimSuffix(f.name, ".yaml")] = true
	}
	if id != "" && id != f.stem() {
		return m.at(key).problem("file-name", "文件名是 %[1]q, 里面写的却是 %[2]q, 两者必须一致", "the file is called %[1]q but defines %[2]q, make them equal", f.stem(), id)
	}
	return id != ""
}

func (l *loader) city(f file) {
	m, ok := f.root.fields("name", "english", "region", "regions", "clocks")
	if !ok {
		return
	}
	c := &l.cat.City
	c.Name, c.English, c.Region = m.text("name"), m.text("english"), regionCode(m, "region")
	seen := map[string]bool{}
	for _, item := range m.list("regions") {
		r, ok := item.fields("code", "name", "towns")
		if !ok {
			continue
		}
		region := Region{Code: regionCode(r, "code"), Name: r.text("name")}
		region.Towns, _ = r.texts("towns")
		if seen[region.Code] {
			r.at("code").problem("duplicate", "区划代码 %[1]s 重复", "region code %[1]s stands twice", region.Code)
		}
		seen[region.Code] = true
		c.Regions = append(c.Regions, region)
	}
	if m.has("clocks") {
		clocks, ok := m.at("clocks").entries()
		for _, name := range clocks.names {
			if ok {
				c.Clocks = append(c.Clocks, ClockConfig{Name: name, Days: clocks.number(name, 0, 1000)})
			}
		}
	}
}

func regionCode(m mapping, key string) string {
	code := m.text(key)
	if code != "" && (len(code) != 6 || strings.Trim(code, "0123456789") != "") {
		m.at(key).problem("bad-value", "行政区划代码应是 6 位数字", "a region code has 6 digits")
	}
	return code
}

func (l *loader) departments(f file) {
	m, ok := f.root.fields("departments")
	if !ok {
		return
	}
	codes := map[string]string{}
	for _, item := range m.at("departments").items() {
		d, ok := item.fields("id", "title", "english", "code")
		if !ok {
			continue
		}
		dep := &Department{ID: d.at("id").named(datasetForm), Title: d.text("title"), English: d.optional("english", ""), Code: d.text("code")}
		if l.cat.departments[dep.ID] != nil {
			d.at("id").problem("duplicate", "部门 %[1]s 重复", "department %[1]s stands twice", dep.ID)
			continue
		}
		if dep.Code != "" && len(dep.Code) != 18 {
			d.at("code").problem("bad-value", "部门的统一社会信用代码应是 18 位", "a department's code has 18 characters")
		}
		if other := codes[dep.Code]; other != "" {
			d.at("code").problem("duplicate", "代码与部门 %[1]s 相同", "the code is also department %[1]s's", other)
		}
		codes[dep.Code] = dep.ID
		l.cat.departments[dep.ID] = dep
		l.cat.Departments = append(l.cat.Departments, dep)
	}
}

func (l *loader) purposes(f file) {
	m, ok := f.root.fields("purposes")
	if !ok {
		return
	}
	for _, item := range m.at("purposes").items() {
		p, ok := item.fields("id", "title", "english", "basis", "scenarios")
		if !ok {
			continue
		}
		purpose := &Purpose{ID: p.at("id").named(codeForm), Title: p.text("title"), English: p.optional("english", ""), Basis: p.optional("basis", "")}
		purpose.Scenarios, _ = p.texts("scenarios")
		if l.cat.purposes[purpose.ID] != nil {
			p.at("id").problem("duplicate", "用途 %[1]s 重复", "purpose %[1]s stands twice", purpose.ID)
			continue
		}
		l.cat.purposes[purpose.ID] = purpose
		l.cat.Purposes = append(l.cat.Purposes, purpose)
	}
}

func (l *loader) calendar(f file) {
	m, ok := f.root.fields("year", "holidays", "workdays")
	if !ok {
		return
	}
	year := m.text("year")
	if "calendar-"+year != f.stem() {
		m.at("year").problem("file-name", "文件名应是 calendar-%[1]s.yaml", "the file should be called calendar-%[1]s.yaml", year)
		return
	}
	for _, part := range []struct {
		key  string
		days map[string]string
	}{{"holidays", l.cat.Calendar.Holidays}, {"workdays", l.cat.Calendar.Workdays}} {
		if !m.has(part.key) {
			continue
		}
		days, _ := m.at(part.key).entries()
		for _, day := range days.names {
			at := days.keys[day]
			t, err := time.Parse(time.DateOnly, day)
			_, holiday := l.cat.Calendar.Holidays[day]
			weekend := err == nil && (t.Weekday() == time.Saturday || t.Weekday() == time.Sunday)
			switch {
			case err != nil || day[:4] != year:
				at.problem("bad-value", "%[1]q 不是 %[2]s 年的日期, 格式 2026-01-31", "%[1]q is not a day of %[2]s, write 2026-01-31", day, year)
			case part.key == "workdays" && !weekend:
				at.problem("bad-value", "%[1]s 本来就是工作日, 调休只写周末", "%[1]s is a weekday, only weekend days can be made working days", day)
			case part.key == "workdays" && holiday:
				at.problem("bad-value", "%[1]s 既放假又上班", "%[1]s is both a holiday and a working day", day)
			default:
				part.days[day] = days.optional(day, "")
			}
		}
	}
}

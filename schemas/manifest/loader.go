package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

// loader reads a catalogue's files in the order in which they need one another.
type loader struct {
	*collector
	cat      *schemas.Catalogue
	known    known
	datasets []*datasetFile
	entities []*entityFile
	byID     map[string]*datasetFile
	broken   map[string]bool // files that gave nothing, without their ending
}

// known is what has been read so far, by id.
type known struct {
	departments map[string]*schemas.Department
	codeSets    map[string]*schemas.CodeSet
	elements    map[string]*schemas.Element
	purposes    map[string]*schemas.Purpose
	datasets    map[string]*schemas.Dataset
	entities    map[string]*schemas.Entity
	views       map[string]*schemas.View
}

func newKnown() known {
	return known{
		departments: map[string]*schemas.Department{}, codeSets: map[string]*schemas.CodeSet{}, elements: map[string]*schemas.Element{}, purposes: map[string]*schemas.Purpose{},
		datasets: map[string]*schemas.Dataset{}, entities: map[string]*schemas.Entity{}, views: map[string]*schemas.View{},
	}
}

// datasetFile is a dataset with the places in its file.
type datasetFile struct {
	*schemas.Dataset
	root   mapping
	fields map[string]node
}

// entityFile is an entity with the places in its file.
type entityFile struct {
	*schemas.Entity
	root   mapping
	fields map[string]node
}

func (l *loader) failed() error { return &Problems{All: l.sorted()} }

// file is one YAML file of the folder.
type file struct {
	name string
	root node // zero if it could not be parsed
}

// stem is the file's name without folder and ending.
func (f file) stem() string { return strings.TrimSuffix(path.Base(f.name), ".yaml") }

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
		case path.Ext(base) != ".yaml" && slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(path.Ext(base))):
			l.add(name, 0, 0, false, "unknown-file", "请改名为 .yaml, %[1]s 不会被读取", "rename it to .yaml, %[1]s is not read", path.Ext(base))
			return nil
		case path.Ext(base) != ".yaml":
			return nil
		}
		if !l.expected(name) {
			return nil
		}
		info, err := fs.Stat(fsys, name) // of what a link leads to
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() { // reading a pipe or a device would not end
			l.add(name, 0, 0, false, "unreadable", "不是普通文件，请换成文件", "it is no regular file, put one there")
			return nil
		}
		if info.Size() > maxFile {
			l.add(name, 0, 0, false, "unreadable", "文件超过 256 KiB，请拆分", "the file is larger than 256 KiB, split it")
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		data = bytes.TrimPrefix(data, []byte("\ufeff")) // as some editors begin a file: it says nothing
		data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
		_, _ = fmt.Fprintf(digest, "%s\x00%d\x00", name, len(data))
		l.cat.Files[name] = short(sha256.Sum256(data))
		_, _ = digest.Write(data) // a hash takes everything
		root, ok := parseYAML(name, data, l.collector)
		if !ok {
			root = node{}
			l.broken[strings.TrimSuffix(name, ".yaml")] = true
		}
		if f, known := format.Of(name); known && ok {
			l.cat.Written[name] = root.written(f.Form)
		}
		files = append(files, file{name, root})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	l.cat.Version = short([sha256.Size]byte(digest.Sum(nil)))
	return files, nil
}

// short writes a digest as versions are written.
func short(digest [sha256.Size]byte) string { return hex.EncodeToString(digest[:])[:12] }

// expected reports whether a file of that name belongs to a catalogue.
func (l *loader) expected(name string) bool {
	folder, base := path.Split(name)
	_, known := format.Of(name)
	switch folder = strings.TrimSuffix(folder, "/"); {
	case slices.Contains(format.Folders(), folder):
		return true
	case folder == "" && known:
		return true
	case folder == "":
		zh, en := hint(base, format.Tops(), "")
		l.add(name, 0, 0, false, "unknown-file", "不认识的文件%[1]s", "unknown file%[2]s", zh, en)
	default:
		zh, en := hint(folder, format.Folders(), "")
		l.add(name, 0, 0, false, "unknown-file", "不认识的文件夹 %[3]q%[1]s", "unknown folder %[3]q%[2]s", zh, en, folder)
	}
	return false
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

// is checks that a file is called as what it defines, which also keeps ids unique.
func (l *loader) is(f file, m mapping, key, id string) bool {
	if id != f.stem() {
		l.broken[strings.TrimSuffix(f.name, ".yaml")] = true
	}
	if id != "" && id != f.stem() {
		return m.at(key).problem("file-name", "文件名是 %[1]q，里面写的却是 %[2]q，两者必须一致", "the file is called %[1]q but defines %[2]q, make them equal", f.stem(), id)
	}
	if slices.Contains(format.Reserved, id) {
		return m.at(key).problem("bad-name", "%[1]q 在规则的条件里另有含义，不能作数据集或实体的代号，请换一个；同样不能用：%[2]s", "%[1]q means something else in conditions and is no id of a dataset or entity, take another; nor are: %[2]s", id, strings.Join(format.Reserved, " "))
	}
	return id != ""
}

package wiring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// binding is one sources/<name>.yaml: where datasets physically sit. It is
// deployment, not catalogue.
type binding struct {
	Source   string         `yaml:"source"`
	Kind     string         `yaml:"kind"`
	Datasets []string       `yaml:"datasets"`
	Options  map[string]any `yaml:"options"`
}

// Bindings reads every *.yaml of the folder, in name order, resolves the
// datasets and checks the options as far as that goes without opening anything.
// All problems are reported at once.
func Bindings(dir string, cat *schemas.Catalogue) ([]connectors.Config, error) {
	var out []connectors.Config
	err := eachBinding(dir, func(file string) error {
		cfg, err := loadBinding(file, cat)
		if err == nil {
			out = append(out, cfg)
		}
		return err
	})
	return out, errors.Join(err, apart(dir, out))
}

// apart refuses sources that use what one alone may.
func apart(dir string, sources []connectors.Config) error {
	if err := EveryKind().Apart(sources); err != nil {
		return fmt.Errorf("%s: %s", dir, strings.ReplaceAll(err.Error(), "\n", "\n"+dir+": "))
	}
	return nil
}

// Waiting is a source that stands until its catalogue is in force: what its file says
// of datasets and fields holds for the catalogue folder, and not for the catalogue in force.
type Waiting struct {
	connectors.Config // as the folder has it; of a folder that is wrong the name, the kind and what is in force
	// Why and Do are "中文 / English".
	Why, Do string
}

// BindingsInForce is Bindings by the catalogue in force, where the configured folder is
// another: a file that only the folder makes right is no mistake, its source waits. folder is
// nil where the folder is wrong, which may be why a file is; it then waits, too.
func BindingsInForce(dir string, inForce, folder *schemas.Catalogue) ([]connectors.Config, []Waiting, error) {
	if folder != nil && folder.Version == inForce.Version {
		out, err := Bindings(dir, inForce)
		return out, nil, err
	}
	var out []connectors.Config
	var waits []Waiting
	err := eachBinding(dir, func(file string) error {
		cfg, err := loadBinding(file, inForce)
		if err == nil {
			out = append(out, cfg)
			return nil
		}
		if folder == nil {
			if cfg.Name == "" { // no file of a source at all
				return err
			}
			waits = append(waits, Waiting{
				cfg, "目录文件夹有误，这个数据源也不合生效的目录 / the catalogue folder is wrong, and the source does not go with the catalogue in force: " + firstLine(err),
				"运行 yiyuan check，改正后 yiyuan plan、yiyuan apply，再重启 / see yiyuan check, mend it, then yiyuan plan, yiyuan apply, and restart",
			})
			return nil
		}
		if cfg, err = loadBinding(file, folder); err != nil {
			return err
		}
		waits = append(waits, Waiting{cfg, "目录文件夹尚未生效，它要用其中的改动" + lacking(cfg, inForce), "yiyuan plan，再 yiyuan apply，然后重启 / yiyuan plan, then yiyuan apply, and restart"})
		return nil
	})
	return out, waits, errors.Join(err, apart(dir, out))
}

// lacking names the datasets of a source that are not in force, in both tongues.
func lacking(cfg connectors.Config, inForce *schemas.Catalogue) string {
	const en = " / the catalogue folder is not in force yet, and the source needs what is changed in it"
	var ids []string
	for _, d := range cfg.Datasets {
		if _, err := inForce.Dataset(d.ID); err != nil {
			ids = append(ids, d.ID)
		}
	}
	if len(ids) == 0 {
		return en
	}
	return fmt.Sprintf("（数据集 %s）%s (%s)", strings.Join(ids, "、"), en, strings.Join(ids, ", "))
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// eachBinding hands every *.yaml of the folder on, in name order, and joins what is wrong.
// What looks like a source's file and would not be read is: nobody would say why it does not run.
func eachBinding(dir string, load func(file string) error) error {
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("数据源文件夹打不开，核对 sources（--sources） / open sources folder, look at the key or flag sources: %w", err)
	}
	var problems []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		file := filepath.Join(dir, e.Name())
		info, err := os.Stat(file) // of what a link leads to
		switch ext := filepath.Ext(file); {
		case err != nil && (yamlLike(file) || e.IsDir()):
			problems = append(problems, fmt.Errorf("read source: %w", err))
		case err != nil:
		case info.IsDir():
			if inner := yamlBelow(file); inner != "" {
				problems = append(problems, fmt.Errorf("%s: 子文件夹不会被读取，请移到 %s / folders in it are not read, move it to %s", inner, dir, dir))
			}
		case !yamlLike(file):
		case ext != ".yaml":
			problems = append(problems, fmt.Errorf("%s: 扩展名须为 .yaml，否则不会被读取 / rename it to .yaml, or it would not be read", file))
		case !info.Mode().IsRegular(): // reading a pipe or a device would not end
			problems = append(problems, fmt.Errorf("%s: 不是普通文件，请换成文件 / it is no regular file, put one there", file))
		default:
			if err := load(file); err != nil {
				problems = append(problems, err)
			}
		}
	}
	return errors.Join(problems...)
}

// yamlLike reports whether somebody meant a file to be YAML.
func yamlLike(file string) bool {
	return slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(filepath.Ext(file)))
}

// yamlBelow returns the first YAML file anywhere in a folder, "" if there is none.
func yamlBelow(dir string) (found string) {
	_ = fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error { // what cannot be read says nothing of itself
		switch {
		case err != nil || name != "." && strings.HasPrefix(e.Name(), ".") && e.IsDir():
			return fs.SkipDir
		case !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && yamlLike(name):
			found = filepath.Join(dir, name)
			return fs.SkipAll
		}
		return nil
	})
	return found
}

func loadBinding(file string, cat *schemas.Catalogue) (connectors.Config, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return connectors.Config{}, fmt.Errorf("read source: %w", err)
	}
	var bound binding
	if b, err = document.One(b); err != nil {
		return connectors.Config{}, document.In(file, "数据源文件有误", "malformed source", err)
	}
	if err := yaml.UnmarshalWithOptions(b, &bound, yaml.Strict()); err != nil {
		return connectors.Config{}, document.In(file, "数据源文件有误", "malformed source", err)
	}
	if odd := oddNumber(b); odd != nil {
		return connectors.Config{}, document.In(file, "数据源文件有误", "malformed source", odd)
	}
	var problems []error
	fail := func(path, format string, args ...any) {
		line, column := document.Place(b, path)
		problems = append(problems, fmt.Errorf("%s:%d:%d: %w", file, line, column, fmt.Errorf(format, args...)))
	}
	// Two files of one name cannot be, so neither can two sources.
	if name := strings.TrimSuffix(filepath.Base(file), ".yaml"); bound.Source != name {
		fail("source", "source %q 与文件名不符 / differs from the file's name, write source: %s", bound.Source, name)
	}
	if _, err := EveryKind().Find(bound.Kind); err != nil {
		fail("kind", "%w", err)
	}
	cfg := connectors.Config{Name: bound.Source, Kind: bound.Kind, Options: bound.Options, Catalogue: cat}
	if len(bound.Datasets) == 0 {
		fail("datasets", "datasets 不能为空 / must name at least one dataset")
	}
	for i, id := range bound.Datasets {
		d, err := cat.Dataset(id)
		switch {
		case err != nil:
			fail(fmt.Sprintf("datasets[%d]", i), "datasets: 目录中没有 / not in the catalogue: %w%s", err, settings.Nearest(id, datasetIDs(cat)))
		case slices.Contains(bound.Datasets[:i], id):
			fail(fmt.Sprintf("datasets[%d]", i), "datasets: %q 重复 / stands twice", id)
		default:
			cfg.Datasets = append(cfg.Datasets, d)
		}
	}
	if len(problems) == 0 {
		for _, p := range option.Problems(EveryKind().Check(cfg)) {
			fail("options."+p.Path, "options: %s", p.Text)
		}
	}
	return cfg, errors.Join(problems...)
}

func datasetIDs(cat *schemas.Catalogue) []string {
	out := make([]string, len(cat.Datasets))
	for i, d := range cat.Datasets {
		out[i] = d.ID
	}
	return out
}

// oddNumber finds a number that YAML reads otherwise than people: of an option only its
// value is handed on.
func oddNumber(text []byte) *document.SyntaxError {
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil || len(parsed.Docs) == 0 || parsed.Docs[0].Body == nil {
		return nil //nolint:nilerr // it has been read
	}
	return document.Odd(parsed.Docs[0].Body)
}

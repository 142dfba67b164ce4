package wiring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/connectors"
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
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("数据源目录打不开 / open sources folder: %w", err)
	}
	var out []connectors.Config
	var problems []error
	for _, e := range entries {
		file := filepath.Join(dir, e.Name())
		switch ext := filepath.Ext(file); {
		case e.IsDir() || strings.HasPrefix(e.Name(), "."):
		case ext == ".yml":
			problems = append(problems, fmt.Errorf("%s: 扩展名须为 .yaml,否则不会被读取 / rename it to .yaml, or it would not be read", file))
		case ext == ".yaml":
			cfg, err := loadBinding(file, cat)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			out = append(out, cfg)
		}
	}
	return out, errors.Join(problems...)
}

func loadBinding(file string, cat *schemas.Catalogue) (connectors.Config, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return connectors.Config{}, fmt.Errorf("read source: %w", err)
	}
	var bound binding
	if b, err = document.One(b); err != nil {
		return connectors.Config{}, fmt.Errorf("%s: 数据源文件有误 / malformed source: %w", file, err)
	}
	if err := yaml.UnmarshalWithOptions(b, &bound, yaml.Strict()); err != nil {
		return connectors.Config{}, fmt.Errorf("%s: 数据源文件有误 / malformed source: %s", file, yaml.FormatError(err, false, false))
	}
	var problems []error
	fail := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s: %w", file, fmt.Errorf(format, args...)))
	}
	// Two files of one name cannot be, so neither can two sources.
	if name := strings.TrimSuffix(filepath.Base(file), ".yaml"); bound.Source != name {
		fail("source %q 与文件名不符 / differs from the file's name, write source: %s", bound.Source, name)
	}
	if _, err := EveryKind().Find(bound.Kind); err != nil {
		fail("%w", err)
	}
	cfg := connectors.Config{Name: bound.Source, Kind: bound.Kind, Options: bound.Options, Catalogue: cat}
	if len(bound.Datasets) == 0 {
		fail("datasets 不能为空 / must name at least one dataset")
	}
	for i, id := range bound.Datasets {
		d, err := cat.Dataset(id)
		switch {
		case err != nil:
			fail("datasets: 目录中没有 / not in the catalogue: %w%s", err, settings.Nearest(id, datasetIDs(cat)))
		case slices.Contains(bound.Datasets[:i], id):
			fail("datasets: %q 重复 / stands twice", id)
		default:
			cfg.Datasets = append(cfg.Datasets, d)
		}
	}
	if len(problems) == 0 {
		if err := EveryKind().Check(cfg); err != nil {
			fail("options: %s", strings.ReplaceAll(err.Error(), "\n", "\n"+file+": options: ")) // one place a line
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

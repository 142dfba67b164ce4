package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// binding is one sources/<name>.yaml: where datasets physically sit. It is
// deployment, not catalogue.
type binding struct {
	Source   string         `yaml:"source"`
	Kind     string         `yaml:"kind"`
	Datasets []string       `yaml:"datasets"`
	Options  map[string]any `yaml:"options"`
}

// loadBindings reads every *.yaml of the folder, in name order, and resolves
// the datasets. All problems are reported at once.
func loadBindings(dir string, cat *schemas.Catalogue) ([]connectors.Config, error) {
	if dir == "" {
		return nil, nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("list sources in %q: %w", dir, err)
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("数据源目录打不开 / open sources folder: %w", err)
	}
	slices.Sort(files)
	var out []connectors.Config
	var problems []error
	seen := map[string]string{}
	for _, file := range files {
		cfg, err := loadBinding(file, cat)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if other, twice := seen[cfg.Name]; twice {
			problems = append(problems, fmt.Errorf("%s: 数据源 %q 已在 %s 中定义 / source %q is already defined there", file, cfg.Name, other, cfg.Name))
			continue
		}
		seen[cfg.Name] = file
		out = append(out, cfg)
	}
	return out, errors.Join(problems...)
}

func loadBinding(file string, cat *schemas.Catalogue) (connectors.Config, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return connectors.Config{}, fmt.Errorf("read source: %w", err)
	}
	var bound binding
	if err := yaml.UnmarshalWithOptions(b, &bound, yaml.Strict()); err != nil {
		return connectors.Config{}, fmt.Errorf("%s: 数据源文件有误 / malformed source: %s", file, yaml.FormatError(err, false, false))
	}
	var problems []error
	fail := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(file+": "+format, args...))
	}
	if name := strings.TrimSuffix(filepath.Base(file), ".yaml"); bound.Source != name {
		fail("source %q 与文件名不符 / differs from the file's name, write source: %s", bound.Source, name)
	}
	if !slices.Contains(kinds(), bound.Kind) {
		fail("kind %q 不认识 / unknown, known kinds are: %s", bound.Kind, strings.Join(kinds(), " "))
	}
	cfg := connectors.Config{Name: bound.Source, Kind: bound.Kind, Options: bound.Options, Catalogue: cat}
	if len(bound.Datasets) == 0 {
		fail("datasets 不能为空 / must name at least one dataset")
	}
	for _, id := range bound.Datasets {
		d, err := cat.Dataset(id)
		if err != nil {
			fail("datasets: 目录中没有 %q / not in the catalogue: %w", id, err)
			continue
		}
		cfg.Datasets = append(cfg.Datasets, d)
	}
	return cfg, errors.Join(problems...)
}

// pushKeys reads the file of push.keys: which department may push with which key.
func pushKeys(path string) ([]push.Key, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read push keys: %w", err)
	}
	var doc struct {
		Keys []struct {
			Department string `yaml:"department"`
			Digest     string `yaml:"digest"`
		} `yaml:"keys"`
	}
	if err := yaml.UnmarshalWithOptions(b, &doc, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: 推送密钥文件有误 / malformed push keys: %s", path, yaml.FormatError(err, false, false))
	}
	out := make([]push.Key, len(doc.Keys))
	for i, k := range doc.Keys {
		out[i] = push.Key{Department: k.Department, Digest: strings.TrimPrefix(k.Digest, "sha256:")}
	}
	return out, nil
}

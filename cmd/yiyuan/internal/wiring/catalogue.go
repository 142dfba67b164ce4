package wiring

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/yiyuan-bus/yiyuan/processors/verification"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// Catalogue reads a catalogue folder, the sample city if it is "".
func Catalogue(dir string) (*schemas.Catalogue, error) {
	files, err := CatalogueFiles(dir)
	if err != nil {
		return nil, err
	}
	return manifest.Load(files)
}

// CatalogueFiles opens a catalogue's folder, the sample city's if none is named.
func CatalogueFiles(dir string) (fs.FS, error) {
	if dir == "" {
		return yunling.Files(), nil
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("目录文件夹打不开，核对 catalogue（--catalogue） / open catalogue, look at the key or flag catalogue: %w", err)
	}
	return os.DirFS(dir), nil
}

// Compile makes every step as a process would at its start: conditions, masks
// and layouts are compiled by the same code. Conditions that cannot be used are
// *manifest.Problems, like all else that is wrong in files of the catalogue.
func Compile(cat *schemas.Catalogue) error {
	keys, err := keyring.New(keyring.Intl, map[int][]byte{1: make([]byte, 32)}, 1)
	if err != nil {
		return err
	}
	var failed []error
	var problems []manifest.Problem
	for _, t := range Steps(cat, codec.New(codec.NewMemory()), keys) {
		_, err := t.Stage()
		for _, one := range partsOf(err) {
			if p, ok := problemOf(one); ok {
				problems = append(problems, p)
			} else {
				failed = append(failed, fmt.Errorf("步骤 / step %s: %w", t.Name, one))
			}
		}
	}
	if len(problems) > 0 { // a step ends at the first thing that is wrong with it, perhaps before its rules
		for _, e := range cat.Entities {
			_, err := verification.Compile(cat, e, keys)
			for _, one := range partsOf(err) {
				if p, ok := problemOf(one); ok && !slices.Contains(problems, p) {
					problems = append(problems, p)
				}
			}
		}
	}
	slices.SortStableFunc(problems, func(a, b manifest.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if len(problems) > 0 {
		failed = append(failed, &manifest.Problems{All: problems})
	}
	return errors.Join(failed...)
}

// problemOf says of a condition's error what all else that is wrong in a catalogue is said by.
func problemOf(err error) (p manifest.Problem, ok bool) {
	c := (*schemas.ConditionError)(nil)
	if ok = errors.As(err, &c); ok {
		p = manifest.Problem{File: c.File, Line: c.Line, Column: c.Column, Rule: "bad-condition", Message: c.Chinese + " / " + c.English}
	}
	return p, ok
}

// partsOf takes an error apart as far as conditions are among what it was joined of.
func partsOf(err error) []error {
	var parts []error
	switch e := err.(type) { //nolint:errorlint // each layer is looked at
	case nil:
		return nil
	case *schemas.ConditionError:
		return []error{e}
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			parts = append(parts, partsOf(one)...)
		}
	case interface{ Unwrap() error }:
		parts = partsOf(e.Unwrap())
	}
	for _, one := range parts {
		if _, ok := problemOf(one); ok {
			return parts
		}
	}
	return []error{err}
}

package wiring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

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
// and layouts are compiled by the same code.
func Compile(cat *schemas.Catalogue) error {
	keys, err := keyring.New(keyring.Intl, map[int][]byte{1: make([]byte, 32)}, 1)
	if err != nil {
		return err
	}
	var failed []error
	for _, t := range Steps(cat, codec.New(codec.NewMemory()), keys) {
		if _, err := t.Stage(); err != nil {
			failed = append(failed, fmt.Errorf("步骤 / step %s: %w", t.Name, err))
		}
	}
	return errors.Join(failed...)
}

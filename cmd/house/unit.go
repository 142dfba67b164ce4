package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// unit is one package as `go list -json -export` tells it.
type unit struct {
	ImportPath string
	Dir        string
	Export     string // file with what the package exports, as compiled
	Standard   bool
	Module     *struct {
		Path string
		Main bool
	}
	GoFiles []string
	Imports []string
}

// list asks the go command for every package of the project and what they import, compiled.
func list(ctx context.Context) (map[string]*unit, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-export", "-json=ImportPath,Dir,Export,Standard,Module,GoFiles,Imports", "./...")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	units := map[string]*unit{}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	for {
		u := &unit{}
		if err := decoder.Decode(u); errors.Is(err, io.EOF) {
			return units, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		units[u.ImportPath] = u
	}
}

// paths are the package's files, whole.
func (u *unit) paths() []string {
	var paths []string
	for _, name := range u.GoFiles {
		paths = append(paths, filepath.Join(u.Dir, name))
	}
	return paths
}

// place is a package as the project's pages name it: its folder.
func (u *unit) place(module string) string {
	return strings.TrimPrefix(strings.TrimPrefix(u.ImportPath, module), "/")
}

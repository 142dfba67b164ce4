// Package starter is the city that `yiyuan init` begins with: two departments, commented,
// that runs as it is.
package starter

import (
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

//go:embed city
var city embed.FS

// ErrNotEmpty says that something is in the folder already.
var ErrNotEmpty = errors.New("folder is not empty")

// applications are those of access.yaml, which get a key each.
var applications = []string{"MZ-DBHD", "GA-JDGL"}

// Files is the city as it is embedded: without keys, and without the JSON Schemas.
func Files() fs.FS {
	files, err := fs.Sub(city, "city")
	if err != nil {
		panic(err) // it is embedded
	}
	return files
}

// Write makes the city in a folder that is empty or is made, with keys of its own and
// the JSON Schemas that its files name, by their names in .schema/. It never overwrites:
// of a folder in which there is something already it changes nothing and returns
// ErrNotEmpty.
func Write(dir string, schemas map[string][]byte) error {
	if err := empty(dir); err != nil {
		return err
	}
	digests, secrets := []string{}, map[string]string{}
	for _, app := range applications {
		key := rand.Text()
		digest := access.DigestKey(key)
		digests = append(digests, "{{"+app+"}}", hex.EncodeToString(digest[:]))
		secrets[app+".key"] = key
	}
	keyed := strings.NewReplacer(digests...)
	files := Files()
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if name == "gitignore" {
			name = ".gitignore" // its own would hide it from version control here
		}
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(name, "drop/") {
			mode = delivered
		}
		return write(dir, name, keyed.Replace(string(text)), mode)
	})
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		err = errors.Join(err, write(dir, path.Join(".schema", name), string(schemas[name]), 0o644))
	}
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		err = errors.Join(err, write(dir, path.Join("secrets", name), secrets[name], 0o600))
	}
	if err == nil {
		_, err = keyring.Generate(filepath.Join(dir, "secrets", "keys.yaml"))
	}
	if err != nil {
		return fmt.Errorf("write city: %w", err)
	}
	return nil
}

// empty makes the folder if it is missing, and refuses one that holds anything.
func empty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a catalogue is for everybody, its secrets are not
		return fmt.Errorf("文件夹建不了 / make folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("文件夹打不开 / open folder: %w", err)
	}
	if len(entries) == 0 {
		return nil
	}
	var names []string
	for _, e := range entries[:min(len(entries), 3)] {
		names = append(names, e.Name())
	}
	return fmt.Errorf("%s: %w: %s", dir, ErrNotEmpty, strings.Join(names, " "))
}

// delivered is the mode of what departments put down: the group's, in which the department's
// account is, and nobody else's.
const delivered fs.FileMode = 0o640

// write makes one file that is not there yet.
func write(dir, name, text string, mode fs.FileMode) error {
	to := filepath.Join(dir, filepath.FromSlash(name))
	folder := mode | mode>>2&0o111 // whoever may read files may enter
	if err := os.MkdirAll(filepath.Dir(to), folder); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

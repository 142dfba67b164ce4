package keyring

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// maxFile bounds a key file.
const maxFile = 64 << 10

// ErrExposed says that a key file can be read or changed by strangers.
var ErrExposed = errors.New("密钥文件权限过宽，请执行 chmod 600 / key file is open to others, run chmod 600")

// file is a key file: YAML, or JSON, which is YAML too.
type file struct {
	Suite   string         `yaml:"suite"`
	Current int            `yaml:"current"`
	Keys    map[int]string `yaml:"keys"` // base64
}

// Load reads a key file. It refuses one that others may read or its group may
// write (ErrExposed); a group may read, because that is how orchestrators mount
// secrets. Errors name the file and never its contents.
func Load(path string) (*Keyring, error) {
	f, _, err := read(path)
	if err != nil {
		return nil, err
	}
	return f.ring(path)
}

// Add puts a random key of the next version into a key file, without making it the
// current one, and returns the ring.
func Add(path string) (*Keyring, error) {
	return edit(path, func(f *file) {
		next := f.Current
		for version := range f.Keys {
			next = max(next, version)
		}
		if f.Keys == nil {
			f.Keys = map[int]string{}
		}
		f.Keys[next+1] = base64.StdEncoding.EncodeToString(random())
	})
}

// Use makes a version that a key file holds the current one, and returns the ring.
func Use(path string, version int) (*Keyring, error) {
	return edit(path, func(f *file) { f.Current = version })
}

// edit changes a key file as a whole: whoever reads it finds it as it was or as it
// is to be. What the ring would refuse is not written.
func edit(path string, change func(*file)) (*Keyring, error) {
	f, info, err := read(path)
	if err != nil {
		return nil, err
	}
	if _, err := f.ring(path); err != nil {
		return nil, err
	}
	change(f)
	k, err := f.ring(path)
	if err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("write keyring %q: %w", path, err)
	}
	beside := path + ".new"
	if err := create(beside, info.Mode().Perm(), text); err != nil {
		return nil, err
	}
	if err = keepOwner(beside, info); err == nil {
		err = os.Rename(beside, path)
	}
	if err != nil {
		return nil, fmt.Errorf("write keyring: %w", errors.Join(err, os.Remove(beside)))
	}
	return k, nil
}

// read reads the text of a key file and what the system says of it.
func read(path string) (*file, os.FileInfo, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("没有这个密钥文件：核对路径；新的城市用 yiyuan keys generate 生成，已有数据的须找回原文件 / there is no such key file: look at the path; a new city makes one by yiyuan keys generate, one that has data needs its own back: %w", err)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("密钥文件打不开 / open key file: %w", err)
	}
	defer func() { _ = f.Close() }() // opened for reading: nothing can be lost
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("open keyring: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("open keyring %q: 不是普通文件 / not a regular file: %w", path, ErrKey)
	}
	if info.Mode().Perm()&0o027 != 0 {
		return nil, nil, fmt.Errorf("open keyring %q: 权限 / mode %#o: %w", path, info.Mode().Perm(), ErrExposed)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read keyring %q: %w", path, err)
	}
	if len(text) > maxFile {
		return nil, nil, fmt.Errorf("read keyring %q: 文件过大 / larger than %d bytes: %w", path, maxFile, ErrKey)
	}
	out, err := parse(text)
	if err != nil {
		return nil, nil, fmt.Errorf("read keyring %q: %w", path, err)
	}
	return out, info, nil
}

// Generate writes a new key file of the intl suite with one random key and
// returns its ring. The file must not exist (fs.ErrExist); it gets mode 0600.
func Generate(path string) (*Keyring, error) { return GenerateSuite(path, Intl) }

// GenerateSuite is Generate for a suite.
func GenerateSuite(path, suite string) (*Keyring, error) {
	key := random()
	k, err := New(suite, map[int][]byte{1: key}, 1)
	if err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(file{Suite: suite, Current: 1, Keys: map[int]string{1: base64.StdEncoding.EncodeToString(key)}})
	if err != nil {
		return nil, fmt.Errorf("write keyring %q: %w", path, err)
	}
	return k, create(path, 0o600, text)
}

func random() []byte {
	key := make([]byte, KeySize)
	rand.Read(key) // never fails: crypto/rand stops the program instead
	return key
}

// create writes a file that must not exist.
func create(path string, mode os.FileMode, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("密钥文件已经有了，没有改动：换一个名称，或用 --if-missing；轮换用 yiyuan keys add / there is a key file already, and it was left alone: take another name, or --if-missing; to rotate: yiyuan keys add: %w", err)
	}
	if err != nil {
		return fmt.Errorf("密钥文件写不了 / write keyring: %w", err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write keyring %q: %w", path, err)
	}
	return nil
}

// parse reads the text of a key file. The YAML library quotes the source in its
// errors, so only the place is passed on.
func parse(text []byte) (*file, error) {
	var f file
	text, err := document.One(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrKey)
	}
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		line := 0
		var y yaml.Error
		if errors.As(err, &y) && y.GetToken() != nil && y.GetToken().Position != nil {
			line = y.GetToken().Position.Line
		}
		return nil, malformed(line)
	}
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil || len(parsed.Docs) == 0 || parsed.Docs[0].Body == nil {
		return &f, nil //nolint:nilerr // it has been read
	}
	wrong := numbers.Misfits(parsed.Docs[0].Body)
	if odd := document.Odd(parsed.Docs[0].Body); odd != nil {
		wrong = append(wrong, odd)
	}
	if len(wrong) > 0 {
		return nil, malformed(wrong[0].Line)
	}
	return &f, nil
}

// numbers declares what a decoder would make a number of that is none.
var numbers = &document.Form{Kind: document.Mapping, Keys: []document.Key{{Name: "current", Form: &document.Form{Kind: document.Number, Least: 1, Most: math.MaxInt32}}}}

func malformed(line int) error {
	return fmt.Errorf("第 %d 行格式有误，须为 suite、current、keys 三项 / line %d: want suite, current and keys: %w", line, line, ErrKey)
}

// ring makes the ring of the file at path.
func (f *file) ring(path string) (*Keyring, error) {
	keys := make(map[int][]byte, len(f.Keys))
	for version, encoded := range f.Keys {
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("read keyring %q: 第 %d 版密钥不是 base64 / key of version %d is not base64: %w", path, version, version, ErrKey)
		}
		keys[version] = key
	}
	k, err := New(f.Suite, keys, f.Current)
	if err != nil {
		return nil, fmt.Errorf("read keyring %q: %w", path, err)
	}
	return k, nil
}

package file

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// keySet collects the keys of a replace file.
type keySet struct {
	keys       []string
	unreadable bool // some row's key is not known
}

func newKeySet() *keySet { return &keySet{} }

func (k *keySet) add(key string) {
	if key == "" {
		k.unreadable = true
		return
	}
	k.keys = append(k.keys, key)
}

func keysName(ordinal uint64) string {
	return fmt.Sprintf("%s/keys-%0*d", state, ordinalWidth, ordinal)
}

// compare stores the keys of a complete file and opens the comparison with
// those of the complete file before it.
func (b *inbox) compare(at position, set *keySet) (*deletes, error) {
	slices.Sort(set.keys)
	set.keys = slices.Compact(set.keys)
	if err := b.storeKeys(keysName(at.File), set.keys); err != nil {
		return nil, err
	}
	d := &deletes{now: set.keys}
	if at.Keys == 0 {
		return d, nil
	}
	f, err := b.root.Open(keysName(at.Keys))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("find the keys of file %08d in %s/: they are gone, so deletes cannot be inferred; restore the folder or reset the position of this source: %w",
			at.Keys, state, connectors.ErrPositionLost)
	}
	if err != nil {
		return nil, fmt.Errorf("open previous keys: %w", err)
	}
	d.file, d.previous = f, bufio.NewReaderSize(f, 64<<10)
	for range at.Deletes {
		if _, err := d.next(); err != nil {
			return nil, errors.Join(fmt.Errorf("read previous keys again: %w", err), f.Close())
		}
	}
	return d, nil
}

// merge stores the keys of an incomplete file together with those before it: a
// later complete file decides which of them are gone.
func (b *inbox) merge(at position, set *keySet) error {
	all := slices.Clone(set.keys)
	if at.Keys > 0 {
		before, err := b.compare(position{File: at.File, Keys: at.Keys}, &keySet{})
		if err != nil {
			return err
		}
		defer before.close()
		for {
			key, err := before.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			all = append(all, key)
		}
	}
	slices.Sort(all)
	return b.storeKeys(keysName(at.File), slices.Compact(all))
}

// storeKeys writes sorted keys, one quoted key a line, and makes them durable
// before their name appears.
func (b *inbox) storeKeys(name string, keys []string) error {
	f, err := b.root.OpenFile(name+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("store keys: %w", err)
	}
	w := bufio.NewWriterSize(f, 64<<10)
	var line []byte
	for _, k := range keys {
		line = append(strconv.AppendQuote(line[:0], k), '\n')
		if _, err = w.Write(line); err != nil {
			break
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = b.root.Rename(name+".tmp", name)
	}
	if err != nil {
		return fmt.Errorf("store keys: %w", err)
	}
	return nil
}

// dropKeys removes the key files before the one that is needed.
func (b *inbox) dropKeys(needed uint64) error {
	entries, err := b.list(state)
	if err != nil {
		return err
	}
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "keys-")
		n, err := strconv.ParseUint(digits, 10, 64)
		if !ok || err != nil || n >= needed {
			continue
		}
		if err := b.root.Remove(state + "/" + e.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove old keys: %w", err)
		}
	}
	return nil
}

// deletes walks two sorted lists of keys and yields those of the earlier list
// that the later one lacks.
type deletes struct {
	file     *os.File
	previous *bufio.Reader
	now      []string
}

func (d *deletes) next() (string, error) {
	for {
		line, err := d.previous.ReadString('\n')
		if err != nil {
			if errors.Is(err, io.EOF) && line == "" {
				return "", io.EOF
			}
			return "", fmt.Errorf("read previous keys: %w", err)
		}
		key, err := strconv.Unquote(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return "", errors.New("read previous keys: a line is damaged")
		}
		for len(d.now) > 0 && d.now[0] < key {
			d.now = d.now[1:]
		}
		if len(d.now) == 0 || d.now[0] != key {
			return key, nil
		}
	}
}

func (d *deletes) close() {
	if d.file != nil {
		_ = d.file.Close() // read only: nothing can be lost
	}
}

package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
)

func keysName(ordinal uint64) string {
	return fmt.Sprintf("%s/keys-%0*d", state, ordinalWidth, ordinal)
}

// compare stores the keys of a complete file and opens the comparison with
// those of the complete file before it.
func (b *box) compare(at position, t *tabular.Table) (*tabular.Gone, error) {
	if err := b.storeKeys(keysName(at.File), t.Keys); err != nil {
		return nil, err
	}
	d, err := b.previous(at, t)
	if err != nil {
		return nil, err
	}
	for range at.Deletes {
		if _, err := d.Next(); err != nil {
			d.Close()
			return nil, fmt.Errorf("read previous keys again: %w", err)
		}
	}
	return d, nil
}

// previous opens the comparison of a table with the complete file before it.
func (b *box) previous(at position, t *tabular.Table) (*tabular.Gone, error) {
	if at.Keys == 0 {
		return &tabular.Gone{}, nil
	}
	f, err := b.root.Open(keysName(at.Keys))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("find the keys of file %08d in %s/: they are gone, so deletes cannot be inferred; restore the folder or have the source read again (yiyuan source resync): %w",
			at.Keys, state, connectors.ErrPositionLost)
	}
	if err != nil {
		return nil, fmt.Errorf("open previous keys: %w", bare(err))
	}
	return tabular.Compare(f, t.Keys), nil
}

// merge stores the keys of an incomplete file together with those before it: a
// later complete file decides which of them are gone.
func (b *box) merge(at position, t *tabular.Table) error {
	all := slices.Clone(t.Keys)
	if at.Keys > 0 {
		before, err := b.previous(at, &tabular.Table{})
		if err != nil {
			return err
		}
		defer before.Close()
		for {
			key, err := before.Next()
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
func (b *box) storeKeys(name string, keys []string) error {
	f, err := b.root.OpenFile(name+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("store keys: %w", bare(err))
	}
	if err = tabular.WriteKeys(f, keys); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = b.root.Rename(name+".tmp", name)
	}
	if err != nil {
		return fmt.Errorf("store keys: %w", bare(err))
	}
	return nil
}

// dropKeys removes the key files before the one that is needed.
func (b *box) dropKeys(needed uint64) error {
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
			return fmt.Errorf("remove old keys: %w", bare(err))
		}
	}
	return nil
}

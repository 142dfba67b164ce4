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
	"github.com/yiyuan-bus/yiyuan/connectors/file/format"
	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// scout reads all rows before any of them is published: how many there are, which
// keys a whole table has, and so how much would be deleted. What it finds may
// refuse the file or hold it for a person.
func (r *reading) scout(charset string, skip int, kind string, said wants) error {
	t := &tabular.Table{}
	r.table = t
	f, bad, err := r.rowsOf(r.file, charset, skip, kind)
	if err != nil || bad != nil {
		r.condemned = bad
		return err
	}
	for {
		row, err := f.rows.Next()
		switch {
		case errors.Is(err, io.EOF):
			return r.judge(f, said)
		case errors.Is(err, format.ErrManyOpen), errors.Is(err, format.ErrArray):
			t.Unreadable = true
			t.Sort()
			return nil // the rows before it are taken, then it is told
		case err != nil:
			return fmt.Errorf("read file %08d: %w", r.claim.ordinal, bare(err))
		}
		if row.Blank {
			continue
		}
		t.Rows++
		if !r.replace() {
			continue
		}
		key := ""
		if cells, bad := r.columns.Arrange(f.header, f.headings, row); bad == nil {
			r.columns.Tidy(cells)
			key, _ = connectors.RowKey(r.s.dataset, cells)
		}
		t.Add(key)
	}
}

// judge decides on a file by what its rows came to.
func (r *reading) judge(f *feed, said wants) error {
	t := r.table
	t.Sort()
	if _, err := io.Copy(io.Discard, io.TeeReader(f.file, f.sum)); err != nil {
		return fmt.Errorf("read file %08d: %w", r.claim.ordinal, bare(err))
	}
	switch {
	case r.s.fingerprint(f.sum.Sum(nil)) != r.at.Digest:
		r.condemned = altered
		return nil
	case said.rows >= 0 && said.rows != t.Rows:
		r.condemned = tabular.Bad(contract.ReasonUnreadable, fmt.Sprintf("标记称 %s 行数据（不含表头），文件有 %d 行；请重新传送 / its marker says %s rows of data without the heading, the file has %d: send it again", quoted(int64(said.rows)), t.Rows, quoted(int64(said.rows)), t.Rows))
		return nil
	case !r.replace() || r.at.Row > 0 || r.at.Deletes > 0:
		return nil // of a table that has begun it was decided
	case t.Rows == 0:
		if !r.s.options.emptyAllowed() {
			r.condemned = tabular.Bad(contract.ReasonMissing, "全表文件没有数据行，会删除全部记录，已退回；确实为空时请设 empty: allow / a whole table without rows would delete all of them, so it is refused: set empty: allow if that can be")
		}
		return nil
	case t.Unreadable:
		return nil
	}
	return r.limit()
}

// limit holds a table that would delete too much, until a person has answered.
func (r *reading) limit() error {
	d, err := r.s.inbox.previous(r.at, r.table)
	if err != nil {
		return err
	}
	defer d.Close()
	n, of, err := d.Count()
	if err != nil || !r.s.options.DeleteLimit.Exceeded(n, of) {
		return err
	}
	answer, err := r.s.inbox.answer(r.claim)
	switch {
	case err != nil:
		return err
	case answer == acceptSuffix:
		r.s.log.Info("a table that deletes more than the limit was accepted", "file", r.s.label(r.claim), "deletes", n, "of", of)
		return nil
	case answer == refuseSuffix:
		r.condemned = tabular.Bad(contract.ReasonInvalid, "删除过多，由人工退回 / it deletes too much and was refused by a person")
		return nil
	}
	number := fmt.Sprintf("%0*d", ordinalWidth, r.claim.ordinal)
	r.held = connectors.TooManyDeletes("文件 "+r.s.label(r.claim), n, of, r.s.options.DeleteLimit, fmt.Sprintf(
		"touch %s/%s%s（退回 / to refuse: %s%s）", r.s.options.Dir, number, acceptSuffix, number, refuseSuffix))
	r.do = fmt.Sprintf("yiyuan source accept %[1]s %[2]s（退回 / to refuse: yiyuan source refuse %[1]s %[2]s）", r.s.cfg.Name, number)
	return nil
}

func keysName(ordinal uint64) string {
	return fmt.Sprintf("%s/keys-%0*d", state, ordinalWidth, ordinal)
}

// compare stores the keys of a complete file and opens the comparison with
// those of the complete file before it.
func (b *inbox) compare(at position, t *tabular.Table) (*tabular.Gone, error) {
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
func (b *inbox) previous(at position, t *tabular.Table) (*tabular.Gone, error) {
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
func (b *inbox) merge(at position, t *tabular.Table) error {
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
func (b *inbox) storeKeys(name string, keys []string) error {
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
			return fmt.Errorf("remove old keys: %w", bare(err))
		}
	}
	return nil
}

// infer yields the deletes of a replace file, then ends it.
func (r *reading) infer(b *connectors.Batch) error {
	for !r.deletes.First() && len(b.Changes)+len(b.Rejections) < r.s.options.BatchRows {
		key, err := r.deletes.Next()
		if errors.Is(err, io.EOF) {
			r.at = r.at.taken(true, r.s.options.emptyAllowed())
			return nil
		}
		if err != nil {
			return err
		}
		r.at.Deletes++
		b.Changes = append(b.Changes, schemas.Change{Dataset: r.s.dataset, Key: key, Op: schemas.Delete, Origin: r.origin(r.number + r.at.Deletes)})
	}
	if r.deletes.First() && r.at.Open {
		r.at = r.at.taken(true, r.s.options.emptyAllowed())
	}
	return nil
}

package file

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/yiyuan-bus/yiyuan/connectors/file/format"
	"github.com/yiyuan-bus/yiyuan/connectors/file/marker"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

var altered = tabular.Bad(contract.ReasonUnreadable, "文件在读取期间被改动，请重新投放 / the file changed while it was read: drop it again")

// scout reads all rows of a file before any of them is published: how many there are,
// which keys a whole table has, and so how much would be deleted. What it finds may
// refuse the file or hold it for a person.
type scout struct {
	*setting
	claim   claim
	at      position
	columns *tabular.Columns
	said    marker.Says

	table     tabular.Table
	condemned *tabular.Problem // why the file is refused
	held      string           // why it waits for a person
	do        string           // the command by which one answers
}

func (r *scout) look(file *os.File, how form) error {
	f, bad, err := rowsOf(file, how, r.options.limits(), r.columns)
	if err != nil {
		return fmt.Errorf("read file %08d: %w", r.claim.ordinal, err)
	}
	if bad != nil {
		r.condemned = bad
		return nil
	}
	t := &r.table
	for {
		row, err := f.rows.Next()
		switch {
		case errors.Is(err, io.EOF):
			return r.judge(f)
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
		// A row that names its fields says which it is, whatever else is wrong with it. From
		// one under headings that is refused no delete is inferred.
		if cells, bad := r.columns.Arrange(f.header, f.headings, row); bad == nil || row.Names != nil {
			key = r.columns.Key(cells)
		}
		t.Add(key)
	}
}

// judge decides on a file by what its rows came to.
func (r *scout) judge(f *feed) error {
	t := &r.table
	t.Sort()
	if _, err := io.Copy(io.Discard, io.TeeReader(f.file, f.sum)); err != nil {
		return fmt.Errorf("read file %08d: %w", r.claim.ordinal, bare(err))
	}
	switch {
	case r.fingerprint(f.sum.Sum(nil)) != r.at.Digest:
		r.condemned = altered
		return nil
	case r.said.Rows >= 0 && r.said.Rows != t.Rows:
		r.condemned = tabular.Bad(contract.ReasonUnreadable, fmt.Sprintf("标记称 %s 行数据（不含表头），文件有 %d 行；请重新传送 / its marker says %s rows of data without the heading, the file has %d: send it again", marker.Quoted(int64(r.said.Rows)), t.Rows, marker.Quoted(int64(r.said.Rows)), t.Rows))
		return nil
	case !r.replace() || r.at.Row > 0 || r.at.Deletes > 0:
		return nil // of a table that has begun it was decided
	case t.Rows == 0:
		if !r.options.emptyAllowed() {
			r.condemned = tabular.Bad(contract.ReasonMissing, "全表文件没有数据行，会删除全部记录，已退回；确实为空时请设 empty: allow / a whole table without rows would delete all of them, so it is refused: set empty: allow if that can be")
		}
		return nil
	case t.Unreadable:
		return nil
	}
	return r.limit()
}

// limit holds a table that would delete too much, until a person has answered.
func (r *scout) limit() error {
	d, err := r.box.previous(r.at, &r.table)
	if err != nil {
		return err
	}
	defer d.Close()
	n, of, err := d.Count()
	if err != nil || !r.options.DeleteLimit.Exceeded(n, of) {
		return err
	}
	answer, err := r.box.answer(r.claim)
	switch {
	case err != nil:
		return err
	case answer == acceptSuffix:
		r.log.Info("a table that deletes more than the limit was accepted", "file", r.label(r.claim), "deletes", n, "of", of)
		return nil
	case answer == refuseSuffix:
		r.condemned = tabular.Bad(contract.ReasonInvalid, "删除过多，由人工退回 / it deletes too much and was refused by a person")
		return nil
	}
	number := fmt.Sprintf("%0*d", ordinalWidth, r.claim.ordinal)
	r.held = option.TooManyDeletes("文件 "+r.label(r.claim), n, of, r.options.DeleteLimit, fmt.Sprintf(
		"touch %s/%s%s（退回 / to refuse: %s%s）", r.options.Dir, number, acceptSuffix, number, refuseSuffix))
	r.do = fmt.Sprintf("yiyuan source accept %[1]s %[2]s（退回 / to refuse: yiyuan source refuse %[1]s %[2]s）", r.cfg.Name, number)
	return nil
}

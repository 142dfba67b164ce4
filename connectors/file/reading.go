package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/file/format"
	"github.com/yiyuan-bus/yiyuan/connectors/file/marker"
	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// reading is one claimed file on its way into batches.
type reading struct {
	*setting
	claim claim
	time  time.Time // the file's, the source time of its rows
	size  int64     // when it was opened
	at    position

	file    *os.File
	feed    *feed
	columns *tabular.Columns
	number  uint32

	condemned *tabular.Problem // the file as a whole cannot be taken (further)
	held      string           // why it waits for a person
	do        string           // the command by which one answers
	table     *tabular.Table   // mode replace
	deletes   *tabular.Gone
}

// start opens a claimed file and decides how to read it. What is wrong with the
// file itself condemns it; only failures of our own come back as errors.
func start(s *setting, at position, c claim) (*reading, error) {
	r := &reading{setting: s, claim: c, at: at, time: time.Now(), columns: tabular.New(s.dataset, s.options.mapping())}
	if err := r.open(); err != nil {
		r.close()
		return nil, fmt.Errorf("file %s: %w", s.label(c), err)
	}
	return r, nil
}

func (r *reading) open() error {
	file, info, err := r.box.open(r.claim)
	if info != nil {
		r.time = info.ModTime()
	}
	switch {
	case errors.Is(err, errNotRegular):
		r.condemn("", tabular.Bad(contract.ReasonUnreadable, "不是普通文件（链接、管道或设备）/ not a regular file (a link, pipe or device)"))
		return nil
	case errors.Is(err, errForbidden):
		r.condemn("", tabular.Bad(contract.ReasonUnreadable, "没有读取此文件的权限；请改正权限后重新投放 / no right to read the file: mend its permissions and drop it again"))
		return nil
	case errors.Is(err, errGone) && !r.at.Open:
		r.condemn("", tabular.Bad(contract.ReasonUnreadable, "文件在读取之前被移走 / the file was taken away before it was read"))
		return nil
	case errors.Is(err, errGone):
		return r.at.lost()
	case err != nil:
		return err
	}
	r.file, r.size = file, info.Size()
	if r.size > int64(r.options.MaxFile) {
		r.condemn("", tabular.Bad(contract.ReasonTooLarge, fmt.Sprintf("文件超过 %d 字节 / the file is larger than %d bytes", r.options.MaxFile, r.options.MaxFile)))
		return nil
	}
	view, err := format.Look(file)
	if err != nil {
		return bare(err)
	}
	content := r.fingerprint(view.Digest)
	if r.at.Open && r.at.Digest != content {
		r.condemn(content, altered)
		return nil
	}
	if !r.at.Open {
		r.at = r.at.begin(r.claim.ordinal, content)
	}
	return r.prepare(view)
}

func (r *reading) condemn(digest string, p *tabular.Problem) {
	if !r.at.Open {
		r.at = r.at.begin(r.claim.ordinal, digest)
	}
	r.condemned = p
}

// prepare holds the file against its marker, decides on its charset, counts its
// rows where that matters, and passes over those that the position says are published.
func (r *reading) prepare(view format.Survey) error {
	said, err := r.marker(view)
	if err != nil || r.condemned != nil {
		return err
	}
	charset, skip, bad := format.Choose(view, r.options.Charset)
	if bad != nil {
		r.condemned = bad
		return nil
	}
	how := form{charset, skip, formatOf(r.options.Format, r.claim.name, view.Head[min(skip, len(view.Head)):])}
	if r.replace() || said.Rows >= 0 {
		seen := scout{setting: r.setting, claim: r.claim, at: r.at, columns: r.columns, said: said}
		err := seen.look(r.file, how)
		if r.table, r.condemned, r.held, r.do = &seen.table, seen.condemned, seen.held, seen.do; err != nil || r.condemned != nil || r.held != "" {
			return err
		}
	}
	return r.begin(how)
}

// begin opens the rows, behind those that are published.
func (r *reading) begin(how form) error {
	var err error
	if r.feed, r.condemned, err = rowsOf(r.file, how, r.options.limits(), r.columns); err != nil {
		return fmt.Errorf("read file %08d: %w", r.claim.ordinal, err)
	}
	if r.condemned != nil {
		return nil
	}
	for r.number < r.at.Row {
		row, err := r.feed.rows.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, format.ErrArray) || errors.Is(err, format.ErrManyOpen) {
			r.condemned = tabular.Bad(contract.ReasonUnreadable, "读到一半的文件无法接着读，请重新投放 / a file that was read in part cannot be read on: drop it again")
			return nil
		}
		if err != nil {
			return fmt.Errorf("read file %08d again: %w", r.claim.ordinal, bare(err))
		}
		r.number++
		if r.table != nil && r.table.Doubles() && !row.Blank {
			r.remember(row)
		}
	}
	return nil
}

// remember notes a row that was published before, for what follows with its key.
func (r *reading) remember(row tabular.Row) {
	cells, bad := r.columns.Arrange(r.feed.header, r.feed.headings, row)
	if bad != nil {
		return
	}
	if record, key, problems := r.columns.Record(cells); len(problems) == 0 {
		r.table.Again(key, record)
	}
}

// marker reads what the marker says and holds the file against it.
func (r *reading) marker(view format.Survey) (marker.Says, error) {
	text, info, err := r.box.marker(processing + "/" + r.claim.name + markerSuffix)
	if err != nil {
		return marker.Says{}, err
	}
	if info == nil {
		if r.options.Wait == "marker" && r.at.Row == 0 {
			r.condemned = tabular.Bad(contract.ReasonUnreadable, "没有标记文件，无法确认是否完整；请连同标记重新投放（文件名连标记后缀不超过 255 字节） / it has no marker, so nobody knows whether it is whole: drop it again with its marker, whose name has 255 bytes at most")
		}
		return marker.Says{Rows: -1}, nil
	}
	said, err := marker.Parse(text)
	if err != nil {
		r.condemned = tabular.Bad(contract.ReasonUnreadable, "标记文件无法解读；可为空，或写 sha256=摘要、rows=行数，或 sha256sum 等工具的输出 / its marker is not understood: leave it empty, or write sha256=HEX, rows=N, or what sha256sum and its like print")
		return said, nil //nolint:nilerr // told by the rejection
	}
	r.condemned, err = said.Check(r.claim.original(), r.file, view)
	return said, bare(err)
}

// batch yields the next rows; at the end of the file its position is not Open.
func (r *reading) batch(ctx context.Context) (connectors.Batch, error) {
	var b connectors.Batch
	size := 0
	if r.condemned == nil {
		r.at.Of = r.dataset.ID
	}
	for r.condemned == nil && r.deletes == nil {
		if len(b.Changes)+len(b.Rejections) >= r.options.BatchRows || size >= 1<<20 {
			return b, ctx.Err()
		}
		row, err := r.feed.rows.Next()
		switch {
		case errors.Is(err, io.EOF):
			if err := r.endRows(&b); err != nil {
				return b, err
			}
			if r.condemned == nil && r.deletes == nil {
				r.at = r.at.taken(false, r.options.emptyAllowed())
				return b, nil
			}
			continue
		case errors.Is(err, format.ErrManyOpen):
			r.condemned = tabular.Bad(contract.ReasonUnreadable, "引号大量不成对，其余行未读取 / too many quotes do not pair: the rest of the file was not read")
			continue
		case errors.Is(err, format.ErrArray):
			r.condemned = arrayBroken
			continue
		case err != nil:
			return b, fmt.Errorf("read file %08d: %w", r.claim.ordinal, bare(err))
		}
		r.number++
		r.at = r.at.row(r.number, r.replace())
		size += len(row.Raw)
		if row.Blank {
			continue
		}
		if r.take(row, &b) {
			r.at.Bad, r.at.Taken = 0, true
		} else if r.at.Bad++; r.at.Bad >= r.options.MaxBad {
			r.condemned = tabular.Bad(contract.ReasonUnreadable, fmt.Sprintf("连续 %d 行有错，其余行未读取 / %d bad rows in a run: the rest of the file was not read", r.at.Bad, r.at.Bad))
		}
	}
	if r.condemned != nil {
		return b, r.reject(&b)
	}
	return b, r.infer(&b)
}

var arrayBroken = tabular.Bad(contract.ReasonUnreadable, "JSON 数组不完整或不合法，其余内容未读取 / the JSON array is cut or malformed: the rest of the file was not read")

var noneTaken = tabular.Bad(contract.ReasonUnreadable, "没有一行能接收；各行的原因见问题数据，请改正文件或数据源的选项后重新投放 / not one row of it could be taken: quarantine says why of each; mend the file, or the options of the source, and drop it again")

// take turns one row into a change or rejections.
func (r *reading) take(row tabular.Row, b *connectors.Batch) bool {
	cells, bad := r.columns.Arrange(r.feed.header, r.feed.headings, row)
	if bad != nil {
		key := r.columns.Key(cells)
		r.refuse(b, row, "", *bad)
		r.mark(b, key, cells)
		return false
	}
	record, key, problems := r.columns.Record(cells)
	for _, p := range problems {
		r.refuse(b, row, p.Field, *tabular.Bad(p.Reason, p.Detail))
	}
	if len(problems) > 0 {
		r.mark(b, key, cells)
		return false
	}
	op := schemas.Update
	if r.replace() {
		op = schemas.Snapshot
		again, same := r.table.Again(key, record)
		if again && !same {
			r.refuse(b, row, "", *tabular.Bad(contract.ReasonInvalid, "主键在此文件中重复且内容不同；全表文件中一个主键只能有一行，已取第一行 / another row of this file has the same key and other content: a whole table has one row a key, the first was taken"))
			r.mark(b, key, cells)
		}
		if again {
			return same
		}
	}
	b.Changes = append(b.Changes, schemas.Change{Dataset: r.dataset, Key: key, Op: op, Record: record, Origin: r.origin(r.number)})
	return true
}

// mark notes a row that was refused, by its key, "" if that is not certain.
func (r *reading) mark(b *connectors.Batch, key string, cells []connectors.Cell) {
	r.at.Blind = r.at.Blind || key == ""
	b.Refuse(r.cfg.Keys, r.dataset, key, cells, r.origin(r.number), schemas.Spelling{})
}

func (r *reading) origin(minor uint32) schemas.Origin {
	return schemas.Origin{Source: r.cfg.Name, Sequence: r.at.sequence(minor), At: r.time}
}

func (r *reading) refuse(b *connectors.Batch, row tabular.Row, field string, p tabular.Problem) {
	locator := r.label(r.claim)
	switch {
	case row.Place != "":
		locator += ":" + row.Place
	case row.Line > 0:
		locator += ":" + strconv.Itoa(row.Line)
	}
	b.Rejections = append(b.Rejections, r.cfg.Rejection(r.dataset, locator, r.time, row.Raw, connectors.FieldError{Field: field, Reason: p.Reason, Detail: p.Detail}))
}

// endRows is reached behind the last row: is it still the file we began with?
func (r *reading) endRows(b *connectors.Batch) error {
	if _, err := io.Copy(io.Discard, io.TeeReader(r.file, r.feed.sum)); err != nil {
		return fmt.Errorf("read file %08d: %w", r.claim.ordinal, bare(err))
	}
	if r.fingerprint(r.feed.sum.Sum(nil)) != r.at.Digest {
		r.condemned = altered
		return nil
	}
	if r.at.nothing(r.replace()) {
		r.condemned = noneTaken
		return nil
	}
	if !r.replace() {
		return nil
	}
	if r.table.Unreadable {
		r.refuse(b, tabular.Row{}, "", *tabular.Bad(contract.ReasonUnreadable, "有行的主键无法读取，本次不推断删除 / the key of some row could not be read: no deletes are inferred from this file"))
		r.deletes = &tabular.Gone{}
		return r.box.merge(r.at, r.table)
	}
	var err error
	r.deletes, err = r.box.compare(r.at, r.table)
	return err
}

// reject ends a file that could not be taken as a whole. Rows of it may be
// published already: a later complete file must know their keys.
func (r *reading) reject(b *connectors.Batch) error {
	if err := r.box.reason(r.claim, r.condemned.Detail); err != nil {
		return err
	}
	b.Rejections = append(b.Rejections, r.cfg.Rejection(r.dataset, r.label(r.claim), r.time, []byte(r.at.Digest), connectors.FieldError{Reason: r.condemned.Reason, Detail: r.condemned.Detail}))
	partial := r.at.Row > 0 && r.table != nil && len(r.table.Keys) > 0
	if partial {
		if err := r.box.merge(r.at, r.table); err != nil {
			return err
		}
	}
	if r.replace() && r.at.Taken && !partial {
		r.at.Loose = looseCut
	}
	r.at = r.at.refused(partial)
	return nil
}

func (r *reading) close() {
	if r.deletes != nil {
		r.deletes.Close()
	}
	if r.file != nil {
		_ = r.file.Close() // read only: nothing can be lost
		r.file = nil
	}
}

// infer yields the deletes of a replace file, then ends it.
func (r *reading) infer(b *connectors.Batch) error {
	for !r.deletes.First() && len(b.Changes)+len(b.Rejections) < r.options.BatchRows {
		key, err := r.deletes.Next()
		if errors.Is(err, io.EOF) {
			r.at = r.at.taken(true, r.options.emptyAllowed())
			return nil
		}
		if err != nil {
			return err
		}
		r.at.Deletes++
		b.Changes = append(b.Changes, schemas.Change{Dataset: r.dataset, Key: key, Op: schemas.Delete, Origin: r.origin(r.number + r.at.Deletes)})
	}
	if r.deletes.First() && r.at.Open {
		r.at = r.at.taken(true, r.options.emptyAllowed())
	}
	return nil
}

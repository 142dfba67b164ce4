package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// reading is one claimed file on its way into batches.
type reading struct {
	s     *source
	claim claim
	time  time.Time // the file's, the source time of its rows
	at    position

	file    *os.File
	sum     hash.Hash // of what has been read, to notice a change under our hands
	rows    interface{ next() (row, error) }
	columns *columns
	header  []int // of CSV
	number  uint32
	unknown int // columns or names left out

	condemned *problem // the file as a whole cannot be taken (further)
	duplicate bool
	keys      *keySet // mode replace
	deletes   *deletes
}

// start opens a claimed file and decides how to read it. What is wrong with the
// file itself condemns it; only failures of our own come back as errors.
func (s *source) start(c claim) (*reading, error) {
	r := &reading{s: s, claim: c, at: s.at, columns: newColumns(s.dataset, s.options)}
	err := r.open()
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *reading) open() error {
	file, info, err := r.s.inbox.open(r.claim)
	if info != nil {
		r.time = info.ModTime()
	}
	if errors.Is(err, errNotRegular) {
		r.condemn("", &problem{reasonUnreadable, "不是普通文件(链接、管道或设备) / not a regular file (a link, pipe or device)"})
		return nil
	}
	if err != nil {
		return err
	}
	r.file = file
	if info.Size() > int64(r.s.options.MaxFile) {
		r.condemn("", &problem{reasonTooLarge, fmt.Sprintf("文件超过 %d 字节 / the file is larger than %d bytes", r.s.options.MaxFile, r.s.options.MaxFile)})
		return nil
	}
	view, err := look(file)
	if err != nil {
		return err
	}
	content := r.s.fingerprint(view.digest)
	if r.at.Open && r.at.Digest != content {
		r.condemn(content, changed)
		return nil
	}
	if !r.at.Open {
		r.duplicate = r.at.seen(content, r.replace())
		r.at = r.at.begin(r.claim.ordinal, content)
	}
	if r.duplicate {
		return nil
	}
	marker, err := r.s.inbox.marker(r.claim)
	if err != nil && !errors.Is(err, errNotRegular) {
		return err
	}
	if p := checkMarker(marker, file); p != nil {
		r.condemned = p
		return nil
	}
	return r.prepare(view)
}

var changed = &problem{reasonUnreadable, "文件在读取期间被改动,请重新投放 / the file changed while it was read: drop it again"}

func (r *reading) replace() bool { return r.s.options.Mode == "replace" }

func (r *reading) condemn(digest string, p *problem) {
	if !r.at.Open {
		r.at = r.at.begin(r.claim.ordinal, digest)
	}
	r.condemned = p
}

// prepare sets up decoding, reads the heading line and passes over the rows
// that the position says are published.
func (r *reading) prepare(view survey) error {
	charset, skip, bad, err := choose(view, r.s.options.Charset, func() (io.ReadCloser, error) {
		f, _, err := r.s.inbox.open(r.claim)
		return f, err
	})
	if err != nil {
		return err
	}
	if bad != nil {
		r.condemned = bad
		return nil
	}
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind %q: %w", r.claim.name, err)
	}
	r.sum = sha256.New()
	raw := io.TeeReader(r.file, r.sum)
	if _, err := io.CopyN(io.Discard, raw, int64(skip)); err != nil {
		return fmt.Errorf("read %q: %w", r.claim.name, err)
	}
	text := decode(raw, charset)
	if r.replace() {
		r.keys = newKeySet()
	}
	if r.s.format(r.claim.name, view.head[min(skip, len(view.head)):]) == "jsonl" {
		r.rows = newJSON(text, r.s.options)
	} else if err := r.openCSV(text); err != nil || r.condemned != nil {
		return err
	}
	for r.number < r.at.Row {
		row, err := r.rows.next()
		if err != nil {
			return fmt.Errorf("read %q again: %w", r.claim.name, err)
		}
		r.number++
		if r.replace() {
			r.take(row, nil) // for its key
		}
	}
	return nil
}

func (r *reading) openCSV(text io.Reader) error {
	csv := newCSV(text, r.s.options)
	r.rows = csv
	first, err := csv.next()
	switch {
	case errors.Is(err, io.EOF):
		r.condemned = &problem{reasonMissing, "文件为空,没有表头 / the file is empty, it has no heading line"}
	case err != nil && !errors.Is(err, errManyOpen):
		return fmt.Errorf("read %q: %w", r.claim.name, err)
	case err != nil || first.bad != nil:
		r.condemned = &problem{reasonUnreadable, "表头无法读取 / the heading line cannot be read"}
	default:
		r.header, r.unknown, r.condemned = r.columns.header(first.fields)
		if r.unknown > 0 && r.condemned == nil && r.at.Row == 0 {
			r.s.log.Warn("columns that are not of the dataset are left out", "file", r.claim.name, "columns", r.unknown)
		}
	}
	return nil
}

// fingerprint is how a file's content stands in the position: keyed, since a
// file of one row would not survive an unkeyed digest.
func (s *source) fingerprint(sum []byte) string {
	return hex.EncodeToString(s.cfg.Keyed("file", sum))
}

// format decides between csv and jsonl.
func (s *source) format(name string, head []byte) string {
	if s.options.Format != "auto" {
		return s.options.Format
	}
	lower := strings.ToLower(name)
	for _, ext := range []string{".jsonl", ".ndjson", ".json"} {
		if strings.HasSuffix(lower, ext) {
			return "jsonl"
		}
	}
	if !strings.HasSuffix(lower, ".csv") && bytes.HasPrefix(bytes.TrimSpace(head), []byte("{")) {
		return "jsonl"
	}
	return "csv"
}

// batch yields the next rows; at the end of the file its position is not Open.
func (r *reading) batch(ctx context.Context) (connectors.Batch, error) {
	var b connectors.Batch
	if r.duplicate {
		r.s.log.Info("file skipped: its content was taken before", "file", r.claim.name)
		r.at = r.at.end(false, false)
		return b, nil
	}
	bytes := 0
	for r.condemned == nil && r.deletes == nil {
		if len(b.Changes)+len(b.Rejections) >= r.s.options.BatchRows || bytes >= 1<<20 {
			return b, ctx.Err()
		}
		row, err := r.rows.next()
		switch {
		case errors.Is(err, io.EOF):
			if err := r.endRows(&b); err != nil {
				return b, err
			}
			if r.condemned == nil && r.deletes == nil {
				r.at = r.at.end(true, false)
				return b, nil
			}
			continue
		case errors.Is(err, errManyOpen):
			r.condemned = &problem{reasonUnreadable, "引号大量不成对,其余行未读取 / too many quotes do not pair: the rest of the file was not read"}
			continue
		case err != nil:
			return b, fmt.Errorf("read %q: %w", r.claim.name, err)
		}
		r.number++
		r.at.Row = r.number
		bytes += len(row.raw)
		if r.take(row, &b) {
			r.at.Bad = 0
		} else if r.at.Bad++; r.at.Bad >= r.s.options.MaxBad {
			r.condemned = &problem{reasonUnreadable, fmt.Sprintf("连续 %d 行有错,其余行未读取 / %d bad rows in a run: the rest of the file was not read", r.at.Bad, r.at.Bad)}
		}
	}
	if r.condemned != nil {
		return b, r.reject(&b)
	}
	return b, r.infer(&b)
}

// take turns one row into a change or rejections; without a batch it only notes
// the key.
func (r *reading) take(row row, b *connectors.Batch) bool {
	cells, bad := r.cells(row)
	if bad != nil {
		if r.keys != nil {
			r.keys.unreadable = true
		}
		if b != nil {
			r.refuse(b, row, "", *bad)
		}
		return false
	}
	record, key, problems := connectors.Row(r.s.dataset, cells)
	if r.keys != nil {
		r.keys.add(key)
	}
	if b == nil {
		return true
	}
	for _, p := range problems {
		r.refuse(b, row, p.Field, problem{p.Reason, p.Detail})
	}
	if len(problems) > 0 {
		return false
	}
	op := schemas.Update
	if r.replace() {
		op = schemas.Snapshot
	}
	b.Changes = append(b.Changes, schemas.Change{Dataset: r.s.dataset, Key: key, Op: op, Record: record, Origin: r.origin(r.number)})
	return true
}

func (r *reading) cells(row row) ([]connectors.Cell, *problem) {
	if row.bad != nil {
		return nil, row.bad
	}
	for _, f := range row.fields {
		if !utf8.ValidString(f) || strings.ContainsRune(f, utf8.RuneError) {
			return nil, &problem{reasonUnreadable, "含有无法解码的字节 / holds bytes that do not decode"}
		}
	}
	if row.names != nil || r.header == nil {
		cells, unknown, bad := r.columns.named(row)
		if unknown > 0 && r.unknown == 0 {
			r.unknown = unknown
			r.s.log.Warn("names that are not of the dataset are left out", "file", r.claim.name, "line", row.line)
		}
		return cells, bad
	}
	return r.columns.cells(r.header, row)
}

func (r *reading) origin(minor uint32) schemas.Origin {
	return schemas.Origin{Source: r.s.cfg.Name, Sequence: r.at.sequence(minor), At: r.time}
}

func (r *reading) refuse(b *connectors.Batch, row row, field string, p problem) {
	locator := r.claim.name
	if row.line > 0 {
		locator += ":" + strconv.Itoa(row.line)
	}
	if field != "" {
		locator += ":" + field
	}
	b.Rejections = append(b.Rejections, contract.Rejection{
		Dataset: r.s.dataset.ID, Field: field, Reason: p.reason, Detail: p.detail,
		Source: r.s.cfg.Name, At: r.time, Locator: locator, Digest: r.s.cfg.Digest(row.raw),
	})
}

// endRows is reached behind the last row: is it still the file we began with?
func (r *reading) endRows(b *connectors.Batch) error {
	if _, err := io.Copy(io.Discard, io.TeeReader(r.file, r.sum)); err != nil {
		return fmt.Errorf("read %q: %w", r.claim.name, err)
	}
	if r.s.fingerprint(r.sum.Sum(nil)) != r.at.Digest {
		r.condemned = changed
		return nil
	}
	if !r.replace() {
		return nil
	}
	if r.keys.unreadable {
		r.refuse(b, row{}, "", problem{reasonUnreadable, "有行的主键无法读取,本次不推断删除 / the key of some row could not be read: no deletes are inferred from this file"})
		r.deletes = &deletes{}
		return r.s.inbox.merge(r.at, r.keys)
	}
	var err error
	r.deletes, err = r.s.inbox.compare(r.at, r.keys)
	return err
}

// infer yields the deletes of a replace file, then ends it.
func (r *reading) infer(b *connectors.Batch) error {
	for r.deletes.previous != nil && len(b.Changes)+len(b.Rejections) < r.s.options.BatchRows {
		key, err := r.deletes.next()
		if errors.Is(err, io.EOF) {
			r.at = r.at.end(true, true)
			return nil
		}
		if err != nil {
			return err
		}
		r.at.Deletes++
		b.Changes = append(b.Changes, schemas.Change{Dataset: r.s.dataset, Key: key, Op: schemas.Delete, Origin: r.origin(r.number + r.at.Deletes)})
	}
	if r.deletes.previous == nil && r.at.Open {
		r.at = r.at.end(true, true)
	}
	return nil
}

// reject ends a file that could not be taken as a whole. Rows of it may be
// published already: a later complete file must know their keys.
func (r *reading) reject(b *connectors.Batch) error {
	if err := r.s.inbox.reason(r.claim, r.condemned.detail); err != nil {
		return err
	}
	b.Rejections = append(b.Rejections, contract.Rejection{
		Dataset: r.s.dataset.ID, Reason: r.condemned.reason, Detail: r.condemned.detail,
		Source: r.s.cfg.Name, At: r.time, Locator: r.claim.name, Digest: r.s.cfg.Digest([]byte(r.at.Digest)),
	})
	partial := r.keys != nil && len(r.keys.keys) > 0
	if partial {
		if err := r.s.inbox.merge(r.at, r.keys); err != nil {
			return err
		}
	}
	r.at = r.at.end(false, partial)
	return nil
}

func (r *reading) close() {
	if r.deletes != nil {
		r.deletes.close()
	}
	if r.file != nil {
		_ = r.file.Close() // read only: nothing can be lost
		r.file = nil
	}
}

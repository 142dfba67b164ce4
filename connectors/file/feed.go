package file

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"github.com/yiyuan-bus/yiyuan/connectors/file/format"
	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// feed is the rows of a file as they are read from it.
type feed struct {
	file     *os.File
	sum      hash.Hash // of what has been read, to notice a change under our hands
	rows     format.Rows
	header   []int // of CSV
	headings []string
}

// form is how a file is written.
type form struct {
	charset string
	skip    int    // bytes before its text
	kind    string // see formatOf
}

// rowsOf opens the rows of a file from its start, or says why it has none that can be read.
func rowsOf(file *os.File, how form, limits format.Limits, c *tabular.Columns) (*feed, *tabular.Problem, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, nil, fmt.Errorf("rewind: %w", bare(err))
	}
	f := &feed{file: file, sum: sha256.New()}
	raw := io.TeeReader(file, f.sum)
	if _, err := io.CopyN(io.Discard, raw, int64(how.skip)); err != nil {
		return nil, nil, bare(err)
	}
	text := format.Decode(raw, how.charset)
	switch how.kind {
	case "pretty":
		return nil, tabular.Bad(contract.ReasonUnreadable, "JSON 写成了多行；请每行写一个对象，或用数组 / JSON over several lines: write one object a line, or an array"), nil
	case "array":
		f.rows = format.NewArray(text, limits)
	case "jsonl":
		f.rows = format.NewJSON(text, limits)
	default:
		bad, err := f.openCSV(format.NewCSV(text, limits), c)
		if err != nil {
			return nil, nil, bare(err)
		}
		return f, bad, nil
	}
	return f, nil, nil
}

func (f *feed) openCSV(csv *format.CSV, c *tabular.Columns) (*tabular.Problem, error) {
	f.rows = csv
	first, err := csv.Next()
	for err == nil && first.Blank {
		first, err = csv.Next()
	}
	switch {
	case errors.Is(err, io.EOF):
		return tabular.Bad(contract.ReasonMissing, "文件为空，没有表头 / the file is empty, it has no heading line"), nil
	case err != nil && !errors.Is(err, format.ErrManyOpen):
		return nil, err
	case err != nil || first.Bad != nil:
		return tabular.Bad(contract.ReasonUnreadable, "表头无法读取 / the heading line cannot be read"), nil //nolint:nilerr // the file is refused, which is no error of ours
	}
	var bad *tabular.Problem
	f.header, bad = c.Header(first.Fields)
	f.headings = first.Fields
	return bad, nil
}

// formatOf decides, by what the options say, between csv, jsonl, array (of JSON) and pretty (JSON that is
// none of these).
func formatOf(kind, name string, head []byte) string {
	start := bytes.TrimSpace(head)
	if kind == "auto" {
		kind = "csv"
		lower := strings.ToLower(name)
		for _, ext := range []string{".jsonl", ".ndjson", ".json"} {
			if strings.HasSuffix(lower, ext) {
				kind = "jsonl"
			}
		}
		if !strings.HasSuffix(lower, ".csv") && (bytes.HasPrefix(start, []byte("{")) || bytes.HasPrefix(start, []byte("[{"))) {
			kind = "jsonl"
		}
	}
	line, _, _ := bytes.Cut(start, []byte("\n"))
	switch {
	case kind == "jsonl" && bytes.HasPrefix(start, []byte("[")):
		return "array"
	case kind == "jsonl" && string(bytes.TrimSpace(line)) == "{":
		return "pretty"
	}
	return kind
}

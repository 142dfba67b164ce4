package file

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
)

// checkMarker holds a file against what its .done marker says: lines of
// sha256=<hex> and rows=<data lines>, both optional; an empty marker says
// nothing but "whole". The file's offset is void afterwards.
func checkMarker(marker []byte, f *os.File) *problem {
	for text := range strings.Lines(string(marker)) {
		name, value, _ := strings.Cut(strings.TrimSpace(text), "=")
		var ok bool
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "sha256":
			ok = sameDigest(f, strings.TrimSpace(value))
		case "rows":
			ok = sameRows(f, strings.TrimSpace(value))
		default:
			continue
		}
		if !ok {
			return &problem{reasonUnreadable, "文件与 .done 标记不符(摘要或行数) / the file is not what its .done marker says (digest or rows)"}
		}
	}
	return nil
}

func sameDigest(f *os.File, want string) bool {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return false
	}
	return strings.EqualFold(hex.EncodeToString(sum.Sum(nil)), want)
}

// sameRows counts lines that are not blank; the heading line may or may not be
// counted by who wrote the marker.
func sameRows(f *os.File, want string) bool {
	n, err := strconv.Atoi(want)
	if err != nil {
		return false
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false
	}
	count, blank := 0, true
	r := bufio.NewReaderSize(f, 256<<10)
	for {
		c, err := r.ReadByte()
		if errors.Is(err, io.EOF) {
			if !blank {
				count++
			}
			return count == n || count == n+1
		}
		if err != nil {
			return false
		}
		switch c {
		case '\n', '\r':
			if !blank {
				count++
			}
			blank = true
		case ' ', '\t':
		default:
			blank = false
		}
	}
}

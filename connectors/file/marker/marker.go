// Package marker reads what stands in the file that a sender puts beside his own to say that
// it is whole: nothing, how many rows, lines or bytes it has, digests of it.
package marker

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // names damage in transfer as the sender's tool does; no defence against forgery is meant
	"crypto/sha1" //nolint:gosec // as md5
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/unicode/norm"

	"github.com/yiyuan-bus/yiyuan/connectors/file/format"
	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Says is what a marker says about its file.
type Says struct {
	digests     []digest
	Rows, lines int // -1 if it does not say
	size        int64
}

type digest struct {
	algorithms []string // any of them
	hex        string
	name       string // of the file it is about, "" if the marker does not say
}

var algorithms = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New, "sm3": sm3.New,
}

// byLength is which digests have so many hexadecimal digits.
var byLength = map[int][]string{32: {"md5"}, 40: {"sha1"}, 56: {"sha224"}, 64: {"sha256", "sm3"}, 96: {"sha384"}, 128: {"sha512"}}

var (
	bsdLine   = regexp.MustCompile(`^([A-Za-z0-9-]+) ?\((.*)\) ?= ?([0-9A-Fa-f]+)$`)
	namedLine = regexp.MustCompile(`^\\?([0-9A-Fa-f]{32,128})(?: [ *]|\t+\*?| )(.+)$`)
	bareLine  = regexp.MustCompile(`^[0-9A-Fa-f]{32,128}$`)
	wordLine  = regexp.MustCompile(`^([A-Za-z0-9_-]+)\s*[=:]\s*(.*)$`)
	tableLine = regexp.MustCompile(`^([A-Za-z0-9-]+)\s+([0-9A-Fa-f]{32,128})(?:\s+(.+))?$`)
	certutil  = regexp.MustCompile(`(?i)^(MD5|SHA1|SHA256|SHA384|SHA512)\s.*(hash|哈希).*[:：]$`)
)

// Parse reads what a marker says: rows=N (of data, without the heading),
// lines=N, size=N, and digests as sha256sum, md5sum, openssl, BSD, certutil and
// Get-FileHash write them, or as sha256=HEX. Only an empty one says nothing but
// "whole"; a line that is none of these is an error, which shows nothing of it.
func Parse(text []byte) (Says, error) {
	w := Says{Rows: -1, lines: -1, size: -1}
	plain, err := decode(text)
	if err != nil {
		return w, err
	}
	algorithm := "" // said in a line before the digest
	number := 0
	for line := range strings.Lines(plain) {
		number++
		line = strings.TrimSpace(line)
		if err := w.read(line, &algorithm); err != nil {
			return w, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if strings.TrimSpace(plain) != "" && w.Rows < 0 && w.lines < 0 && w.size < 0 && len(w.digests) == 0 {
		return w, errLine
	}
	return w, nil
}

// decode decodes a marker: UTF-8, UTF-16 with its mark (PowerShell), GB18030.
func decode(text []byte) (string, error) {
	if bytes.HasPrefix(text, format.OtherMark[0]) || bytes.HasPrefix(text, format.OtherMark[1]) {
		out, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(text)
		return string(out), err
	}
	text = bytes.TrimPrefix(text, format.UTF8Mark)
	if !utf8.Valid(text) {
		out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(text)
		return strings.ReplaceAll(string(out), "\r", "\n"), err
	}
	return strings.ReplaceAll(string(text), "\r", "\n"), nil
}

var errLine = errors.New("not understood")

func (w *Says) read(line string, algorithm *string) error {
	switch {
	case line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "CertUtil:") || strings.Trim(line, "- ") == "":
		return nil
	case strings.Join(strings.Fields(line), " ") == "Algorithm Hash Path":
		return nil
	case bareLine.MatchString(line):
		return w.digest(*algorithm, line, "")
	}
	if m := certutil.FindStringSubmatch(line); m != nil {
		*algorithm = m[1]
		return nil
	}
	if m := bsdLine.FindStringSubmatch(line); m != nil {
		return w.digest(m[1], m[3], m[2])
	}
	if m := namedLine.FindStringSubmatch(line); m != nil {
		return w.digest("", m[1], m[2])
	}
	if m := tableLine.FindStringSubmatch(line); m != nil {
		return w.digest(m[1], m[2], m[3])
	}
	m := wordLine.FindStringSubmatch(line)
	if m == nil {
		return errLine
	}
	return w.word(strings.ToLower(m[1]), strings.TrimSpace(m[2]), algorithm)
}

func (w *Says) word(name, value string, algorithm *string) error {
	number := func(into *int) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || *into >= 0 && *into != n {
			return errLine
		}
		*into = n
		return nil
	}
	switch name {
	case "rows":
		return number(&w.Rows)
	case "lines":
		return number(&w.lines)
	case "size", "bytes":
		n := -1
		if err := number(&n); err != nil || w.size >= 0 && w.size != int64(n) {
			return errLine
		}
		w.size = int64(n)
		return nil
	case "algorithm":
		*algorithm = value
		return nil
	case "hash":
		return w.digest(*algorithm, value, "")
	case "path":
		return nil
	}
	return w.digest(name, value, "")
}

func (w *Says) digest(algorithm, digits, name string) error {
	candidates := byLength[len(digits)]
	if _, err := hex.DecodeString(digits); err != nil || candidates == nil {
		return errLine
	}
	if algorithm != "" {
		a := strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(algorithm), "sha2-", "sha"), "-", "")
		if !slices.Contains(candidates, a) {
			return errLine
		}
		candidates = []string{a}
	}
	w.digests = append(w.digests, digest{candidates, strings.ToLower(digits), name})
	return nil
}

// about returns the digests that are about the file of that name: those that name
// it, those that name none, and a single one whatever it names (the sender may
// have renamed the file since); nil and false if all name others.
func (w *Says) about(name string) ([]digest, bool) {
	var mine []digest
	for _, d := range w.digests {
		if d.name == "" || baseName(d.name) == baseName(name) {
			mine = append(mine, d)
		}
	}
	if len(mine) == 0 && len(w.digests) == 1 {
		return w.digests, true
	}
	return mine, len(mine) > 0 || len(w.digests) == 0
}

func baseName(s string) string {
	s = strings.TrimRight(s, `/\`)
	return norm.NFC.String(s[strings.LastIndexAny(s, `/\`)+1:])
}

// Quoted is a number that a marker says, as it may be told: one of more than ten digits
// may be the number of a person.
func Quoted(n int64) string {
	const tenDigits = 9_999_999_999
	if n > tenDigits {
		return ">9999999999"
	}
	return strconv.FormatInt(n, 10)
}

// Check holds a file against what its marker says, but for its rows, which
// are counted later: they are in Rows. The file's offset is void afterwards.
func (w *Says) Check(name string, f *os.File, view format.Survey) (*tabular.Problem, error) {
	if w.size >= 0 && w.size != view.Size {
		return tabular.Bad(contract.ReasonUnreadable, fmt.Sprintf("标记称 %s 字节，文件有 %d 字节；请重新传送 / its marker says %s bytes, the file has %d: send it again", Quoted(w.size), view.Size, Quoted(w.size), view.Size)), nil
	}
	if lines := view.Lines; w.lines >= 0 && w.lines != lines && (!view.Open || w.lines != lines+1) {
		return tabular.Bad(contract.ReasonUnreadable, fmt.Sprintf("标记称 %s 个文本行，文件有 %d 个；请重新传送 / its marker says %s lines, the file has %d: send it again", Quoted(int64(w.lines)), lines, Quoted(int64(w.lines)), lines)), nil
	}
	mine, ok := w.about(name)
	if !ok {
		return tabular.Bad(contract.ReasonUnreadable, "标记里的摘要都属于别的文件 / the digests in its marker are all of other files"), nil
	}
	for _, d := range mine {
		same, err := sameDigest(d, f, view)
		if err != nil {
			return nil, err
		}
		if !same {
			return tabular.Bad(contract.ReasonUnreadable, fmt.Sprintf("文件与标记中的 %s 摘要不符；请重新传送 / the file is not what the %s in its marker says: send it again", d.algorithms[0], d.algorithms[0])), nil
		}
	}
	return nil, nil
}

func sameDigest(d digest, f *os.File, view format.Survey) (bool, error) {
	for _, name := range d.algorithms {
		got := view.Digest
		if name != "sha256" {
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return false, err
			}
			sum := algorithms[name]()
			if _, err := io.Copy(sum, f); err != nil {
				return false, err
			}
			got = sum.Sum(nil)
		}
		if hex.EncodeToString(got) == d.hex {
			return true, nil
		}
	}
	return false, nil
}

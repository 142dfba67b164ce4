package file

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

const (
	charsetAuto    = "auto"
	charsetUTF8    = "utf-8"
	charsetGB18030 = "gb18030"
)

var (
	utf8Mark  = []byte{0xEF, 0xBB, 0xBF}
	gbMark    = []byte{0x84, 0x31, 0x95, 0x33}
	otherMark = [][]byte{{0xFF, 0xFE}, {0xFE, 0xFF}} // UTF-16, and UTF-32 little endian
	knownBad  = []struct{ magic, name string }{
		{"PK\x03\x04", "ZIP/XLSX"}, {"\xD0\xCF\x11\xE0", "XLS"}, {"\x1F\x8B", "GZIP"}, {"%PDF", "PDF"},
	}
)

// survey is what one pass over a file's bytes tells.
type survey struct {
	size    int64
	digest  []byte // SHA-256
	head    []byte
	utf8    bool
	hasZero bool
}

// look reads a file once, from start to end.
func look(r io.Reader) (survey, error) {
	s := survey{utf8: true}
	sum := sha256.New()
	buffer := make([]byte, 256<<10)
	carried := 0 // bytes of a character cut by the end of the last read
	for {
		n, err := r.Read(buffer[carried:])
		chunk := buffer[:carried+n]
		fresh := buffer[carried : carried+n]
		s.size += int64(n)
		sum.Write(fresh)
		if len(s.head) < 1024 {
			s.head = append(s.head, fresh[:min(n, 1024-len(s.head))]...)
		}
		s.hasZero = s.hasZero || bytes.IndexByte(fresh, 0) >= 0
		carried = 0
		if s.utf8 {
			rest := incomplete(chunk)
			if err != nil {
				rest = 0
			}
			s.utf8 = utf8.Valid(chunk[:len(chunk)-rest])
			carried = copy(buffer, chunk[len(chunk)-rest:])
		}
		if errors.Is(err, io.EOF) {
			s.digest = sum.Sum(nil)
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("read file: %w", err)
		}
	}
}

// incomplete counts the bytes at the end of b that begin a UTF-8 character
// whose rest is not there yet.
func incomplete(b []byte) int {
	for n := 1; n <= min(3, len(b)); n++ {
		c := b[len(b)-n]
		if utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// choose decides how a file is decoded; skip is the length of its byte order mark.
func choose(s survey, declared string, reopen func() (io.ReadCloser, error)) (charset string, skip int, _ *problem, _ error) {
	for _, k := range knownBad {
		if bytes.HasPrefix(s.head, []byte(k.magic)) {
			return "", 0, &problem{reasonUnreadable, fmt.Sprintf("这是 %s 文件,不是文本;请另存为 CSV 或 JSONL / this is a %s file, not text: save it as CSV or JSONL", k.name, k.name)}, nil
		}
	}
	for _, m := range otherMark {
		if bytes.HasPrefix(s.head, m) {
			return "", 0, &problem{reasonUnreadable, "UTF-16 编码不受支持,请另存为 UTF-8 或 GB18030 / UTF-16 is not taken: save as UTF-8 or GB18030"}, nil
		}
	}
	if s.hasZero {
		return "", 0, &problem{reasonUnreadable, "文件含零字节,不是文本 / the file holds zero bytes, it is not text"}, nil
	}
	if bytes.HasPrefix(s.head, utf8Mark) {
		skip = len(utf8Mark)
	} else if bytes.HasPrefix(s.head, gbMark) {
		skip = len(gbMark)
	}
	switch {
	case declared == charsetUTF8 && skip != len(gbMark), declared == charsetAuto && s.utf8:
		return charsetUTF8, skip, nil, nil
	case declared == charsetGB18030 && skip != len(utf8Mark):
		return charsetGB18030, skip, nil, nil
	case declared != charsetAuto:
		return "", 0, &problem{reasonUnreadable, "字节序标记与声明的编码不符 / the byte order mark contradicts the declared charset"}, nil
	}
	f, err := reopen()
	if err != nil {
		return "", 0, nil, err
	}
	valid, err := validGB18030(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", 0, nil, fmt.Errorf("read file: %w", err)
	}
	if !valid {
		return "", 0, &problem{reasonUnreadable, "既不是有效的 UTF-8,也不是有效的 GB18030 / neither valid UTF-8 nor valid GB18030"}, nil
	}
	return charsetGB18030, skip, nil, nil
}

// validGB18030 reports whether everything decodes: the decoder writes U+FFFD
// where it does not.
func validGB18030(r io.Reader) (bool, error) {
	decoded := transform.NewReader(r, simplifiedchinese.GB18030.NewDecoder())
	buffer := make([]byte, 64<<10)
	tail := 0
	for {
		n, err := decoded.Read(buffer[tail:])
		if bytes.Contains(buffer[:tail+n], []byte(string(utf8.RuneError))) {
			return false, nil
		}
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		tail = copy(buffer, buffer[max(0, tail+n-2):tail+n])
	}
}

// decode turns a file's bytes into UTF-8.
func decode(r io.Reader, charset string) io.Reader {
	if charset == charsetGB18030 {
		return transform.NewReader(r, simplifiedchinese.GB18030.NewDecoder())
	}
	return r
}

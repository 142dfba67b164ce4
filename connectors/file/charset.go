package file

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

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
	size   int64
	digest []byte // SHA-256
	head   []byte
	zeros  int64
	lines  int  // ends of physical lines
	open   bool // the last line has no end
	tally  tally
}

// look reads a file once, from start to end.
func look(r io.Reader) (survey, error) {
	var s survey
	sum := sha256.New()
	buffer := make([]byte, 256<<10)
	last := byte('\n')
	for {
		n, err := r.Read(buffer)
		fresh := buffer[:n]
		s.size += int64(n)
		sum.Write(fresh)
		if len(s.head) < 1024 {
			s.head = append(s.head, fresh[:min(n, 1024-len(s.head))]...)
		}
		s.zeros += int64(bytes.Count(fresh, []byte{0}))
		s.lines += ends(last, fresh)
		s.tally.feed(fresh)
		if len(fresh) > 0 {
			last = fresh[len(fresh)-1]
		}
		if errors.Is(err, io.EOF) {
			s.tally.end()
			s.digest, s.open = sum.Sum(nil), last != '\n' && last != '\r'
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("read file: %w", bare(err))
		}
	}
}

// ends counts LF, CR LF and CR, each once.
func ends(last byte, b []byte) int {
	n := bytes.Count(b, []byte{'\n'}) + bytes.Count(b, []byte{'\r'}) - bytes.Count(b, []byte("\r\n"))
	if last == '\r' && len(b) > 0 && b[0] == '\n' {
		n--
	}
	return n
}

// choose decides how a file is decoded; skip is the length of its byte order
// mark. What the bytes look like is held against what is declared: a wrong
// charset seldom fails to decode, it makes other names of them.
func choose(s survey, declared string) (charset string, skip int, _ *problem) {
	for _, k := range knownBad {
		if bytes.HasPrefix(s.head, []byte(k.magic)) {
			return "", 0, &problem{reasonUnreadable, fmt.Sprintf("这是 %s 文件，不是文本；请另存为 CSV 或 JSONL / this is a %s file, not text: save it as CSV or JSONL", k.name, k.name)}
		}
	}
	for _, m := range otherMark {
		if bytes.HasPrefix(s.head, m) {
			return "", 0, &problem{reasonUnreadable, "UTF-16 编码不受支持，请另存为 UTF-8 或 GB18030 / UTF-16 is not taken: save as UTF-8 or GB18030"}
		}
	}
	if s.zeros*5 > s.size {
		return "", 0, &problem{reasonUnreadable, "文件多为零字节，看起来是 UTF-16 或二进制；请另存为 UTF-8 或 GB18030 / many zero bytes: it looks like UTF-16 or no text at all; save as UTF-8 or GB18030"}
	}
	mark := ""
	if bytes.HasPrefix(s.head, utf8Mark) {
		mark, skip = charsetUTF8, len(utf8Mark)
	} else if bytes.HasPrefix(s.head, gbMark) {
		mark, skip = charsetGB18030, len(gbMark)
	}
	if mark != "" && declared != charsetAuto && declared != mark {
		return "", 0, &problem{reasonUnreadable, "字节序标记与声明的编码不符 / the byte order mark contradicts the declared charset"}
	}
	return against(s.tally.guess(), declared, mark, skip)
}

func against(g guess, declared, mark string, skip int) (string, int, *problem) {
	wrong := func(looks string) (string, int, *problem) {
		return "", 0, &problem{reasonUnreadable, fmt.Sprintf("声明的编码是 %s，但内容看起来是 %s；请改正 charset 或重新导出 / declared %s, but it looks like %s: mend charset or export it again", declared, looks, declared, looks)}
	}
	switch {
	case g == guessBig5:
		return "", 0, &problem{reasonUnreadable, "内容看起来是 Big5（繁体），不受支持；请另存为 UTF-8 或 GB18030 / it looks like Big5, which is not taken: save as UTF-8 or GB18030"}
	case mark != "" && (g == guessUTF8) != (mark == charsetUTF8) && (g == guessUTF8 || g == guessGB):
		return "", 0, &problem{reasonUnreadable, "字节序标记与内容的编码不符 / the byte order mark contradicts the charset of what follows"}
	case mark != "":
		return mark, skip, nil
	case declared == charsetGB18030 && g == guessUTF8:
		return wrong("UTF-8")
	case declared == charsetUTF8 && g == guessGB:
		return wrong("GB18030")
	case declared != charsetAuto:
		return declared, 0, nil
	case g == guessGB:
		return charsetGB18030, 0, nil
	case g == guessUnclear:
		return "", 0, &problem{reasonUnreadable, "编码无法确定：UTF-8 与 GB18030 都不像或都像；请用 charset 声明，或另存为 UTF-8 / the charset is not clear, neither or both of UTF-8 and GB18030 fit: declare it by charset, or save as UTF-8"}
	}
	return charsetUTF8, 0, nil
}

// decode turns a file's bytes into UTF-8.
func decode(r io.Reader, charset string) io.Reader {
	if charset == charsetGB18030 {
		return transform.NewReader(r, simplifiedchinese.GB18030.NewDecoder())
	}
	return r
}

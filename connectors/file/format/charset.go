package format

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"

	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// The charsets that a file may be in; CharsetAuto is found out.
const (
	CharsetAuto    = "auto"
	CharsetUTF8    = "utf-8"
	CharsetGB18030 = "gb18030"
)

// What may stand at the start of a file.
var (
	UTF8Mark  = []byte{0xEF, 0xBB, 0xBF}
	gbMark    = []byte{0x84, 0x31, 0x95, 0x33}
	OtherMark = [][]byte{{0xFF, 0xFE}, {0xFE, 0xFF}} // UTF-16, and UTF-32 little endian
	knownBad  = []struct{ magic, name string }{
		{"PK\x03\x04", "ZIP/XLSX"}, {"\xD0\xCF\x11\xE0", "XLS"}, {"\x1F\x8B", "GZIP"}, {"%PDF", "PDF"},
	}
)

// Survey is what one pass over a file's bytes tells.
type Survey struct {
	Size   int64
	Digest []byte // SHA-256
	Head   []byte
	Lines  int  // ends of physical lines
	Open   bool // the last line has no end

	zeros int64
	tally tally
}

// Look reads a file once, from start to end.
func Look(r io.Reader) (Survey, error) {
	var s Survey
	sum := sha256.New()
	buffer := make([]byte, 256<<10)
	last := byte('\n')
	for {
		n, err := r.Read(buffer)
		fresh := buffer[:n]
		s.Size += int64(n)
		sum.Write(fresh)
		if len(s.Head) < 1024 {
			s.Head = append(s.Head, fresh[:min(n, 1024-len(s.Head))]...)
		}
		s.zeros += int64(bytes.Count(fresh, []byte{0}))
		s.Lines += ends(last, fresh)
		s.tally.feed(fresh)
		if len(fresh) > 0 {
			last = fresh[len(fresh)-1]
		}
		if errors.Is(err, io.EOF) {
			s.tally.end()
			s.Digest, s.Open = sum.Sum(nil), last != '\n' && last != '\r'
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("read file: %w", err)
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

// Choose decides how a file is decoded; skip is the length of its byte order
// mark. What the bytes look like is held against what is declared: a wrong
// charset seldom fails to decode, it makes other names of them.
func Choose(s Survey, declared string) (charset string, skip int, _ *tabular.Problem) {
	for _, k := range knownBad {
		if bytes.HasPrefix(s.Head, []byte(k.magic)) {
			return "", 0, tabular.Bad(contract.ReasonUnreadable, fmt.Sprintf("这是 %s 文件，不是文本；请另存为 CSV 或 JSONL / this is a %s file, not text: save it as CSV or JSONL", k.name, k.name))
		}
	}
	for _, m := range OtherMark {
		if bytes.HasPrefix(s.Head, m) {
			return "", 0, tabular.Bad(contract.ReasonUnreadable, "UTF-16 编码不受支持，请另存为 UTF-8 或 GB18030 / UTF-16 is not taken: save as UTF-8 or GB18030")
		}
	}
	if s.zeros*5 > s.Size {
		return "", 0, tabular.Bad(contract.ReasonUnreadable, "文件多为零字节，看起来是 UTF-16 或二进制；请另存为 UTF-8 或 GB18030 / many zero bytes: it looks like UTF-16 or no text at all; save as UTF-8 or GB18030")
	}
	mark := ""
	if bytes.HasPrefix(s.Head, UTF8Mark) {
		mark, skip = CharsetUTF8, len(UTF8Mark)
	} else if bytes.HasPrefix(s.Head, gbMark) {
		mark, skip = CharsetGB18030, len(gbMark)
	}
	if mark != "" && declared != CharsetAuto && declared != mark {
		return "", 0, tabular.Bad(contract.ReasonUnreadable, "字节序标记与声明的编码不符 / the byte order mark contradicts the declared charset")
	}
	return against(s.tally.guess(), declared, mark, skip)
}

func against(g guess, declared, mark string, skip int) (string, int, *tabular.Problem) {
	wrong := func(looks string) (string, int, *tabular.Problem) {
		return "", 0, tabular.Bad(contract.ReasonUnreadable, fmt.Sprintf("声明的编码是 %s，但内容看起来是 %s；请改正 charset 或重新导出 / declared %s, but it looks like %s: mend charset or export it again", declared, looks, declared, looks))
	}
	switch {
	case g == guessBig5:
		return "", 0, tabular.Bad(contract.ReasonUnreadable, "内容看起来是 Big5（繁体），不受支持；请另存为 UTF-8 或 GB18030 / it looks like Big5, which is not taken: save as UTF-8 or GB18030")
	case mark != "" && (g == guessUTF8) != (mark == CharsetUTF8) && (g == guessUTF8 || g == guessGB):
		return "", 0, tabular.Bad(contract.ReasonUnreadable, "字节序标记与内容的编码不符 / the byte order mark contradicts the charset of what follows")
	case mark != "":
		return mark, skip, nil
	case declared == CharsetGB18030 && g == guessUTF8:
		return wrong("UTF-8")
	case declared == CharsetUTF8 && g == guessGB:
		return wrong("GB18030")
	case declared != CharsetAuto:
		return declared, 0, nil
	case g == guessGB:
		return CharsetGB18030, 0, nil
	case g == guessUnclear:
		return "", 0, tabular.Bad(contract.ReasonUnreadable, "编码无法确定：UTF-8 与 GB18030 都不像或都像；请用 charset 声明，或另存为 UTF-8 / the charset is not clear, neither or both of UTF-8 and GB18030 fit: declare it by charset, or save as UTF-8")
	}
	return CharsetUTF8, 0, nil
}

// Decode turns a file's bytes into UTF-8.
func Decode(r io.Reader, charset string) io.Reader {
	if charset == CharsetGB18030 {
		return transform.NewReader(r, simplifiedchinese.GB18030.NewDecoder())
	}
	return r
}

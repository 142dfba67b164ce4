package grants

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// What an access file may be. The YAML library takes time that grows with the
// square, or worse, of what is nested or repeated in ways that no access file is;
// so such a file is refused before it is parsed, by the line, and whoever may write
// the file cannot stop the gateway from noticing the next change of it.
const (
	maxLine   = 64 << 10 // bytes
	maxIndent = 64       // spaces
	maxNested = 8        // brackets open at once, and marks of lists or keys in front of one item
)

// bounded looks at a file before it is parsed. It knows no more of YAML than that:
// brackets in a quoted text count too.
func bounded(text []byte) error {
	depth, at := 0, 0
	for line := range bytes.Lines(text) {
		at++
		refuse := func(why string) error {
			chinese, english, _ := strings.Cut(why, " / ")
			return &document.SyntaxError{Line: at, Column: 1, Chinese: chinese, English: english}
		}
		switch body := bytes.TrimLeft(line, " "); {
		case len(line) > maxLine:
			return refuse(fmt.Sprintf("一行超过 %d 字节 / a line of more than %d bytes", maxLine, maxLine))
		case len(line)-len(body) > maxIndent:
			return refuse(fmt.Sprintf("缩进超过 %d 格 / indented by more than %d spaces", maxIndent, maxIndent))
		case marks(body) > 2:
			return refuse("列表套列表 / lists in lists")
		case reference(body):
			return refuse("不能用锚点、别名、标签或块文本（& * ! | > <<:） / anchors, aliases, tags and block texts are not taken")
		}
		for _, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(0, depth-1)
			}
			if depth > maxNested {
				return refuse(fmt.Sprintf("括号超过 %d 层 / more than %d brackets deep", maxNested, maxNested))
			}
		}
		if bytes.ContainsRune(line, '\r') && !bytes.HasSuffix(line, []byte("\r\n")) || bytes.ContainsFunc(line, control) {
			return refuse("有控制字符 / a control character")
		}
	}
	return nil
}

func control(r rune) bool {
	return r < ' ' && r != '\t' && r != '\r' && r != '\n' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// marks counts the marks of lists and explicit keys in front of what a line says.
func marks(body []byte) (n int) {
	for len(body) > 0 && strings.IndexByte("-?:", body[0]) >= 0 && (len(body) == 1 || strings.IndexByte(" \t\r\n", body[1]) >= 0) {
		n++
		body = bytes.TrimLeft(body[1:], " \t")
	}
	return n
}

// reference reports whether what a line says begins by a reference, a tag or a
// block text, as a value or an item.
func reference(body []byte) bool {
	if bytes.HasPrefix(body, []byte("#")) {
		return false
	}
	for {
		body = bytes.TrimLeft(body, " \t-?:[{,")
		if len(body) == 0 {
			return false
		}
		switch body[0] {
		case '&', '*', '!', '|', '>', '%', '@', '`':
			return true
		case '<':
			return bytes.HasPrefix(body, []byte("<<"))
		case '"', '\'':
			return false // a text: what follows is the parser's business
		}
		// The value of a key, if there is one.
		i := bytes.Index(body, []byte(": "))
		if i < 0 {
			return false
		}
		body = body[i+2:]
	}
}

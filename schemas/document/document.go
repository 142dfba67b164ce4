// Package document holds what every YAML file of ours has in common, whoever reads
// it: a catalogue, a configuration, grants, keys. It is one document in UTF-8, and an
// editor's byte order mark in front of it is no part of it.
package document

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// What is said of a second document, in every file of ours.
const (
	Chinese = "一个文件只能有一个 YAML 文档"
	English = "a file holds one YAML document"
)

var byteOrderMark = []byte("\uFEFF")

// One returns the text of a YAML file without the byte order mark. It refuses a text in
// another encoding, which would be read as other words, and a second document: whoever
// reads one would not see it. Every YAML file is read through it.
func One(text []byte) ([]byte, error) {
	text = bytes.TrimPrefix(text, byteOrderMark)
	if line := foreign(text); line > 0 {
		return text, &EncodingError{Line: line}
	}
	if line := secondDocument(text); line > 0 {
		return text, &SecondError{Line: line}
	}
	return text, nil
}

// EncodingError says on which line a text is first not UTF-8.
type EncodingError struct{ Line int }

// What is said of another encoding, in every file of ours.
const (
	foreignChinese = "不是 UTF-8 编码（可能是 GB18030 或 UTF-16），请另存为 UTF-8"
	foreignEnglish = "not UTF-8 (GB18030 or UTF-16?), save it as UTF-8"
)

// Error says the place as the parser of YAML does.
func (e *EncodingError) Error() string {
	return fmt.Sprintf("[%d:1] %s / %s", e.Line, foreignChinese, foreignEnglish)
}

// foreign returns the line of the first byte that is not UTF-8, 0 if there is none.
func foreign(text []byte) int {
	if len(text) > 1 && (text[0] == 0) != (text[1] == 0) { // UTF-16 without a mark: a YAML file begins with ASCII
		return 1
	}
	line := 1
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			return line
		case r == '\n':
			line++
		}
		text = text[size:]
	}
	return 0
}

// SecondError says on which line a second document has its first content.
type SecondError struct{ Line int }

// Error says the place as the parser of YAML does.
func (e *SecondError) Error() string { return fmt.Sprintf("[%d:1] %s / %s", e.Line, Chinese, English) }

// secondDocument returns the line on which a second document has its first content, 0
// if there is none. The marks of documents stand at the very left, where YAML allows
// them in no text, however it is quoted.
func secondDocument(text []byte) int {
	at, content, ended := 0, false, false
	for line := range bytes.Lines(text) {
		at++
		rest, mark := line, false
		for _, m := range []string{"---", "..."} {
			if after, ok := bytes.CutPrefix(line, []byte(m)); ok && (len(after) == 0 || bytes.IndexByte([]byte(" \t\r\n"), after[0]) >= 0) {
				rest, mark = after, true
			}
		}
		ended = ended || mark && content
		rest = bytes.TrimSpace(rest)
		if len(rest) == 0 || rest[0] == '#' || rest[0] == '%' && (ended || !content) {
			continue
		}
		if ended {
			return at
		}
		content = true
	}
	return 0
}

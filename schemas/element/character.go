package element

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// space reports white space, the ideographic and the no-break space included.
func space(r rune) bool { return unicode.IsSpace(r) || r == '\u3000' || r == '\u00a0' }

// invisible reports characters that show nothing and compare unequal: zero
// width marks, byte order marks, soft hyphens, direction marks and variation
// selectors, and letters that only fill a place.
func invisible(r rune) bool {
	switch {
	case r < 0xad:
		return false
	case r == 0xad, r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff, r == 0x61c, r == 0x180e:
		return true
	case r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0, r == 0x2800, r >= 0xe0000 && r <= 0xe007f:
		return true // fillers, the blank of Braille, tags
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0100 && r <= 0xe01ef:
		return true
	}
	return false
}

// narrow maps the full-width forms of ASCII to ASCII.
func narrow(r rune) rune {
	if r >= '！' && r <= '～' {
		return r - '！' + '!'
	}
	return r
}

// gb18030 maps the private-use code points by which GB18030-2005 wrote rare
// characters (生僻字) to where Unicode has them since, as GB18030-2022 does.
var gb18030 = map[rune]rune{
	0xe816: 0x20087, 0xe817: 0x20089, 0xe818: 0x200cc, 0xe81e: 0x9fb4, 0xe826: 0x9fb5, 0xe82b: 0x9fb6, 0xe82c: 0x9fb7,
	0xe831: 0x215d7, 0xe832: 0x9fb8, 0xe83b: 0x2298f, 0xe843: 0x9fb9, 0xe854: 0x9fba, 0xe855: 0x241fe, 0xe864: 0x9fbb,
}

// clean is the part that all texts share: one Unicode form (NFC, which also
// unifies compatibility ideographs), no invisible characters, rare characters
// where they belong. It is repeated until nothing changes, since what one step
// removes may join what another composes.
func clean(s string, f func(rune) rune) string {
	for {
		next := norm.NFC.String(strings.Map(func(r rune) rune {
			if r < 0xad {
				return f(r)
			}
			if invisible(r) {
				return -1
			}
			if to, ok := gb18030[r]; ok {
				r = to
			}
			return f(r)
		}, s))
		if next == s {
			return s
		}
		s = next
	}
}

// compact drops all white space and narrows; upper also upper-cases ASCII.
func compact(upper bool) func(rune) rune {
	return func(r rune) rune {
		r = narrow(r)
		switch {
		case space(r):
			return -1
		case upper && r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}
}

// squeeze joins runs of white space to one space, trims, and drops the spaces
// that stand beside a wide (not ASCII) character: "张 三" is "张三".
func squeeze(s string) string {
	if !strings.ContainsFunc(s, space) {
		return s
	}
	words := strings.FieldsFunc(s, space)
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			last, _ := utf8.DecodeLastRuneInString(words[i-1])
			first, _ := utf8.DecodeRuneInString(w)
			if !han(last) && !han(first) {
				b.WriteByte(' ')
			}
		}
		b.WriteString(w)
	}
	return b.String()
}

func han(r rune) bool { return r == '·' || unicode.Is(unicode.Han, r) || unicode.Is(unicode.Co, r) }

// dot unifies the many middle dots by which names of minorities are written.
func dot(r rune) rune {
	switch r {
	case '\u00b7', '\u2022', '\u30fb', '\uff0e', '\u2027', '\u2219', '\u22c5', '\uff65', '\u16eb', '\u2e31', '\u0387':
		return '·'
	}
	return narrow(r)
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// scientific reports a number that a spreadsheet has rounded and written as
// 1.30E+17: digits are lost for good.
func scientific(s string) bool {
	mantissa, exponent, ok := strings.Cut(strings.ToUpper(s), "E")
	if !ok {
		return false
	}
	exponent = strings.TrimPrefix(exponent, "+")
	whole, fraction, dotted := strings.Cut(mantissa, ".")
	if !dotted && len(exponent) == len(s)-len(mantissa)-1 {
		return false // 12E5 may be a number of its own; 12E+5 is not
	}
	return digits(whole) && len(whole) == 1 && (fraction == "" || digits(fraction)) && digits(exponent)
}

var errSpreadsheet = fail(CodeSpreadsheet, "号码被电子表格改成了科学计数法，原值已丢失，请把该列设为文本后重新导出", "a spreadsheet turned the number into scientific notation and lost digits, export the column as text")

func itoa(n int) string { return strconv.Itoa(n) }

// tidy is a text without what nobody wrote.
func tidy(s string) string {
	if plainText(s) || norm.NFC.IsNormalString(s) && strings.TrimFunc(s, space) == s && !strings.ContainsFunc(s, unwritten) {
		return s
	}
	for {
		next := norm.NFC.String(strings.Map(func(r rune) rune {
			if invisible(r) {
				return -1
			}
			if to, ok := gb18030[r]; ok {
				return to
			}
			return r
		}, s))
		next = strings.TrimFunc(next, space)
		if next == s {
			return s
		}
		s = next
	}
}

// unwritten reports characters that tidy takes away or replaces.
func unwritten(r rune) bool { return invisible(r) || r >= 0xe816 && r <= 0xe864 }

// plainText reports a text of nothing but common Han characters and visible ASCII.
func plainText(s string) bool {
	for _, r := range s {
		if (r < '!' || r > '~') && (r < 0x4e00 || r > 0x9fa5) {
			return false
		}
	}
	return true
}

// sound refuses text that was damaged on its way: it would never compare equal
// to the undamaged one.
func sound(s string) error {
	ascii := true
	for i := range len(s) {
		if b := s[i]; b >= utf8.RuneSelf {
			ascii = false
		} else if b < ' ' && b != '\t' && b != '\n' && b != '\r' || b == 0x7f {
			return fail(CodeEncoding, "含有控制字符", "holds control characters")
		}
	}
	if ascii {
		return nil
	}
	if !utf8.ValidString(s) {
		return fail(CodeEncoding, "不是有效的 UTF-8, 请检查来源编码(如 GB18030)", "not valid UTF-8, check the source's encoding (GB18030?)")
	}
	if strings.ContainsRune(s, utf8.RuneError) {
		return fail(CodeEncoding, "含有替换符 U+FFFD, 文字在来源处已损坏", "holds U+FFFD: the text was damaged before it came here")
	}
	return nil
}

// blank reports whether nothing would be left of s.
func blank(s string) bool {
	for _, r := range s {
		if !space(r) && !invisible(r) {
			return false
		}
	}
	return true
}

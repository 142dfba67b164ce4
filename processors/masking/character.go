package masking

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What a character may be within a number that somebody wrote into a text.
type class uint8

const (
	other   class = iota // ends a number: letters, units, money
	numeral              // a digit in some script
	cross                // X, the check digit ten of an identity number
	joint                // what people put between digits: white space, punctuation, symbols
	unseen               // shows nothing and parts nothing
)

// Joints that are told apart by what they are; every other is the ASCII character that
// it stands for, or one of these.
const (
	anyJoint   byte = 1
	pauseJoint byte = 2 // 、
)

// soft reports whether a joint is one that sentences and lists are made with as well.
// A number that is parted by it needs a form of its own to be taken for one.
func soft(j byte) bool {
	return j != 0 && j != ' ' && j != '-' && j != '.' && j != scripted && j != crossed
}

// classify says what a character is within a number, and the digit it stands for or
// what it parts like.
func classify(r rune) (class, byte) {
	switch {
	case r < common:
		m := &marks[r]
		return m.class, m.byte
	case r >= firstHan && r < lastHan:
		if d := han(r); d != 0 {
			return numeral, d
		}
		return other, 0
	case r >= wide && r <= 0xffff:
		m := &wideMarks[r-wide]
		return m.class, m.byte
	}
	return judge(r)
}

const (
	common   = 0x3400 // below are the scripts and the punctuation of most texts
	firstHan = 0x4e00
	lastHan  = 0xa000
	wide     = 0xff00
)

type mark struct {
	class class
	byte  byte
}

// What judge says, where it is asked most.
var marks, wideMarks = func() (m [common]mark, w [0x10000 - wide]mark) {
	for r := range m {
		m[r].class, m[r].byte = judge(rune(r))
	}
	for r := range w {
		w[r].class, w[r].byte = judge(wide + rune(r))
	}
	return m, w
}()

// crosses are the characters beside X that are read as one and that Unicode does not
// take for one.
const crosses = "×✕✖✗✘╳⨯⨉❌❎ХхΧχⲬⲭᚷ🅧🆇ˣₓ"

// judge is classify without its tables.
func judge(r rune) (class, byte) {
	switch {
	case r >= '0' && r <= '9':
		return numeral, byte(r)
	case r == 'X' || r == 'x' || strings.ContainsRune(crosses, r) && r != utf8.RuneError:
		return cross, 'X'
	case r < utf8.RuneSelf && (r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'):
		return other, 0
	case r == '○':
		return numeral, '0'
	case unicode.IsSpace(r) || strings.ContainsRune("\u115f\u1160\u2800\u3164\uffa0", r):
		return joint, ' '
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Mn, unicode.Me):
		return unseen, 0
	}
	if d := han(r); d != 0 {
		return numeral, d
	}
	if d := digit(r); d != 0 {
		return numeral, d
	}
	if r >= utf8.RuneSelf && unicode.IsLetter(r) && r < 0xf900 {
		return other, 0
	}
	// ⑴ is (1), ⒈ is 1., 🄁 is 1, and ㈠ is (一)
	plain := norm.NFKC.String(string(r))
	switch bare, size := utf8.DecodeRuneInString(strings.Trim(plain, "().,〔〕")); {
	case size == 0 || size != len(strings.Trim(plain, "().,〔〕")):
	case bare >= '0' && bare <= '9':
		return numeral, byte(bare)
	case bare == 'X' || bare == 'x':
		return cross, 'X'
	case han(bare) != 0:
		return numeral, han(bare)
	}
	if !unicode.IsPunct(r) && !unicode.IsSymbol(r) || unicode.Is(unicode.Sc, r) || strings.ContainsRune("%‰‱°′″℃％", r) ||
		strings.ContainsFunc(plain, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
		return other, 0
	}
	return joint, joining(r, plain)
}

// joining says what a mark of punctuation or a symbol parts like.
func joining(r rune, plain string) byte {
	switch {
	case strings.ContainsRune(".．·•‧․・･∙⋅", r):
		return '.'
	case r == '-' || r >= '‐' && r <= '―' || r == '−' || r == '﹘' || r == '﹣' || r == '－' || r == '⁃':
		return '-'
	case unicode.In(r, unicode.Ps, unicode.Pe):
		return '(' // a pair is one kind
	case r == '、' || r == '､':
		return pauseJoint
	case len(plain) == 1:
		return plain[0]
	}
	return anyJoint
}

// han is the digit that a Chinese character stands for where numbers are spelled
// digit by digit, in the plain script, the formal one and that of the radio; 0 if it
// stands for none.
func han(r rune) byte {
	switch r {
	case '零', '〇', '洞':
		return '0'
	case '一', '壹', '幺', '弌', '壱':
		return '1'
	case '二', '贰', '貳', '两', '兩', '弍', '弐', '貮':
		return '2'
	case '三', '叁', '參', '弎', '叄', '参':
		return '3'
	case '四', '肆', '亖':
		return '4'
	case '五', '伍':
		return '5'
	case '六', '陆', '陸':
		return '6'
	case '七', '柒', '拐':
		return '7'
	case '八', '捌':
		return '8'
	case '九', '玖', '勾':
		return '9'
	}
	return 0
}

// sets are the digits that Unicode counts among numbers and takes for no others: those
// in double and black circles, of Suzhou, of Rome and such, the first and the last
// character and the digit of the first.
var sets = [...]struct {
	from, to rune
	first    byte
}{
	{0x2160, 0x2168, 1},
	{0x2170, 0x2178, 1},
	{0x24f5, 0x24fd, 1},
	{0x24ff, 0x24ff, 0},
	{0x2776, 0x277e, 1},
	{0x2780, 0x2788, 1},
	{0x278a, 0x2792, 1},
	{0x3021, 0x3029, 1},
	{0x1369, 0x1371, 1},
	{0x17f0, 0x17f9, 0},
	{0x19da, 0x19da, 1},
	{0xa6e6, 0xa6ee, 1},
	{0xa6ef, 0xa6ef, 0},
	{0x10107, 0x1010f, 1},
	{0x102e1, 0x102e9, 1},
	{0x109c0, 0x109c8, 1},
	{0x10e60, 0x10e68, 1},
	{0x11052, 0x1105a, 1},
	{0x111e1, 0x111e9, 1},
	{0x11c5a, 0x11c62, 1},
	{0x16e80, 0x16e89, 0},
	{0x1d2e0, 0x1d2e9, 0},
	{0x1d360, 0x1d368, 1},
	{0x1e8c7, 0x1e8cf, 1},
	{0x1ec71, 0x1ec79, 1},
	{0x1eca3, 0x1ecab, 1},
	{0x1ed01, 0x1ed09, 1},
	{0x1f10b, 0x1f10b, 0},
	{0x1f10c, 0x1f10c, 0},
}

// digit is the digit that a character of any other script stands for; 0 if it stands
// for something else, as ⑪ does.
func digit(r rune) byte {
	if r < utf8.RuneSelf || !unicode.IsNumber(r) {
		return 0
	}
	for _, t := range unicode.Nd.R16 { // each range holds whole sets of ten, zero first
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + byte((r-rune(t.Lo))%10)
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + byte((r-rune(t.Lo))%10)
		}
	}
	for _, s := range sets {
		if r >= s.from && r <= s.to {
			return '0' + s.first + byte(r-s.from)
		}
	}
	return 0
}

// What parts two digits that nothing stands between.
const (
	scripted = 's' // they are of two scripts
	crossed  = 'x' // one of the two is X
)

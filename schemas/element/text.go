package element

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
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

var errSpreadsheet = fail(CodeSpreadsheet, "号码被电子表格改成了科学计数法, 原值已丢失, 请把该列设为文本后重新导出", "a spreadsheet turned the number into scientific notation and lost digits, export the column as text")

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func citizen(s string) (string, error) {
	s = identifier.Normalise(clean(s, compact(true)))
	if scientific(s) || strings.ContainsAny(s, "+.") && strings.Contains(s, "E") {
		return "", errSpreadsheet
	}
	if len(s) == 15 && digits(s) {
		long, err := identifier.UpgradeCitizen(s)
		if err != nil {
			return "", fail(CodeDate, "15 位公民身份号码中的出生日期不存在", "the 15-digit identity number holds an impossible date of birth")
		}
		return long, nil
	}
	switch _, err := identifier.ParseCitizen(s); {
	case err == nil || errors.Is(err, identifier.ErrChecksum):
		return s, nil
	case utf8.RuneCountInString(s) != 18:
		return "", fail(CodeLength, "公民身份号码应为 18 位(旧号 15 位)", "an identity number has 18 characters (15 in the old form)")
	case s[0] == '0' || identifier.CitizenCheck(s[:17]) == 0 || s[17] != 'X' && !digits(s[17:]):
		return "", fail(CodeCharacters, "公民身份号码应为 17 位数字加一位数字或 X", "an identity number is 17 digits and a digit or X")
	}
	return "", fail(CodeDate, "公民身份号码中的出生日期不存在", "the identity number holds an impossible date of birth")
}

func creditCode(s string) (string, error) {
	s = identifier.Normalise(clean(s, compact(true)))
	if scientific(s) {
		return "", errSpreadsheet
	}
	switch _, err := identifier.ParseUSCC(s); {
	case errors.Is(err, identifier.ErrChecksum) && isCitizen(s):
		// It would be shown as an enterprise's public code.
		return "", fail(CodeCharacters, "统一社会信用代码栏里是公民身份号码，请改填单位的代码，或将该列登记为身份号码", "this is a citizen's identity number, not a credit code; send the enterprise's code or declare the column as an identity number")
	case err == nil || errors.Is(err, identifier.ErrChecksum):
		return s, nil
	case utf8.RuneCountInString(s) != 18:
		return "", fail(CodeLength, "统一社会信用代码应为 18 位", "a credit code has 18 characters")
	}
	return "", fail(CodeCharacters, "统一社会信用代码含有不允许的字符(没有 I O S V Z, 第 3 到 8 位是数字)", "the credit code holds characters it cannot have (no I O S V Z; 3 to 8 are digits)")
}

// isCitizen reports a valid identity number, with its check digit.
func isCitizen(s string) bool {
	_, err := identifier.ParseCitizen(s)
	return err == nil
}

// dot unifies the many middle dots by which names of minorities are written.
func dot(r rune) rune {
	switch r {
	case '\u00b7', '\u2022', '\u30fb', '\uff0e', '\u2027', '\u2219', '\u22c5', '\uff65', '\u16eb', '\u2e31', '\u0387':
		return '·'
	}
	return narrow(r)
}

func personName(s string) (string, error) {
	s = clean(s, dot)
	s = squeeze(s)
	s = nameDots(s)
	if s == "" {
		return "", nil
	}
	letter := false
	for _, r := range s {
		switch {
		case unicode.IsLetter(r) || unicode.Is(unicode.Nl, r) || unicode.Is(unicode.Co, r):
			letter = true
		case unicode.IsMark(r), unicode.IsDigit(r), strings.ContainsRune("· -'.,()/", r), r == '\u2019':
		default:
			return "", fail(CodeCharacters, "姓名含有不允许的字符(%s)", "the name holds a character it cannot have (%s)", class(r))
		}
	}
	if !letter {
		return "", fail(CodeCharacters, "姓名里没有文字", "the name holds no letter")
	}
	return s, nil
}

// nameDots makes one middle dot of runs of them and of a full stop between Han
// characters, with no space beside it and none at the ends.
func nameDots(s string) string {
	if !strings.ContainsAny(s, "·.") {
		return s
	}
	rs := []rune(s)
	out := make([]rune, 0, len(rs))
	for i, r := range rs {
		if r == '.' && i > 0 && i+1 < len(rs) && han(rs[i-1]) && han(rs[i+1]) {
			r = '·'
		}
		if r == '·' && len(out) > 0 && out[len(out)-1] == '·' {
			continue
		}
		out = append(out, r)
	}
	return strings.Trim(string(out), "·. ")
}

// class names the class of a character without showing it.
func class(r rune) string {
	switch {
	case r == '?' || r == '*':
		return string(r)
	case unicode.IsControl(r):
		return "control"
	case unicode.IsPunct(r):
		return "punctuation"
	case unicode.IsSymbol(r):
		return "symbol"
	case !unicode.IsPrint(r):
		return "unassigned"
	}
	return "other"
}

func orgName(s string) (string, error) {
	s = squeeze(clean(s, narrow))
	// Brackets take no spaces: they are typed in both widths.
	for _, bracket := range []string{"(", ")"} {
		s = strings.ReplaceAll(strings.ReplaceAll(s, " "+bracket, bracket), bracket+" ", bracket)
	}
	if s != "" && !strings.ContainsFunc(s, unicode.IsLetter) {
		return "", fail(CodeCharacters, "机构名称里没有文字", "the name of the organisation holds no letter")
	}
	return s, nil
}

// freeText keeps what was written, with digits and letters half-width, and
// Unix line ends.
func freeText(s string) (string, error) {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = clean(s, func(r rune) rune {
		switch {
		case r >= '０' && r <= '９', r >= 'Ａ' && r <= 'Ｚ', r >= 'ａ' && r <= 'ｚ':
			return narrow(r)
		case r == '\u3000' || r == '\u00a0':
			return ' '
		case r == '\r':
			return '\n'
		}
		return r
	})
	return strings.TrimFunc(s, space), nil
}

func identifierText(s string) (string, error) {
	s = clean(s, compact(true))
	if scientific(s) {
		return "", errSpreadsheet
	}
	return s, nil
}

func code(e *schemas.Element, s string) (string, error) {
	s = clean(s, compact(true))
	if s == "" {
		return "", nil
	}
	if e.HasCode(s) {
		return s, nil
	}
	width := 0
	for i := range e.Codes {
		width = max(width, len(e.Codes[i].Value))
	}
	for i := range e.Codes {
		c := &e.Codes[i]
		switch {
		case strings.EqualFold(c.Value, s), c.Title != "" && strings.EqualFold(clean(c.Title, compact(true)), s):
			return c.Value, nil
		case len(s) < width && digits(s) && c.Value == strings.Repeat("0", width-len(s))+s:
			return c.Value, nil // a spreadsheet dropped the leading zeros
		}
	}
	if upper := strings.ToUpper(s); e.CodeForm(upper) {
		return upper, nil // some department's code: it is taken, and found (the catalogue's CodeRules)
	}
	return "", fail(CodeSet, "不是代码集 %s 的代码，长度或者字符不对", "no code of the set %s, its length or characters are wrong", e.ID)
}

func bankCard(s string) (string, error) {
	s = identifier.Normalise(clean(s, compact(true)))
	switch {
	case s == "":
		return "", nil
	case scientific(s):
		return "", errSpreadsheet
	case !digits(s):
		return "", fail(CodeCharacters, "银行卡号只有数字", "a bank card number has digits only")
	case len(s) < 12 || len(s) > 24:
		return "", fail(CodeLength, "银行卡号应为 12 到 24 位", "a bank card number has 12 to 24 digits")
	}
	return s, nil
}

func region(s string) (string, error) {
	s = clean(s, compact(true))
	switch {
	case s == "":
		return "", nil
	case !digits(s):
		return "", fail(CodeCharacters, "行政区划代码只有数字", "a region code has digits only")
	case len(s) != 6:
		return "", fail(CodeLength, "行政区划代码应为 6 位", "a region code has 6 digits")
	}
	return s, nil
}

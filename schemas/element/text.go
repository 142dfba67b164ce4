package element

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

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

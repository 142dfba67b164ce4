package element

import (
	"regexp"
	"strings"
	"unicode"
)

// phone writes mobile numbers as 11 digits, fixed lines as area-number with an
// optional -extension, service numbers as digits.
func phone(s string) (string, error) {
	s = clean(s, compact(false))
	if s == "" {
		return "", nil
	}
	if scientific(s) {
		return "", errSpreadsheet
	}
	s = phoneExtension.ReplaceAllString(s, "-$1")
	s = phoneMarks.Replace(s)
	for _, country := range []string{"+86", "0086", "86-"} {
		s = strings.TrimPrefix(strings.TrimPrefix(s, country), "-")
	}
	if strings.Trim(s, "0123456789-") != "" {
		return "", fail(CodeCharacters, "电话号码只有数字和连字符", "a phone number has digits and hyphens only")
	}
	plain := strings.ReplaceAll(s, "-", "")
	if len(plain) == 13 && strings.HasPrefix(plain, "861") {
		plain = plain[2:]
	}
	switch {
	case len(plain) == 11 && plain[0] == '1':
		return plain, nil
	case len(plain) == 10 && (strings.HasPrefix(plain, "400") || strings.HasPrefix(plain, "800")):
		return plain, nil
	case strings.HasPrefix(plain, "0"):
		return fixedLine(s)
	case len(s) >= 5 && len(s) <= 8 && s == plain:
		return s, nil
	}
	if m := localLine.FindStringSubmatch(s); m != nil {
		return m[1] + m[2] + "-" + m[3], nil
	}
	return "", fail(CodeLength, "电话号码长度不对：手机 11 位，固话为 区号-号码", "wrong length: a mobile has 11 digits, a fixed line is area-number")
}

var (
	phoneMarks     = strings.NewReplacer("(", "", ")", "-", "—", "-", "–", "-", "−", "-", "_", "-")
	phoneExtension = regexp.MustCompile(`(?i)(?:转|ext\.?|#|\*)(\d{1,6})$`)
	localLine      = regexp.MustCompile(`^(\d{3,4})-?(\d{4})-(\d{1,6})$`)
	fixed          = regexp.MustCompile(`^(01\d|02\d|0[3-9]\d\d)-*(\d{3,4})-*(\d{4})(?:-+(\d{1,6}))?$`)
)

func fixedLine(s string) (string, error) {
	m := fixed.FindStringSubmatch(s)
	if m == nil {
		return "", fail(CodeLength, "固定电话应为 区号-号码(7 或 8 位)", "a fixed line is area-number with 7 or 8 digits")
	}
	out := m[1] + "-" + m[2] + m[3]
	if m[4] != "" {
		out += "-" + m[4]
	}
	return out, nil
}

// plate writes a number plate as one word: 云Z12345.
func plate(s string) (string, error) {
	s = clean(s, func(r rune) rune {
		switch r = dot(r); {
		case r == '·' || r == '.' || r == '-' || r == '*' || space(r):
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	})
	if s == "" {
		return "", nil
	}
	rs := []rune(s)
	if len(rs) < 6 || len(rs) > 9 {
		return "", fail(CodeLength, "号牌号码应为 7 或 8 位", "a number plate has 7 or 8 characters")
	}
	number := false
	for i, r := range rs {
		digit := r >= '0' && r <= '9'
		number = number || digit
		if !digit && !(r >= 'A' && r <= 'Z') && !(unicode.Is(unicode.Han, r) && (i == 0 || i == len(rs)-1)) {
			return "", fail(CodeCharacters, "号牌号码应为省份简称、字母和数字", "a number plate is the province, letters and digits")
		}
	}
	if !number {
		return "", fail(CodeCharacters, "号牌号码里没有数字", "a number plate holds digits")
	}
	return s, nil
}

// addressForms are the ways to write the same thing in an address, in their
// order of application.
var (
	addressWords  = strings.NewReplacer("幢", "栋", "號", "号", "№", "", "＃", "#", "—", "-", "–", "-", "―", "-", "─", "-", "~", "-", "〜", "-", "−", "-", "‐", "-", "‑", "-", "_", "-")
	addressHash   = regexp.MustCompile(`#(\d)`)
	addressNumber = regexp.MustCompile(`(\d)#`)
	addressNo     = regexp.MustCompile(`(?i)NO\.?(\d)`)
	addressHan    = regexp.MustCompile(`([零〇○一二两三四五六七八九十百]+)(号|栋|座|单元|室|层|楼|弄|户|组|队|排)`)
	addressZero   = regexp.MustCompile(`(^|[^\d])0+(\d+(?:号|栋|单元))`)
	addressDash   = regexp.MustCompile(`-{2,}`)
)

// address brings an address to the form in which two departments' spellings of
// it are equal: half-width, no white space and no punctuation, 幢 as 栋, numbers
// of houses, buildings and rooms in digits. It is repeated until nothing changes.
func address(s string) (string, error) {
	if canonicalAddress(s) {
		return s, nil
	}
	s = clean(s, compact(true))
	for {
		next := addressStep(s)
		if next == s {
			break
		}
		s = next
	}
	if s != "" && !strings.ContainsFunc(s, unicode.IsLetter) {
		return "", fail(CodeCharacters, "地址里没有文字", "the address holds no letter")
	}
	return s, nil
}

// canonicalAddress recognises most addresses that need no work: common Han
// characters that are no numerals, digits without leading zeros, single hyphens.
func canonicalAddress(s string) bool {
	before, letter := rune('-'), false
	for _, r := range s {
		switch {
		case r >= 0x4e00 && r <= 0x9fa5:
			switch r {
			case '幢', '號', '零', '一', '二', '两', '三', '四', '五', '六', '七', '八', '九', '十', '百':
				return false
			}
			letter = true
		case r >= '1' && r <= '9', r == '0' && before >= '0' && before <= '9':
		case r == '-' && before != '-':
		default:
			return false
		}
		before = r
	}
	return letter && before != '-'
}

func addressStep(s string) string {
	s = strings.Map(func(r rune) rune {
		switch r {
		case ',', '，', '、', '。', ';', '；', '·', '.', '\'', '"', '“', '”', '｡', '､':
			return -1
		}
		return r
	}, addressWords.Replace(s))
	s = addressNo.ReplaceAllString(s, "$1")
	s = addressNumber.ReplaceAllString(s, "${1}号")
	s = addressHash.ReplaceAllString(s, "$1")
	s = addressHan.ReplaceAllStringFunc(s, func(m string) string {
		parts := addressHan.FindStringSubmatch(m)
		n, ok := hanNumber(parts[1])
		if !ok {
			return m
		}
		return n + parts[2]
	})
	s = addressZero.ReplaceAllString(s, "$1$2")
	s = addressDash.ReplaceAllString(s, "-")
	return strings.Trim(clean(s, compact(true)), "-")
}

// hanNumber reads a number in Chinese: place by place (一二三) or with 十 and 百.
func hanNumber(s string) (string, bool) {
	value := func(r rune) int { return strings.IndexRune("零一二三四五六七八九", r) / 3 }
	rs := []rune(strings.NewReplacer("〇", "零", "○", "零", "两", "二").Replace(s))
	if !strings.ContainsAny(s, "十百") {
		var b strings.Builder
		for _, r := range rs {
			b.WriteByte(byte('0' + value(r)))
		}
		return b.String(), true
	}
	total, current, unit := 0, -1, 1000
	for _, r := range rs {
		switch r {
		case '十', '百':
			u := 10
			if r == '百' {
				u = 100
			}
			if u >= unit {
				return "", false
			}
			if current < 0 {
				current = 1
			}
			total, current, unit = total+current*u, -1, u
		case '零':
			if current > 0 {
				return "", false
			}
		default:
			if current >= 0 {
				return "", false
			}
			current = value(r)
		}
	}
	if current > 0 {
		total += current
	}
	return itoa(total), true
}

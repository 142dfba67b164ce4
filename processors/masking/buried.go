package masking

import (
	"strings"
	"unicode/utf8"
)

// apart takes the year off the digits that it is glued to, 139123456782024年.
func (r *reader) apart(all []group) []group {
	last := &all[len(all)-1]
	at := last.to - 4
	if at-last.from < shortest || !strings.HasPrefix(r.text[r.figures[last.to-1].to:], "年") || !century(r.digits[at:last.to]) {
		return all
	}
	year := group{from: at, to: last.to, before: scripted}
	last.to = at
	return append(all, year)
}

// buried finds numbers within longer digits, where something says that they are: several
// glued together, or a telephone behind the code that is dialled first, behind the
// number of a room (3号楼50113912345678), or where a word for telephones stands before.
func (r *reader) buried() {
	for _, g := range r.groups {
		n := g.to - g.from
		if n <= 11 || !r.free(g.from, g.to) {
			continue
		}
		s := r.digits[g.from:g.to]
		if !digits(s) || r.amount(g.from, g.to) {
			continue
		}
		before := strings.TrimRight(r.text[:r.figures[g.from].from], "：: ")
		spoken := n <= 16 && telephoneWord(before)
		switch at := n - 11; {
		case r.twins(g, s):
		case mobile(s[at:]) && (dialled(s[:at]) || spoken || at <= 4 && room(before)):
			r.add(number{from: g.from + at, to: g.to, shown: phone(s[at:])})
		case mobile(s[:11]) && spoken:
			r.add(number{from: g.from, to: g.to, shown: phone(s[:11]) + strings.Repeat("*", at)})
		}
	}
}

// twins finds two or three numbers of one length glued together, each of which would be
// taken by itself.
func (r *reader) twins(g group, s string) bool {
	for _, n := range [...]int{11, 15, 16, 17, 18, 19} {
		if len(s) != 2*n && len(s) != 3*n {
			continue
		}
		var found []number
		for at := 0; at < len(s); at += n {
			from, to, one := g.from+at, g.from+at+n, s[at:at+n]
			var shown string
			switch n {
			case 11:
				shown = r.telephone(from, to, one)
			case 15:
				shown = r.shortIdentity(true)(from, to, one)
			default:
				shown = r.card(from, to, one)
			}
			if shown == "" {
				break // of these none
			}
			found = append(found, number{from: from, to: to, shown: shown})
		}
		if len(found)*n == len(s) {
			for _, one := range found {
				r.add(one)
			}
			return true
		}
	}
	return false
}

// dialled reports whether digits are what people dial before a number: codes of cheap
// lines (12593, 17951), of the country and of the trunk.
func dialled(s string) bool {
	for s != "" {
		rest := s
		for _, code := range [...]string{"0086", "086", "86", "00", "0", "12593", "12583", "12520", "10193", "11808", "10131"} {
			if cut, ok := strings.CutPrefix(s, code); ok {
				rest = cut
				break
			}
		}
		if len(rest) == len(s) && len(s) >= 5 && s[:3] == "179" {
			rest = s[5:]
		}
		if len(rest) == len(s) {
			return false
		}
		s = rest
	}
	return true
}

// room reports whether a text ends with what the number of a room, a floor or a house
// stands behind. 号 is that only behind a digit, since behind a word it is the number of
// a document.
func room(before string) bool {
	c, size := utf8.DecodeLastRuneInString(before)
	if c == '号' {
		c, _ = utf8.DecodeLastRuneInString(before[:len(before)-size])
		is, _ := classify(c)
		return is == numeral
	}
	return strings.ContainsRune("楼栋幢座层室元院巷弄街路村组屯", c)
}

func telephoneWord(before string) bool {
	for _, word := range [...]string{"电话", "手机", "手机号", "电话号", "话号码", "机号码", "联系方式", "联系人", "微信", "微信号", "致电", "拨打"} {
		if strings.HasSuffix(before, word) {
			return true
		}
	}
	before = strings.ToLower(before[max(0, len(before)-8):])
	return strings.HasSuffix(before, "tel") || strings.HasSuffix(before, "phone") || strings.HasSuffix(before, "mobile") || strings.HasSuffix(before, "tel.")
}

package masking

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// amount reports whether a range of figures is so much money though it has the form of
// a number of a person. That 元 or 万 stands behind is not enough, since 元旦，元村 and
// 万达广场 do as well: a sign of money must stand before, or a word for money before
// and the unit behind, or the unit behind a decimal fraction or a span of two amounts, or
// the digits must be parted as amounts are, 13,912,345,678.
func (r *reader) amount(from, to int) bool {
	if r.thousands(from, to) {
		return true
	}
	before, after := strings.TrimRight(r.text[:r.figures[from].from], " "), r.text[r.figures[to-1].to:]
	if c, _ := utf8.DecodeLastRuneInString(before); strings.ContainsRune("¥￥$€£", c) {
		return true
	}
	fraction := false
	if rest, ok := strings.CutPrefix(after, "."); ok {
		after = strings.TrimLeft(rest, "0123456789")
		fraction = len(after) < len(rest)
	}
	if !unit(strings.TrimLeft(after, " ")) {
		return false
	}
	widths := r.widths(from, to)
	return fraction || moneyWord(before) || len(widths) == 2 && to-from == 11 && !formed(widths, telephoneForms) // 13000-150000元
}

// unit reports whether a text begins with a unit of money and no word that begins alike.
func unit(s string) bool {
	rest := s
	for _, scale := range [...]string{"百万", "千万", "万", "亿"} {
		if cut, ok := strings.CutPrefix(rest, scale); ok {
			rest = cut
			break
		}
	}
	for _, name := range [...]string{"人民币元", "人民币", "美元", "港元", "日元", "欧元", "元"} {
		if cut, ok := strings.CutPrefix(rest, name); ok {
			rest = cut
			break
		}
	}
	c, _ := utf8.DecodeRuneInString(rest)
	return rest != s && (!unicode.Is(unicode.Han, c) || strings.ContainsRune("整以的等及和与或至到人不", c))
}

// moneyWords end a text behind which an amount is said.
var moneyWords = [...]string{
	"额", "资本", "资金", "投资", "资产", "价格", "总价", "造价", "市价", "产值", "总值", "市值", "价值", "收入", "利润", "成本", "预算", "债务",
	"欠款", "罚款", "贷款", "借款", "货款", "价款", "拨款", "人民币", "合计", "共计", "总计", "RMB", "CNY", "rmb", "cny",
}

func moneyWord(before string) bool {
	before = strings.TrimRight(before, "：:（(为是共约达 ")
	for _, w := range moneyWords {
		if strings.HasSuffix(before, w) {
			return true
		}
	}
	return false
}

// thousands reports whether the digits of a range are parted by threes with commas, as
// they are in amounts.
func (r *reader) thousands(from, to int) bool {
	widths := r.widths(from, to)
	if len(widths) < 2 || widths[0] > 3 {
		return false
	}
	at := from
	for i, n := range widths {
		if i > 0 && (n != 3 || r.figures[at].before != ',' && r.figures[at].before != '\'') {
			return false
		}
		at += n
	}
	return true
}

package masking

import (
	"strings"
	"unicode/utf8"
)

// personName shows the surname: 张*, 张**, 欧阳*. Of a name with a middle dot
// it shows the first character of the first part: 阿**·***. Where that would hide
// nothing, as of a dot with nothing behind it, nothing is shown.
func personName(s string) string {
	n := utf8.RuneCountInString(s)
	head := 1
	switch {
	case n < 2:
		return strings.Repeat("*", n)
	case strings.ContainsRune(s, '·'):
	case n > 2 && compound(s):
		head = 2
	}
	var b strings.Builder
	b.Grow(len(s))
	i := 0
	for _, r := range s {
		switch {
		case i < head || r == '·':
			b.WriteRune(r)
		default:
			b.WriteByte('*')
		}
		i++
	}
	if out := b.String(); strings.Contains(out, "*") {
		return out
	}
	return strings.Repeat("*", n)
}

// makeSurname is the rule surname: 张某，欧阳某. Unlike the partial form it does
// not tell how long the name is.
func makeSurname(spec) (mask, error) {
	return textual(func(s string) string {
		n := utf8.RuneCountInString(s)
		switch {
		case n < 2:
			return "某"
		case n > 2 && !strings.ContainsRune(s, '·') && compound(s):
			return cut(s, 2) + "某"
		}
		return cut(s, 1) + "某"
	}), nil
}

// compound reports whether a name begins with a surname of two characters.
func compound(s string) bool {
	_, ok := compoundSurnames[cut(s, 2)]
	return ok
}

var compoundSurnames = func() map[string]struct{} {
	m := make(map[string]struct{})
	for _, s := range strings.Fields(`
		欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶
		太叔 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良
		漆雕 乐正 宰父 谷梁 拓跋 夹谷 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 公户 公玉 公仪 梁丘 公仲
		公上 公门 公山 公坚 左丘 公伯 西门 公祖 第五 公乘 贯丘 公皙 南荣 东里 东宫 仲长 子书 子桑 即墨 达奚
		褚师 吴铭 纳兰 叶赫 那拉 完颜 耶律 爱新 阿史 哥舒 贺兰 豆卢 侯莫 于陵 屈突 斛律 张廖 范姜 张简`) {
		m[s] = struct{}{}
	}
	return m
}()

package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"hash"
	"strings"
	"unicode/utf8"
)

// tokens makes the tokens of one audience: a key by HKDF, then HMAC, sixteen
// bytes of it in base 32.
type tokens struct{ mac hash.Hash }

var base = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func newTokens(master []byte, audience string) tokens {
	sum := func(key []byte, text string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	extracted := sum([]byte("yiyuan.keyring"), string(master))
	return tokens{hmac.New(sha256.New, sum(extracted, "token\x00"+audience+"\x01"))}
}

func (t tokens) of(value string) string {
	t.mac.Reset()
	t.mac.Write([]byte(value))
	var sum [sha256.Size]byte
	return "t1." + base.EncodeToString(t.mac.Sum(sum[:0])[:16])
}

func maskID(s string) string {
	if len(s) != 18 {
		return "******************"
	}
	return s[:6] + "************"
}

const dot = '·' // between the parts of a name that is not Chinese

var compound = func() map[string]bool {
	all := map[string]bool{}
	for _, name := range strings.Fields("欧阳 太史 端木 上官 司马 东方 独孤 南宫 夏侯 诸葛 尉迟 公羊 赫连 皇甫 濮阳 公孙 " +
		"慕容 钟离 长孙 宇文 司徒 鲜于 司空 令狐 轩辕 呼延 百里 东郭 西门 南门") {
		all[name] = true
	}
	return all
}()

func maskName(s string) string {
	n, head := utf8.RuneCountInString(s), 1
	const two = len("欧阳")
	switch {
	case n < 2:
		head = 0
	case n > 2 && len(s) > two && compound[s[:two]] && !strings.ContainsRune(s, dot):
		head = 2
	}
	var b strings.Builder
	b.Grow(len(s))
	i := 0
	for _, c := range s {
		if i < head || c == dot {
			b.WriteRune(c)
		} else {
			b.WriteByte('*')
		}
		i++
	}
	return b.String()
}

func maskPhone(s string) string {
	if len(s) != 11 || s[0] != '1' {
		return "*******"
	}
	return s[:3] + "****" + s[7:]
}

const city = "云岭市"

// districts are those of the city, each with its towns.
var districts = [][]string{
	{"岭东区", "东关街道", "文庙街道", "翠湖街道", "青石镇"},
	{"岭西区", "西关街道", "金桥街道", "河畔街道", "白塔镇"},
	{"望江县", "望江镇", "柳林镇", "沙河乡", "龙潭乡"},
	{"石屏坝县", "云台彝族乡", "石屏镇", "坝心镇", "红土乡"},
}

// maskPlace cuts an address to its district, and to its town if asked for.
func maskPlace(address string, town bool) string {
	found := ""
	for _, d := range districts {
		_, rest, ok := strings.Cut(address, d[0])
		if !ok {
			continue
		}
		for _, t := range d[1:] {
			if !strings.HasPrefix(rest, t) {
				continue
			}
			if town {
				return city + d[0] + t + "***"
			}
			return city + d[0]
		}
		if found == "" {
			found = d[0]
		}
	}
	switch {
	case found == "":
		return "***"
	case town:
		return city + found + "***"
	}
	return city + found
}

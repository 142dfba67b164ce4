package schemas

import (
	"slices"
	"strings"
)

// MaskRule says what a mask rule yields and what it may be put on. The rules
// themselves are package masking's; the catalogue only refuses what cannot work
// or would not protect.
type MaskRule struct {
	ID      string
	Title   string
	English string
	Type    Type     // of the masked value
	Kinds   []string // element kinds it applies to; empty = every kind
	Weak    bool     // what it leaves narrows the value to a set that can be searched
	Keyed   bool     // needs the key ring
}

// The ids of the mask rules. "" is no mask: the value in clear.
const (
	MaskPartial  = "partial"
	MaskDistrict = "district"
	MaskBand     = "band"
	MaskYear     = "year"
	MaskAge      = "age"
	MaskSuppress = "suppress"
	MaskToken    = "token"
	MaskDigest   = "digest"
	MaskPresent  = "present"
	MaskSurname  = "surname"
)

// Hidden stands in every text in which a number of a person was hidden where somebody
// wrote it (ViewField.Screened): so who answers the text can say so.
const Hidden = "****"

// maskClear is how a manifest says "no mask" aloud.
const maskClear = "clear"

var maskRules = []MaskRule{
	{ID: MaskPartial, Title: "部分遮盖", English: "partly hidden", Type: String, Weak: true, Kinds: []string{"id_number", "uscc", "person_name", "org_name", "phone", "address", "bank_card", "plate", "identifier"}},
	{ID: MaskDistrict, Title: "只留区县", English: "district only", Type: String, Weak: true, Kinds: []string{"address", "region"}},
	{ID: MaskBand, Title: "分档", English: "band", Type: String, Weak: true, Kinds: []string{"amount", "count", "date"}},
	{ID: MaskYear, Title: "只留年份", English: "year only", Type: String, Weak: true, Kinds: []string{"date", "timestamp"}},
	{ID: MaskAge, Title: "年龄段", English: "age group", Type: String, Weak: true, Kinds: []string{"date"}},
	{ID: MaskSuppress, Title: "不提供", English: "withheld", Type: String},
	{ID: MaskToken, Title: "令牌", English: "keyed token", Type: String, Keyed: true},
	{ID: MaskDigest, Title: "带密钥摘要", English: "keyed digest", Type: Bytes, Keyed: true},
	{ID: MaskPresent, Title: "只答有无", English: "present or absent", Type: String},
	{ID: MaskSurname, Title: "只留姓氏", English: "surname only", Type: String, Weak: true, Kinds: []string{"person_name"}},
}

// MaskRules returns every mask rule there is.
func MaskRules() []MaskRule { return slices.Clone(maskRules) }

// Mask returns the mask rule of that id; false if there is none.
func Mask(id string) (MaskRule, bool) {
	i := slices.IndexFunc(maskRules, func(m MaskRule) bool { return m.ID == id })
	if i < 0 {
		return MaskRule{}, false
	}
	return maskRules[i], true
}

// Applies reports whether the rule may be put on elements of that kind.
func (m MaskRule) Applies(kind string) bool {
	return len(m.Kinds) == 0 || slices.Contains(m.Kinds, kind)
}

// refusedMask recognises masks in use elsewhere that do not protect, and says why.
func refusedMask(id string) (reason [2]string, refused bool) {
	switch low := strings.ToLower(id); {
	case slices.Contains([]string{"hash", "md5", "sha1", "sha-1", "sha256", "sha-256", "sm3", "crc32"}, low):
		return [2]string{"不带密钥的摘要可以穷举还原", "an unkeyed hash is reversed by trying all values"}, true
	case slices.Contains([]string{"base64", "hex", "rot13", "reverse", "encode"}, low):
		return [2]string{"编码不是脱敏", "an encoding hides nothing"}, true
	case slices.Contains([]string{"fpe", "ff1", "ff3", "encrypt", "sm4", "aes"}, low):
		return [2]string{"持钥者可解密, 小值域的保留格式加密可被还原", "it is undone by whoever has the key, and format-preserving encryption is broken on small domains"}, true
	case strings.HasPrefix(low, "keep") && strings.ContainsAny(low, "0123456789"):
		return [2]string{"前6后4连同校验码只剩约3千个候选", "6+4 digits and the check digit leave about 3,000 candidates"}, true
	}
	return reason, false
}

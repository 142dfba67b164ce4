package schemas

import (
	"slices"
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

// ByPlaces reports whether what a mask leaves of the values of an element hangs on the
// names of the city, its province, its districts and its towns.
func ByPlaces(mask string, e *Element) bool {
	if e == nil || e.Contains != "" {
		return false
	}
	return e.Kind == "address" && (mask == MaskPartial || mask == MaskDistrict) || e.Kind == "org_name" && mask == MaskPartial
}

// Stars stand for a value that is withheld, where a value of its own would be taken for
// none: in the evidence of findings and in explanations.
const Stars = "***"

// Applies reports whether the rule may be put on elements of that kind.
func (m MaskRule) Applies(kind string) bool {
	return len(m.Kinds) == 0 || slices.Contains(m.Kinds, kind)
}

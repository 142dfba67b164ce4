package probe

import (
	"slices"
	"strings"
	"unicode"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// word is something that columns are about: what it is called in Chinese, as initials of
// its pinyin and in English, and of which kinds its data element is. The first of each is
// what a field made of a column is called.
type word struct {
	chinese, initials, english string // separated by blanks
	title                      string // in English
	kinds                      string
	loose                      bool   // any element of the kinds will do
	ends                       string // how names end that are of it behind something else: hzxm, jhr_sfzh
}

// words, those that say more before those that say less.
var words = []word{
	{"公民身份号码 公民身份证号码 身份证号码 身份证号 身份证件号码 身份号码 身份证", "gmsfhm sfzh sfzhm sfhm gmsfzh gmsfzhm sfz sfzjhm", "id_number id_card id_card_no idcard idno citizen_id identity_number identity_no", "Citizen identity number", "id_number", true, "sfzh sfzhm gmsfhm sfzjhm"},
	{"统一社会信用代码 社会信用代码 信用代码", "tyshxydm shxydm tyxydm xydm", "uscc credit_code social_credit_code", "Unified social credit code", "uscc", true, "shxydm xydm"},
	{"残疾人证号 残疾证号", "cjrzh cjzh", "disability_card", "Disability card number", "identifier", false, ""},
	{"学籍号", "xjh", "pupil_number", "Pupil number", "identifier", false, ""},
	{"许可证编号 许可证号", "xkzbh xkzh", "licence license licence_no license_no", "Licence number", "identifier", false, ""},
	{"家庭编号 户号 户编号", "jtbh hh hbh", "household household_no", "Household number", "identifier", false, ""},
	{"证件种类 证件类型", "zjzl zjlx zjzldm zjlxdm", "document_kind id_type", "Kind of document", "code", false, ""},
	{"证件号码 证件编号 证书编号 证号", "zjhm zjbh zsbh", "certificate certificate_no document_no", "Certificate number", "identifier", false, "zjhm zjbh zsbh"},
	{"性别 性别代码", "xb xbdm", "sex gender", "Sex", "code", false, ""},
	{"民族 民族代码", "mz mzdm", "nation ethnicity ethnic_group", "Ethnic group", "code", false, ""},
	{"婚姻状况", "hyzk hyzkdm", "marital marital_status", "Marital status", "code", false, ""},
	{"学历 文化程度", "xl xldm whcd", "education", "Education", "code", false, ""},
	{"与户主关系", "yhzgx yhzgxdm", "relation", "Relation to head of household", "code", false, ""},
	{"政治面貌", "zzmm zzmmdm", "political", "Political affiliation", "code", false, ""},
	{"健康状况", "jkzk jkzkdm", "health health_state", "State of health", "code text", false, ""},
	{"残疾类别", "cjlb cjlbdm", "disability", "Kind of disability", "code", false, ""},
	{"号牌种类", "hpzl hpzldm", "plate_kind", "Kind of plate", "code", false, ""},
	{"行业代码 行业", "hydm hylb", "industry", "Industry", "code", false, ""},
	{"经济类型", "jjlx jjlxdm", "economic_type", "Economic type", "code", false, ""},
	{"币种", "bizhong bzdm", "currency", "Currency", "code", false, ""},
	{"行政区划 行政区划代码 区划代码 区划", "xzqhdm xzqh xzqdm qhdm", "region region_code area_code", "Administrative division", "region", true, "xzqhdm xzqh"},
	{"出生日期 出生年月日 出生年月", "csrq csny", "birth_date date_of_birth birthday dob", "Date of birth", "date", false, ""},
	{"死亡日期", "swrq", "death_date date_of_death", "Date of death", "date", false, ""},
	{updatedChinese, "gxsj gengxinshijian xgsj zhxgsj gxrq xgrq", "updated_at update_time updated modified_at modify_time last_modified last_updated", "Updated at", "timestamp date", true, ""},
	{"创建时间 登记时间 录入时间 入库时间", "cjsj djsj lrsj rksj", "created_at create_time created", "Created at", "timestamp date", true, ""},
	{"机构名称 单位名称 企业名称 公司名称 学校名称 机关 机构 单位 学校", "jgmc dwmc qymc gsmc", "org_name company company_name organisation organization", "Organisation name", "org_name", true, "dwmc qymc jgmc gsmc"},
	{"姓名 名字 法定代表人", "xm fddbr frdb", "person_name full_name", "Name", "person_name", true, "xm"},
	{"场所地址 经营场所 经营地址", "csdz jycs jydz", "site business_address", "Business address", "address", true, ""},
	{"地址 住址 住所 坐落 户籍地址 居住地址 通讯地址", "dz zz hjdz jzdz txdz jtzz xzz", "address addr", "Address", "address", true, "dz"},
	{"联系电话 手机号码 手机号 手机 移动电话 电话 联系方式", "lxdh sjhm sjh sj dh yddh lxfs", "phone mobile telephone tel phone_no", "Telephone", "phone", true, "lxdh dh sjh sjhm"},
	{"号牌号码 车牌号码 车牌号", "hphm cphm cph", "plate plate_no", "Number plate", "plate", true, ""},
	{"银行卡号 银行账号 银行账户", "yhkh yhzh", "bank_card bank_account", "Bank card number", "bank_card", true, ""},
	{"注册资本", "zczb", "capital", "Registered capital", "amount", false, ""},
	{"面积", "mj", "area", "Area", "amount", false, "mj"},
	{"金额 工资 收入 总额 基数 待遇 费用", "je", "amount money", "Amount", "amount", true, "je"},
	{"数量 人数 次数", "sl rs cs", "count quantity", "Count", "count", true, ""},
	{"标志 是否", "bzw", "flag", "Flag", "code boolean", false, ""},
	{"状态", "zt ztdm", "status state", "Status", "code", false, ""},
	{"等级", "dj djdm", "grade", "Grade", "code", false, ""},
	{"日期 有效期至", "rq", "date day", "Date", "date", false, "rq"},
	{"时间", "shijian", "time datetime timestamp", "Time", "timestamp date", true, "sj"},
	{"说明 备注 文字 原因 内容 描述 事由", "bz beizhu sm", "text remark note memo comment", "Text", "text", false, ""},
	{"编号 序号 流水号 主键 编码 登记号 证号 字号 文号 单元号", "bh xh lsh", "id no serial uuid", "Number", "identifier", true, "bh lsh"},
}

// general is how many of the last words say of what type something is, and no more.
const general = 4

const updatedChinese = "更新时间 修改时间 最后更新时间 最后修改时间 更新日期 修改日期"

// general reports a word that says no more than of what type something is.
func (w *word) general() bool {
	for i := len(words) - general; i < len(words); i++ {
		if w == &words[i] {
			return true
		}
	}
	return false
}

// updated reports whether the word is when a row was last changed.
func (w *word) updated() bool { return w != nil && w.chinese == updatedChinese }

// field is what a field of the word is called.
func (w *word) field() string {
	first, _, _ := strings.Cut(w.initials, " ")
	return strings.ToUpper(first)
}

// speaks reports whether a kind of element is one of the word's.
func (w *word) speaks(kind string) bool { return slices.Contains(strings.Fields(w.kinds), kind) }

// means reports whether a data element is the very one that the word is about.
func (w *word) means(e *schemas.Element) bool {
	if !w.speaks(e.Kind) {
		return false
	}
	id := folded(e.ID)
	return slices.ContainsFunc(strings.Fields(w.english+" "+w.initials), func(s string) bool { return folded(s) == id }) ||
		slices.Contains(strings.Fields(w.chinese), e.Title) || strings.EqualFold(e.English, w.title)
}

// named finds the word that a column's name is, nil if it is none.
func named(name string) *word {
	if strings.ContainsFunc(name, isHan) {
		return titled(name)
	}
	id := folded(name)
	for i := range words {
		w := &words[i]
		for _, s := range strings.Fields(w.initials + " " + w.english) {
			if s = folded(s); s == id || s+"dm" == id && w.speaks("code") {
				return w
			}
		}
	}
	parts := parted(name)
	for i := range words { // hz_xm, hzxm
		w := &words[i]
		for _, s := range strings.Fields(w.ends) {
			if len(parts) > 1 && parts[len(parts)-1] == s || len(id) > len(s) && len(id) <= len(s)+6 && strings.HasSuffix(id, s) {
				return w
			}
		}
		for _, s := range strings.Fields(w.english) {
			if end := strings.Split(s, "_"); w.ends != "" && len(parts) > len(end) && slices.Equal(parts[len(parts)-len(end):], end) {
				return w
			}
		}
	}
	return nil
}

// titled finds the word that a Chinese title says, nil if it says none: the whole title
// before a part of it, the longest part first.
func titled(title string) *word {
	var best *word
	length := 0
	for i := range words {
		for _, s := range strings.Fields(words[i].chinese) {
			switch {
			case s == title:
				return &words[i]
			case len(s) > length && len(s) >= len("性别") && (strings.HasSuffix(title, s) || strings.HasSuffix(strings.TrimSuffix(title, "代码"), s)):
				best, length = &words[i], len(s)
			}
		}
	}
	return best
}

// folded is a name without what people vary: case and separators.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// parted are the words of a name in ASCII: created_at and createdAt are two.
func parted(name string) []string {
	var b strings.Builder
	before := ' '
	for _, r := range name {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			b.WriteByte(' ')
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			r = ' '
		}
		b.WriteRune(unicode.ToLower(r))
		before = r
	}
	return strings.Fields(b.String())
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// title is what a comment calls a column: what stands before its first explanation.
// "性别：1 男，2 女" is 性别.
func title(comment string) string {
	comment = Plain(comment, 200)
	if i := strings.IndexAny(comment, "，,；;：:（(。\n=[【"); i > 0 {
		comment = comment[:i]
	}
	if head, _, spaced := strings.Cut(comment, " "); spaced && strings.ContainsFunc(head, isHan) {
		comment = head
	}
	return Plain(comment, 40)
}

// english is what a column is called in English: by its word, or as it is named.
func english(name string, w *word) string {
	if w != nil && strings.ContainsFunc(name, isHan) {
		return w.title
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
		return ""
	}
	if w != nil && exactly(name, w) {
		return w.title
	}
	text := strings.Join(parted(name), " ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// exactly reports that a name is the word, and not only one that ends so.
func exactly(name string, w *word) bool {
	id := folded(name)
	return slices.ContainsFunc(strings.Fields(w.initials+" "+w.english), func(s string) bool { return folded(s) == id || folded(s)+"dm" == id })
}

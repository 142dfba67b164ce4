package masking

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// organisation shows of an organisation's name the city that it begins with and the
// form that it ends with, 云岭****店, and hides what stands between: a sole trader's
// name says who the owner is. What begins with another word or ends with one that is
// no form of organisations is hidden there, since it may be a person's name; of the
// name of an individual business (个体工商户) nothing is shown.
func (g *gazetteer) organisation(s string) string {
	for _, word := range individuals {
		if strings.Contains(s, word) {
			return stars
		}
	}
	head, rest := 0, s
	for _, h := range g.heads {
		if strings.HasPrefix(s, h.name) {
			head = utf8.RuneCountInString(h.shown)
			break
		}
	}
	for _, front := range g.fronts {
		if behind, ok := strings.CutPrefix(s, front); ok {
			rest = behind
			break
		}
	}
	for _, form := range organisations {
		// 张大学 is a person; 第一小学 is none
		if strings.HasSuffix(rest, form) && utf8.RuneCountInString(rest) > 3 {
			return keep(s, head, utf8.RuneCountInString(form))
		}
	}
	return keep(s, head, 0)
}

// individuals are the words by which a name says that it is of one person.
var individuals = [...]string{"个体", "個體", "个人", "個人", "经营者", "經營者", "业主", "業主", "经营户", "專業戶", "专业户", "承包户", "摊主"}

// organisations are the forms of organisations that a name may end with, longest first.
// Words of one character that given names end with too (会，院，行，社) are none.
var organisations = func() []string {
	all := strings.Fields(`
		公司 集团 工厂 厂 店 商店 商行 商场 商城 超市 市场 门市部 经营部 营业部 服务部 销售部 批发部 项目部 工作室
		合作社 供销社 信用社 旅行社 出版社 报社 杂志社 农场 林场 牧场 养殖场 银行 支行 分行 分理处 交易所
		中心 站 服务站 加油站 工作站 卫生站 学校 小学 中学 大学 学院 党校 幼儿园 托儿所
		医院 卫生院 卫生室 卫生所 诊所 门诊部 药房 药店 敬老院 养老院 福利院 疗养院
		宾馆 饭馆 餐馆 茶馆 酒店 饭店 旅馆 招待所 影院 剧院 图书馆 博物馆 文化馆 体育馆 档案馆 展览馆
		协会 学会 商会 联合会 基金会 研究会 促进会 理事会 委员会 居委会 村委会 工会 联盟
		事务所 研究所 研究院 设计院 检测站 派出所 司法所 财政所 税务所 管理所 办事处 管理处 分局 支队 大队 总队 人民政府
		有限合伙 分公司`)
	slices.SortFunc(all, longer)
	return all
}()

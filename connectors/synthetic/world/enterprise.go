package world

import "strconv"

// firm is an enterprise or organisation as its register knows it.
type firm struct {
	code, name, site string
	founded          int64
	capital          int // yuan
	industry         string
	fund             bool // pays into the housing fund
}

var (
	firmWords = [...]string{"恒信", "云岭", "瑞丰", "永安", "金桥", "鸿达", "翠湖", "东升", "启明", "盛源", "博远", "天成", "佳和", "润泽", "新宇", "万通"}
	firmMore  = [...]string{"泰", "兴", "隆", "祥", "昌", "盛", "达", "和", "联", "辉", "源", "创"}
	trades    = [...]struct{ name, code string }{
		{"商贸", "F5199"},
		{"建筑工程", "E4710"},
		{"食品", "C1411"},
		{"信息技术", "I6510"},
		{"物流", "G5430"},
		{"农业发展", "A0141"},
		{"餐饮管理", "H6210"},
		{"装饰工程", "E5011"},
		{"机械制造", "C3499"},
		{"文化传媒", "R8810"},
	}

	// organs are the authorities that punish, each by its own decisions.
	organs = [...]struct{ name, code, word, decision string }{
		{"云岭市市场监督管理局", "11539900000990067G", "市监罚", "销售超过保质期的食品，没收违法所得，罚款5000元"},
		{"云岭市税务局", "11539900000990075B", "税稽罚", "未按规定期限办理纳税申报，罚款200元"},
		{"云岭市人力资源和社会保障局", "11539900000990032X", "人社监罚", "拒不提供工资支付台账，罚款20000元"},
		{"云岭市卫生健康委员会", "11539900000990040Q", "卫公罚", "未取得卫生许可证擅自营业，罚款1000元"},
		{"云岭市住房和城乡建设局", "115399000009900911", "建罚", "施工现场未采取扬尘防治措施，罚款10000元"},
		{"云岭市公安局", "115399000009900168", "公治罚", "未落实单位内部治安保卫制度，警告"},
	}

	// approval is who decides on licences, and licences are what it gives out, by
	// the trade that needs them.
	approval = struct{ name, code string }{"云岭市行政审批局", "11539900000990112H"}
	licences = map[string]string{"G5430": "道路运输经营许可证", "E4710": "安全生产许可证", "E5011": "安全生产许可证"}
)

func (w *World) firm(b int, which, kind, body, suffix string, number int) firm {
	d := &districts[b%4]
	t := trades[w.pick(b, which+"trade", len(trades))]
	name := "云岭市" + firmWords[w.pick(b, which+"word", len(firmWords))] + firmMore[w.pick(b, which+"more", len(firmMore))] + t.name + suffix
	if which == "X" && w.chance(b, "branch", 30) {
		name = name[:len(name)-len(suffix)] + "(" + d.name + ")" + suffix
	}
	return firm{
		code: w.credit(kind, d.code, body, number), name: name, site: building(b, 2) + strconv.Itoa(w.between(b, which+"room", 101, 120)) + "室",
		founded: w.base - int64(w.between(b, which+"founded", 900, 7000)), capital: w.between(b, which+"capital", 1, 500) * 100_000,
		industry: t.code, fund: which == "X" && w.chance(b, "fund", 66),
	}
}

func (w *World) shopFirm(b int) firm {
	f := w.firm(b, "Z", "92", "MADF", "店", b)
	f.capital = 50_000
	return f
}

// bigFirmBlocks: one large employer takes three people of each of so many blocks.
const bigFirmBlocks = 1000

// bigFirm is the large employer of a run of blocks.
func (w *World) bigFirm(g int) firm {
	f := w.firm(g*bigFirmBlocks, "B", "91", "MADG", "集团股份有限公司", g)
	f.fund = true
	return f
}

// works reports whether a slot's person works at the block's employer.
func (w *World) works(b, s int) bool {
	switch s {
	case 0, 4, 5:
		return true
	case 9:
		return w.plant(unitSingle, b, false).any() || w.chance(b, "works9", 70)
	case 10:
		return w.chance(b, "works10", 70)
	case 18:
		return w.chance(b, "works18", 80)
	}
	return false
}

func (w *World) staff(b int) int {
	n := 0
	for s := range peoplePerBlock {
		if w.works(b, s) {
			n++
		}
	}
	return n
}

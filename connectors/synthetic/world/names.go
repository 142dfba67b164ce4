package world

import "unicode/utf8"

var (
	surnames = [...]string{
		"王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "高", "林", "罗",
		"郑", "梁", "谢", "宋", "唐", "许", "韩", "冯", "邓", "曹", "彭", "曾", "肖", "田", "董", "袁", "潘", "于", "蒋", "蔡",
		"余", "杜", "叶", "程", "苏", "魏", "吕", "丁", "任", "沈", "姚", "卢", "姜", "崔", "钟", "谭", "陆", "汪", "范", "金",
	}
	doubleSurnames = [...]string{"欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "司徒", "令狐", "夏侯"}
	maleGiven      = [...]string{
		"伟", "强", "军", "勇", "杰", "涛", "明", "超", "刚", "平", "辉", "鹏", "华", "飞", "鑫", "波", "斌", "宇", "浩", "凯",
		"建国", "志强", "国庆", "文博", "子轩", "浩然", "俊杰", "天佑", "家豪", "明远", "立新", "永福", "世荣", "云峰", "海涛", "宏伟",
	}
	femaleGiven = [...]string{
		"芳", "娜", "敏", "静", "丽", "艳", "娟", "霞", "秀英", "玲", "桂英", "燕", "红", "梅", "兰", "雪", "萍", "慧", "琴", "云",
		"淑华", "玉兰", "子涵", "欣怡", "诗涵", "雨桐", "梦洁", "佳怡", "春花", "秀珍", "凤英", "晓燕", "美玲", "月娥", "思琪", "若曦",
	}
	// rareGiven are characters that old systems lose; the last five lie outside
	// the Basic Multilingual Plane.
	rareGiven = [...]string{"䶮", "㛃", "犇", "堃", "垚", "翀", "燚", "喆", "甯", "彧", "𠮷", "𬭎", "𫖮", "𬱖", "𣲗"}

	dottedMale   = [...]string{"买买提", "艾力", "阿不都拉", "吐尔逊", "玉素甫", "库尔班", "热合曼", "依明"}
	dottedFemale = [...]string{"阿依古丽", "古丽娜尔", "帕提古丽", "热依汗", "米日古丽", "阿娜尔", "祖丽菲娅", "汗克孜"}

	nations = [...]string{"07", "07", "07", "14", "14", "03", "03", "05", "05", "18", "06", "16", "20", "27"}
)

// nation is the ethnic group of the families of a block.
func (w *World) nation(b int) string {
	if n := w.pick(b, "nation", 100); n < len(nations)*2 {
		return nations[n/2]
	}
	return "01"
}

// name is the name of the person in slot s. Slots of one family share the
// father's surname, children included.
func (w *World) name(b, s int, sex, nation string) string {
	h := mix(w.roll(b, "name") + uint64(s)*0x9e3779b97f4a7c15)
	if nation == "05" {
		given, father := dottedMale[h%8], dottedMale[w.familyRoll(b, s)%8]
		if sex == "2" {
			given = dottedFemale[h%8]
		}
		return given + "·" + father
	}
	family := h
	switch s {
	case 0, 2, 3, 4, 6, 14, 16: // fathers and their children
		family = w.familyRoll(b, s)
	}
	surname := surnames[family%uint64(len(surnames))]
	if family/64%100 < 4 {
		surname = doubleSurnames[family/6400%uint64(len(doubleSurnames))]
	}
	given := maleGiven[h/8%uint64(len(maleGiven))]
	if sex == "2" {
		given = femaleGiven[h/8%uint64(len(femaleGiven))]
	}
	if h/1024%100 < 4 {
		given = rareGiven[h/131072%uint64(len(rareGiven))]
	}
	return surname + given
}

func (w *World) familyRoll(b, s int) uint64 {
	switch {
	case s <= 3:
		return w.roll(b, "familyA")
	case s <= 6:
		return w.roll(b, "familyB")
	}
	return w.roll(b, "familyG")
}

// misnamed is another name, as a clerk who mishears writes it.
func misnamed(name string) string {
	last, size := utf8.DecodeLastRuneInString(name)
	for _, c := range []rune{'娟', '军'} {
		if c != last {
			return name[:len(name)-size] + string(c)
		}
	}
	return name
}

// respelt is the same name as another system writes it: with another middle
// dot or in spaces. It differs only in spelling.
func respelt(name string, how uint64) string {
	for i, r := range name {
		if r == '·' {
			return name[:i] + [...]string{"·", "•", "・", "‧"}[how%4] + name[i+len("·"):]
		}
	}
	return name
}

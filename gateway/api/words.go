package api

import "strings"

// unknownMember is said of a member that no schema knows.
const unknownMember = "没有这个成员，名字须与接口说明完全一致（区分大小写）/ unknown member, names are matched exactly"

// nullMember is said of a member that is null.
const nullMember = "不得为 null；不需要就不要写 / null is not taken, leave it out if it is not needed"

// words are what huma says of a value, in Chinese. Of two that fit the longer counts.
var words = []struct{ en, zh string }{
	{"unexpected property", "没有这个成员"},
	{"expected boolean", "应为 true 或 false"},
	{"expected number", "应为数"},
	{"expected integer", "应为整数"},
	{"expected string", "应为字符串"},
	{"expected array", "应为数组"},
	{"expected object", "应为对象"},
	{"expected array items to be unique", "数组中有重复的元素"},
	{"expected value to be one of ", "应为下列之一："},
	{"expected number >= ", "不得小于 "},
	{"expected number <= ", "不得大于 "},
	{"expected length >= ", "长度不得小于 "},
	{"expected length <= ", "长度不得大于 "},
	{"expected array length >= ", "元素不得少于 "},
	{"expected array length <= ", "元素不得多于 "},
	{"expected object with at least ", "成员太少，至少 "},
	{"expected object with at most ", "成员太多，至多 "},
	{"expected required property ", "缺少成员 "},
	{"request body is required", "须有请求体"},
	{"required ", "缺少此参数"},
	{"invalid integer", "应为整数"},
	{"invalid boolean", "应为 true 或 false"},
	{"invalid value", "值无效"},
}

// chinese says in Chinese what huma says in English. What is not known is said by
// what it comes to.
func chinese(en string) string {
	best := -1
	for i, w := range words {
		if strings.HasPrefix(en, w.en) && (best < 0 || len(w.en) > len(words[best].en)) {
			best = i
		}
	}
	if best < 0 {
		return "不符合接口说明"
	}
	rest := strings.TrimSuffix(strings.TrimSuffix(en[len(words[best].en):], " to be present"), " properties")
	if zh := words[best].zh; strings.HasSuffix(zh, " ") || strings.HasSuffix(zh, "：") {
		return zh + rest
	}
	return words[best].zh
}

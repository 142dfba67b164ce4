package schemas

import "strings"

// provinces are the names of the divisions of the first level by the first two digits of
// a division's code (GB/T 2260).
var provinces = map[string]string{
	"11": "北京市", "12": "天津市", "13": "河北省", "14": "山西省", "15": "内蒙古自治区",
	"21": "辽宁省", "22": "吉林省", "23": "黑龙江省",
	"31": "上海市", "32": "江苏省", "33": "浙江省", "34": "安徽省", "35": "福建省", "36": "江西省", "37": "山东省",
	"41": "河南省", "42": "湖北省", "43": "湖南省", "44": "广东省", "45": "广西壮族自治区", "46": "海南省",
	"50": "重庆市", "51": "四川省", "52": "贵州省", "53": "云南省", "54": "西藏自治区",
	"61": "陕西省", "62": "甘肃省", "63": "青海省", "64": "宁夏回族自治区", "65": "新疆维吾尔自治区",
	"71": "台湾省", "81": "香港特别行政区", "82": "澳门特别行政区",
}

// Province is the name of the province that the city's code says it is in, "" if none.
func (c City) Province() string {
	if len(c.Region) < 2 {
		return ""
	}
	return provinces[c.Region[:2]]
}

// ShortProvince is the name of a province as it is written for short: 云南，内蒙古，新疆.
func ShortProvince(name string) string {
	for _, form := range [...]string{"特别行政区", "壮族自治区", "回族自治区", "维吾尔自治区", "自治区", "省", "市"} {
		if short, ok := strings.CutSuffix(name, form); ok {
			return short
		}
	}
	return name
}

package manifest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// extents are the code sets as the standards that they name have them. What is whole
// is held code by code: GB/T 3304 has 56 nations in two digits, to which household
// registers add 97 and 98; GB/T 4754-2017 has 20 sections and 97 divisions, which the
// set has with and without their section's letter. Of what the set's own file says is
// partial, the editions' own size is not told: how many there are, and some that every
// edition has.
var extents = map[string]struct {
	standard string
	whole    []string
	count    int               // of a partial one: no fewer
	some     map[string]string // titles, or what they begin with
	never    []string
}{
	"sex":       {standard: "GB/T 2261.1", whole: []string{"0", "1", "2", "9"}, some: map[string]string{"1": "男", "2": "女"}, never: []string{"3", "8"}},
	"marital":   {standard: "GB/T 2261.2", whole: []string{"10", "20", "21", "22", "23", "30", "40", "90"}, some: map[string]string{"10": "未婚", "23": "复婚", "30": "丧偶", "40": "离婚"}, never: []string{"24", "50", "99"}},
	"nation":    {standard: "GB/T 3304", whole: append(numbers(1, 56), "97", "98"), some: map[string]string{"01": "汉族", "05": "维吾尔族", "11": "满族", "25": "水族", "49": "京族", "56": "基诺族"}, never: []string{"00", "57", "99"}},
	"political": {standard: "GB/T 4762", whole: numbers(1, 13), some: map[string]string{"01": "中国共产党党员", "03": "中国共产主义青年团团员", "13": "群众"}, never: []string{"00", "14"}},
	"education": {
		standard: "GB/T 4658", whole: slices.Concat(numbers(10, 23), numbers(28, 28), numbers(30, 33), numbers(40, 49), numbers(60, 63), []string{"70", "71", "73", "80", "81", "83", "90"}),
		some: map[string]string{"11": "博士研究生毕业", "14": "硕士研究生毕业", "21": "大学本科毕业", "31": "大学专科毕业", "61": "普通高中毕业", "71": "初中毕业", "81": "小学毕业", "90": "其他"}, never: []string{"24", "50", "99"},
	},
	"industry": {
		standard: "GB/T 4754", whole: industries(), some: map[string]string{"A": "农、林、牧、渔业", "C": "制造业", "C13": "农副食品加工业", "47": "房屋建筑业", "H62": "餐饮业", "T": "国际组织", "97": "国际组织"}, never: []string{"U", "00", "98", "A06"},
	},
	"relation":      {standard: "GB/T 4761", count: 84, some: map[string]string{"02": "户主", "10": "配偶", "11": "夫", "12": "妻", "20": "子", "30": "女", "51": "父亲", "52": "母亲"}},
	"plate_kind":    {standard: "GA/T 16.7", count: 35, some: map[string]string{"01": "大型汽车", "02": "小型汽车", "15": "挂车", "16": "教练汽车", "23": "警用汽车", "51": "大型新能源汽车", "52": "小型新能源汽车"}},
	"document_kind": {standard: "GA/T 517", count: 32, some: map[string]string{"111": "居民身份证", "113": "户口簿", "414": "普通护照", "511": "台湾居民来往大陆通行证"}},
	"currency":      {standard: "GB/T 12406", count: 150, some: map[string]string{"CNY": "人民币", "HKD": "港元", "EUR": "欧元", "USD": "美元"}},
	"economic_type": {standard: "GB/T 12402", count: 33, some: map[string]string{"110": "国有全资", "160": "股份有限", "175": "个体经营"}},
	"health_state":  {standard: "GB/T 2261.3", count: 4, some: map[string]string{"1": "健康或良好", "6": "残疾"}}, // the first level
}

func numbers(from, to int) []string {
	var out []string
	for n := from; n <= to; n++ {
		out = append(out, fmt.Sprintf("%02d", n))
	}
	return out
}

// industries are the sections of GB/T 4754-2017, each from its first division on.
func industries() []string {
	first := []int{1, 6, 13, 44, 47, 51, 53, 61, 63, 66, 70, 71, 73, 76, 80, 83, 84, 86, 91, 97, 98}
	var out []string
	for i := range len(first) - 1 {
		section := string(rune('A' + i))
		out = append(out, section)
		for n := first[i]; n < first[i+1]; n++ {
			out = append(out, fmt.Sprintf("%02d", n), fmt.Sprintf("%s%02d", section, n))
		}
	}
	return out
}

// A code set that is cut short would find people's true codes unknown, and one that was
// made up would let wrong ones pass.
func TestCodeSetsAreWhole(t *testing.T) {
	t.Parallel()
	c, err := Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.CodeSets) != len(extents) {
		t.Errorf("the city has %d code sets, %d are held here", len(c.CodeSets), len(extents))
	}
	for _, s := range c.CodeSets {
		want, ok := extents[s.ID]
		if !ok {
			t.Errorf("nobody has said how far %q goes", s.ID)
			continue
		}
		if !strings.HasPrefix(s.Standard, want.standard) || s.Version == "" || s.Source == "" {
			t.Errorf("%s is of %q, edition %q, from %q, want %s", s.ID, s.Standard, s.Version, s.Source, want.standard)
		}
		titles := map[string]string{}
		var values []string
		for _, code := range s.Codes {
			values = append(values, code.Value)
			titles[code.Value] = code.Title
		}
		whole := slices.Clone(want.whole)
		slices.Sort(whole)
		slices.Sort(values)
		switch {
		case want.whole != nil && !slices.Equal(values, whole):
			t.Errorf("%s has %v, want %v", s.ID, values, whole)
		case want.whole == nil && (s.Complete || len(values) < want.count):
			t.Errorf("%s has %d values, complete %v, want no fewer than %d, said to be partial", s.ID, len(values), s.Complete, want.count)
		case want.whole != nil && s.ID != "industry" && !s.Complete: // groups and classes of industries are known by their division
			t.Errorf("%s is whole and does not say so", s.ID)
		}
		for value, title := range want.some {
			if !strings.HasPrefix(titles[value], title) {
				t.Errorf("%s %s is %q, want %q", s.ID, value, titles[value], title)
			}
		}
		for _, value := range want.never {
			if titles[value] != "" {
				t.Errorf("%s has %s, which the standard has not", s.ID, value)
			}
		}
	}
}

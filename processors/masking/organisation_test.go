package masking

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

func organisationsOf(t testing.TB, city schemas.City) func(string) string {
	t.Helper()
	l := newLab("org_name:partial")
	p, err := Compile(l.view, l.dataset.Layout, city, ring(t))
	if err != nil {
		t.Fatal(err)
	}
	return func(name string) string {
		got, _ := p.Apply(schemas.NewRecord(l.dataset.Layout, []schemas.Value{schemas.Text(name)}), now)
		return got.Value(0).Str()
	}
}

// TestOrganisation: of an organisation's name the city and the form are shown, and of the
// name of its owner nothing.
func TestOrganisation(t *testing.T) {
	show := organisationsOf(t, city(t).City)
	for in, want := range map[string]string{
		"云岭市东关食品有限公司":     "云岭*******公司",
		"云岭市食品有限公司":       "云岭*****公司",
		"云南省云岭市东关食品有限公司":  "云南**********公司",
		"云南东关食品有限公司":      "云南******公司",
		"徐州市东关食品有限公司":     "*********公司",
		"云岭市张三烧烤店":        "云岭*****店",
		"云岭市第一小学":         "云岭***小学",
		"云岭市人民医院":         "云岭***医院",
		"云岭市岭东区健身协会":      "云岭******协会",
		"云岭市税务局":          "云岭****", // 局 ends names of persons too
		"岭东商行":            "**商行",
		"云岭市东关食品有限公司（分）":  "云岭************",
		"王小二小吃店":          "*****店",
		"云岭市王小二小吃店":       "云岭******店",
		"李小龙":             "***",
		"张大学":             "***", // a person
		"云岭市张大学":          "云岭****",
		"欧阳娜娜":            "****",
		"经营者张三":           "***",
		"个体工商户李小龙":        "***",
		"云岭市个体户王小二":       "***",
		"個體工商戶李小龍":        "***",
		"个 体 工 商 户 李小龙":   "***",
		"李小龙（个体工商户）":      "***",
		"李小龙(个体)超市":       "***",
		"云岭市岭东区李小龙个体经营部":  "***",
		"云岭市李小龙食品厂(个人独资)": "***",
		"养殖户王小二":          "******",
		"云岭市王小二":          "云岭****",
		"云岭":              "**",
		"公司":              "**",
		"Xiaolong Co Ltd": "***************",
	} {
		got := show(in)
		if got != want {
			t.Errorf("%q shows %q, want %q", in, got, want)
		}
		if again := show(got); again != got {
			t.Errorf("%q becomes %q when masked again", got, again)
		}
	}
}

// TestOrganisationHidesItsOwner: whatever stands around a person's name in the name of a
// business, of the person's name nothing is seen.
func TestOrganisationHidesItsOwner(t *testing.T) {
	show := organisationsOf(t, city(t).City)
	rapid.Check(t, func(t *rapid.T) {
		person := rapid.StringOfN(rapid.RuneFrom([]rune("龘靐齉爩鱻麤")), 2, 4, -1).Draw(t, "person")
		front := rapid.SampledFrom([]string{"", "云岭市", "云南省云岭市", "徐州市", "个体户", "个体工商户", "经营者", "云岭市岭东区", "养殖户", "A"}).Draw(t, "front")
		behind := rapid.SampledFrom([]string{"", "店", "小吃店", "有限公司", "（个体工商户）", "个体经营部", "合作社", "诊所", "13912345678", "家", "的摊子"}).Draw(t, "behind")
		out := show(front + person + behind)
		if strings.ContainsAny(out, "龘靐齉爩鱻麤") {
			t.Fatalf("%q shows %q", front+person+behind, out)
		}
		if strings.Contains(front+behind, "个体") && out != stars {
			t.Fatalf("%q shows %q of an individual business", front+person+behind, out)
		}
	})
}

// TestOrganisationForms: no form is so long that it would say what an organisation does.
func TestOrganisationForms(t *testing.T) {
	for _, form := range organisations {
		if n := utf8.RuneCountInString(form); n > 4 {
			t.Errorf("%q has %d characters", form, n)
		}
	}
}

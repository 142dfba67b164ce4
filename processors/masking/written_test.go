package masking

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// What people write into texts: numbers of persons are hidden in whatever spelling,
// the rest is readable.
func TestWritten(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		// identity numbers
		{"法定代表人（539902198503120013）失联", "法定代表人（539902************）失联"},
		{"人民路12号 53990219850312003X 收", "人民路12号 539902************ 收"},
		{"53990219850312003x", "539902************"},
		{"５３９９０２１９８５０３１２００１３", "539902************"},
		{"身份证539902-19850312-0013。", "身份证539902************。"},
		{"身份证539902 1985 0312 0013。", "身份证539902************。"},
		{"身份证539902.19850312.003.X。", "身份证539902************。"},
		{"身份证539902——1985-03-12 · 0013", "身份证539902************"},
		{"5 3 9 9 0 2 1 9 8 5 0 3 1 2 0 0 1 3", "539902************"},
		{"五三九九〇二一九八五〇三一二〇〇一三号", "539902************号"},
		{"伍叁玖玖零贰壹玖捌伍零叁壹贰零零壹叁", "539902************"},
		{"五三九九○二　一九八五　零三一二　○○一三", "539902************"},
		{"①", "①"},
		{"⑤③⑨⑨⓪②①⑨⑧⑤⓪③①②⓪⓪①③", "539902************"},
		{"٥٣٩٩٠٢١٩٨٥٠٣١٢٠٠١٣", "539902************"},
		{"𝟓𝟑𝟗𝟗𝟎𝟐𝟏𝟗𝟖𝟓𝟎𝟑𝟏𝟐𝟎𝟎𝟏𝟑", "539902************"},
		{"5399\u200b0219850312\u00ad0013", "539902************"},
		{"5\ufe0f\u20e33\ufe0f\u20e399021985\ufe0f0312\n0013", "539902************"},
		{"残疾人证53990219850312001344", "残疾人证539902**************"},
		{"残疾人证53990219850312003X11B1，一级", "残疾人证539902****************，一级"},
		{"残疾人证539902 19850312 001344", "残疾人证539902**************"},
		{"残疾人证539902 19850312 001444", "残疾人证539902 19850312 001444"}, // ends amid digits, and its check digit does not hold
		{"学籍号G539902198503120013", "学籍号G539902************"},
		{"身份证539902198503120014", "身份证539902************"}, // a wrong check digit hides no better
		{"身份证539902850312001，", "身份证539902*********，"},
		{"身份证539902 850312 001，", "身份证539902*********，"},
		{"残疾人证53990285031200144", "残疾人证539902***********"},
		{"第五539902198503120013", "第五539902************"},
		{"539902198503120013539902198503120021", "539902******************************"},
		{"2026-01-02 539902198503120013 2026-01-03", "2026-01-02 539902************ 2026-01-03"},
		{"13912345678539902198503120013", "***********539902************"},

		// telephones
		{"联系电话13912345678，", "联系电话139****5678，"},
		{"联系电话１３９１２３４５６７８", "联系电话139****5678"},
		{"联系电话139 1234 5678", "联系电话139****5678"},
		{"联系电话139-1234-5678转8001", "联系电话139****5678转8001"},
		{"联系电话139.1234.5678", "联系电话139****5678"},
		{"联系电话139 1234-5678", "联系电话139****5678"},
		{"联系电话1 3 9 1 2 3 4 5 6 7 8", "联系电话139****5678"},
		{"联系电话139一234五678", "联系电话139****5678"},
		{"一三九一二三四五六七八", "139****5678"},
		{"壹叁玖 壹贰叁肆 伍陆柒捌", "139****5678"},
		{"+86 13912345678", "+86139****5678"},
		{"+8613912345678", "+86139****5678"},
		{"+86-139-1234-5678", "+86139****5678"},
		{"013912345678", "0139****5678"},
		{"008613912345678", "0086139****5678"},
		{"13912345678 13800001111", "139****5678 138****1111"},
		{"13912345678/13800001111", "139****5678/138****1111"},
		{"2026-01-02 13912345678", "2026-01-02 139****5678"},
		{"13912345678-2026-01-02", "139****5678-2026-01-02"},
		{"东关街道15-2-1801 13912345678", "东关街道15-2-1801 139****5678"},
		{"三13912345678", "三139****5678"},
		{"tel13912345678", "tel139****5678"},
		{"13912345678x8001", "139****5678x8001"},

		// bank cards
		{"卡号6222021234567890128", "卡号6222***********0128"},
		{"卡号6222 0212 3456 7890 128", "卡号6222***********0128"},
		{"卡号6222-0212-3456-7890-128", "卡号6222***********0128"},
		{"卡号６２２２０２１２３４５６７８９０１２８", "卡号6222***********0128"},
		{"卡号六二二二〇二一二三四五六七八九〇一二八", "卡号6222***********0128"},
		{"卡号4111111111111111。", "卡号4111********1111。"},

		// what is lawful stays
		{"云岭市岭东区东关街道人民路15-2-1801 650000", ""},
		{"人民路13-101 650000", ""},
		{"人民路1号至99号（单）", ""},
		{"1 3 5 7 9 11 13 15 17 19 21", ""},
		{"一二三四五六七八九十一十二", ""},
		{"三〇二室、三〇三室、三〇四室", ""},
		{"2019-01-01 2020-12-31 2021-05-06", ""},
		{"2019-10-01 2020-12-05 2021-05-06", ""},
		{"2019.01.01-2020.12.31", ""},
		{"20190101-20201231", ""},
		{"二〇一九年一月一日至二〇二〇年十二月三十一日", ""},
		{"20260102134506", ""},
		{"20260102110506123", ""},
		{"2026-01-02 13:45:06.123", ""},
		{"1,234,567,890.12元", ""},
		{"注册资本13912345678元", ""},
		{"注册资本13912345678.00元", ""},
		{"¥13912345678.00", ""},
		{"4111111111111111元", "4111********1111元"}, // nobody has so much
		{"面积1200.50平方米，1300.25平方米", ""},
		{"91539900MADE00011B", ""},
		{"统一社会信用代码91539900MADE00011B、92539900MA6KXXXX1X", ""},
		{"JY15399020000013", ""},
		{"云岭许字〔2026〕1号", ""},
		{"GB 32100-2015、GB/T 17710", ""},
		{"130.12345678,45.12345678", ""},
		{"102.7123456 25.1234567", ""},
		{"0871-65123456", ""},
		{"400-800-8000", ""},
		{"11234567890", ""},
		{"23912345678", ""},
		{"539902199902310013", ""},
		{"4111111111111112", ""},
		{"539902************", ""},
		{"139****5678", ""},
		{"不动产单元539902001001GB00001F00010001", ""},
		{"", ""},
		{"岭东区", ""},
	} {
		want := tt.want
		if want == "" {
			want = tt.in
		}
		if got := shownOf(t, "text", tt.in); got != want {
			t.Errorf("a text shows %q of %q, want %q", got, tt.in, want)
		}
	}
}

// Of the number of a document only an identity number is hidden in it.
func TestWrittenDocument(t *testing.T) {
	for in, want := range map[string]string{
		"云岭许字539902-19850312-0013号": "云岭许字539902************号",
		"13912345678":               "13912345678",
		"4111111111111111":          "4111111111111111",
		"539902850312001":           "539902*********",
		"539902850312003":           "539902850312003", // a register's number of fifteen digits, whose check digit holds
		"YL539902850312003":         "YL539902*********",
	} {
		if got := shownOf(t, "identifier", in); got != want {
			t.Errorf("a document's number shows %q of %q, want %q", got, in, want)
		}
	}
}

// shownOf is what a screened column of the kind shows.
func shownOf(t interface {
	Helper()
	Fatalf(string, ...any)
}, kind, in string,
) string {
	t.Helper()
	out, ok := screen(&schemas.Element{ID: kind, Kind: kind, Type: schemas.String})(schemas.Text(in), now)
	if !ok {
		t.Fatalf("the screen fails on %q", in)
	}
	return out.Str()
}

// A column of a view is screened where its element has no mask and the catalogue does
// not say that it is clear.
func TestWrittenInViews(t *testing.T) {
	const in, hidden = "人民路12号，13912345678", "人民路12号，139****5678"
	cat := city(t)
	for _, tt := range []struct{ view, field, want string }{
		{"SC01.partial", "ZS", hidden}, {"SC01.clear", "ZS", in}, {"SC01.partial", "JGMC", hidden}, {"SC01.clear", "JGMC", in},
	} {
		v, err := cat.View(tt.view)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(v, v.Dataset.Layout, cat.City, ring(t))
		if err != nil {
			t.Fatal(err)
		}
		values := make([]schemas.Value, len(v.Dataset.Layout.Columns))
		values[v.Dataset.Layout.Index(tt.field)] = schemas.Text(in)
		got, dropped := p.Apply(schemas.NewRecord(v.Dataset.Layout, values), now)
		if shown := got.Value(v.Layout.Index(tt.field)).Str(); shown != tt.want || dropped != 0 {
			t.Errorf("%s shows %q in %s, want %q; %d dropped", tt.view, shown, tt.field, tt.want, dropped)
		}
	}
}

// softJoints are made of what sentences and lists are made with as well.
var softJoints = []string{"/", "_", ":", "：", "|", "~", "*", "#", "、", "；", " / ", "(", "…"}

var scripts = []string{"0123456789", "０１２３４５６７８９", "〇一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖", "٠١٢٣٤٥٦٧٨٩"}

// spell writes a number as people might: in one script or in several, in the groups
// given or digit by digit, parted by one thing.
func spell(t *rapid.T, number string, grouping []int) string {
	script, mixed := rapid.IntRange(0, len(scripts)-1).Draw(t, "script"), rapid.Bool().Draw(t, "mixed")
	joint := rapid.SampledFrom(append([]string{"", " ", "-", " - ", ".", "·", "　", "－", "—", "\u200b"}, softJoints...)).Draw(t, "joint")
	if rapid.Bool().Draw(t, "digit by digit") {
		grouping = nil
		for range number {
			grouping = append(grouping, 1)
		}
	}
	if slices.Contains(softJoints, joint) && (strings.HasSuffix(number, "0") || len(grouping) == 2 && (strings.ContainsAny(joint, lists) || grouping[1] == 8)) {
		t.Skip("as likely a list, or a day")
	}
	var b strings.Builder
	at := 0
	for i, n := range grouping {
		if i > 0 {
			b.WriteString(joint)
		}
		if mixed {
			script = rapid.IntRange(0, len(scripts)-1).Draw(t, "script")
		}
		for _, d := range number[at : at+n] {
			if d == 'X' {
				b.WriteString(rapid.SampledFrom([]string{"X", "x", "Ｘ"}).Draw(t, "x"))
				continue
			}
			b.WriteString(string([]rune(scripts[script])[d-'0']))
		}
		at += n
	}
	return b.String()
}

func digitsOf(n int) *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), n, n, -1)
}

// lawful draws what stands in texts beside: nothing of it may be touched.
func lawful() *rapid.Generator[string] {
	day := rapid.Custom(func(t *rapid.T) string {
		sep := rapid.SampledFrom([]string{"-", ".", "/"}).Draw(t, "sep")
		return fmt.Sprintf("%d%s%02d%s%02d", rapid.IntRange(1949, 2049).Draw(t, "y"), sep, rapid.IntRange(1, 12).Draw(t, "m"), sep, rapid.IntRange(1, 28).Draw(t, "d"))
	})
	code := rapid.Custom(func(t *rapid.T) string {
		s := "91" + digitsOf(6).Draw(t, "region") + "MA" + rapid.StringOfN(rapid.RuneFrom([]rune("0123456789ABCDEFGHJKLMNPQRTUWXY")), 7, 7, -1).Draw(t, "subject")
		return s + string(rune(identifier.USCCCheck(s)))
	})
	return rapid.OneOf(
		day, code,
		rapid.Map(rapid.SliceOfN(day, 1, 2), func(d []string) string { return strings.Join(d, "至") }),
		rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("人民路%d号%d-%d-%d", rapid.IntRange(1, 999).Draw(t, "n"), rapid.IntRange(1, 30).Draw(t, "b"), rapid.IntRange(1, 9).Draw(t, "u"), rapid.IntRange(101, 3399).Draw(t, "f"))
		}),
		rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("%d.%02d元", rapid.Int64Range(0, 1e15).Draw(t, "n"), rapid.IntRange(0, 99).Draw(t, "c"))
		}),
		rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("%.2f平方米", rapid.Float64Range(1, 1e6).Draw(t, "n"))
		}),
		rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("云岭许字〔%d〕%d号", rapid.IntRange(1949, 2049).Draw(t, "y"), rapid.IntRange(1, 99999).Draw(t, "n"))
		}),
		rapid.Custom(func(t *rapid.T) string {
			n, by := rapid.IntRange(1, 4000).Draw(t, "first"), rapid.IntRange(1, 9).Draw(t, "step")
			var all []string
			for range rapid.IntRange(3, 12).Draw(t, "count") {
				all, n = append(all, fmt.Sprint(n)), n+by
			}
			return "人民路" + strings.Join(all, rapid.SampledFrom([]string{"、", "，", ",", "/", " "}).Draw(t, "sep")) + "号"
		}),
		rapid.Custom(func(t *rapid.T) string {
			s, out := fmt.Sprint(rapid.Int64Range(1, 1e15).Draw(t, "n")), ""
			for ; len(s) > 3; s = s[:len(s)-3] {
				out = "," + s[len(s)-3:] + out
			}
			return s + out
		}),
		rapid.StringOfN(rapid.RuneFrom([]rune("张三李四云岭市东区街道路号公司店食品销售ABCxyz")), 0, 12, -1),
	)
}

// TestWrittenProperties: whatever the spelling, and whatever stands beside, of a
// person's number no more is shown than its partial form, and the rest is untouched.
func TestWrittenProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := lawful().Draw(t, "before")+"，", "，"+lawful().Draw(t, "after")
		var number, want string
		var grouping []int
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			number = fmt.Sprintf("%s%04d%04d%02d%02d", rapid.SampledFrom(strings.Fields(provinces)).Draw(t, "province"), rapid.IntRange(0, 9999).Draw(t, "region"), rapid.IntRange(1900, 2026).Draw(t, "y"), rapid.IntRange(1, 12).Draw(t, "m"), rapid.IntRange(1, 28).Draw(t, "d")) + digitsOf(3).Draw(t, "serial")
			number += string(rune(identifier.CitizenCheck(number)))
			want, grouping = idNumber(number), rapid.SampledFrom([][]int{{18}, {6, 8, 4}, {6, 4, 4, 4}, {6, 4, 2, 2, 4}, {3, 3, 4, 4, 4}, {4, 4, 4, 4, 2}, {6, 12}, {6, 8, 3, 1}, {17, 1}}).Draw(t, "grouping")
		case 1:
			number = "1" + rapid.SampledFrom(strings.Split("3456789", "")).Draw(t, "net") + digitsOf(9).Draw(t, "phone")
			want, grouping = phone(number), rapid.SampledFrom([][]int{{11}, {3, 4, 4}, {3, 8}, {7, 4}, {4, 4, 3}, {3, 3, 5}}).Draw(t, "grouping")
		case 2:
			number = rapid.SampledFrom([]string{"62", "4", "51", "35", "60"}).Draw(t, "issuer")
			number += digitsOf(rapid.IntRange(16, 19).Draw(t, "length")-1-len(number)).Draw(t, "card")
			for d := '0'; d <= '9'; d++ {
				if luhn(number + string(d)) {
					number += string(d)
					break
				}
			}
			if _, err := identifier.ParseUSCC(number); err == nil || identityAny(number) || len(number) == 17 && identityAny(number+"0") || mobile(number[len(number)-11:]) {
				t.Skip("another number as well")
			}
			want, grouping = bankCard(number), rapid.SampledFrom([][]int{{len(number)}, {4, 4, 4, len(number) - 12}, {6, len(number) - 6}}).Draw(t, "grouping")
		}
		spelled := spell(t, number, grouping)
		if strings.Count(spelled, ".") == 1 || utf8.RuneCountInString(spelled) == len(number)+1 && strings.Contains(spelled, ".") {
			t.Skip("a decimal fraction")
		}
		in := before + spelled + after
		got := shownOf(t, "text", in)
		if got != before+want+after {
			t.Fatalf("shows %q of %q, want %q", got, in, before+want+after)
		}
		if again := shownOf(t, "text", got); again != got {
			t.Fatalf("hiding twice gives %q after %q", again, got)
		}
	})
}

func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		sum += []int{d, d*2/10 + d*2%10}[i%2]
	}
	return sum%10 == 0
}

func identityAny(s string) bool {
	_, n := identityIn(s)
	return n > 0
}

// TestLawfulTexts: what is nobody's number is shown as it was written.
func TestLawfulTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := strings.Join(rapid.SliceOfN(lawful(), 1, 5).Draw(t, "texts"), "；")
		if got := shownOf(t, "text", in); got != in {
			t.Fatalf("shows %q of %q", got, in)
		}
	})
}

// TestLong: what is asked of every text says yes wherever a run is found.
func TestLong(t *testing.T) {
	anything := rapid.StringOfN(rapid.RuneFrom([]rune("0123456789Xx５〇○零一幺两九玖①٣𝟓❶⑴Ⅸ⼀ -.·—　/：（ㅤ〜\u200b\u00ad\ufe0f㐀龥*，号a")), 0, 30, -1)
	rapid.Check(t, func(t *rapid.T) {
		in := anything.Draw(t, "text")
		if at := rapid.IntRange(0, len(in)).Draw(t, "broken at"); rapid.Bool().Draw(t, "broken") {
			in = in[:at] + "\xe4" + in[at:]
		}
		figures, _ := run(in, 0, nil)
		numerals := 0
		for _, f := range figures {
			if f.digit != 'X' {
				numerals++
			}
		}
		if numerals >= shortest && !long(in) {
			t.Fatalf("%q is not long", in)
		}
	})
}

// TestWrittenAnything: of any text at all hiding is idempotent and makes no bytes that are no text.
func TestWrittenAnything(t *testing.T) {
	anything := rapid.StringOfN(rapid.RuneFrom([]rune("0123456789Xx539912 -.·/，（）:一三九〇６８❶*号元年ab")), 0, 80, -1)
	rapid.Check(t, func(t *rapid.T) {
		in := anything.Draw(t, "text")
		out := shownOf(t, "text", in)
		if again := shownOf(t, "text", out); again != out || !utf8.ValidString(out) {
			t.Fatalf("%q after %q of %q", again, out, in)
		}
	})
}

func BenchmarkScreen(b *testing.B) {
	for name, s := range map[string]string{
		"address": "云岭市岭东区东关街道人民路12号3单元501室", "scope": strings.Repeat("食品销售；餐饮服务；日用百货、办公用品、电子产品的批发零售（依法须经批准的项目除外）；", 5),
		"ascii": "39.9042135,116.4073963", "found": "法定代表人（539902198503120013）失联",
		"lists": "人民路12、14、16、18、20、22号，2026/01/02 8:30-17:30", "parted": "联系电话138/1234/5678，1号楼",
	} {
		b.Run(name, func(b *testing.B) {
			hide, v := screen(&schemas.Element{ID: "text", Kind: "text", Type: schemas.String}), schemas.Text(s)
			b.ReportAllocs()
			for b.Loop() {
				hide(v, now)
			}
		})
	}
}

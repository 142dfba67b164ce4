package masking

import (
	"bufio"
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// addresses compiles both masks of addresses for a city and returns what they leave of one.
func addresses(t testing.TB, city schemas.City) func(address string) (district, partial string) {
	t.Helper()
	l := newLab("address:district", "address:partial")
	p, err := Compile(l.view, l.dataset.Layout, city, ring(t))
	if err != nil {
		t.Fatal(err)
	}
	return func(address string) (string, string) {
		got, dropped := p.Apply(schemas.NewRecord(l.dataset.Layout, []schemas.Value{schemas.Text(address), schemas.Text(address)}), now)
		if dropped != 0 {
			return "dropped", "dropped"
		}
		return got.Value(0).Str(), got.Value(1).Str()
	}
}

// agree reports whether what the two masks leave of one address names one district.
func agree(district, partial string) bool {
	return strings.HasSuffix(partial, stars) && strings.HasPrefix(partial, district) && (district == stars) == (partial == stars)
}

// TestAddressIsOurs: an address is the city's if it says so from its first character on,
// by both masks, and withheld by both otherwise.
func TestAddressIsOurs(t *testing.T) {
	show := addresses(t, city(t).City)
	for _, tt := range []struct{ in, want string }{
		{"云岭市岭东区东关街道人民路12号", "云岭市岭东区东关街道"},
		{"云南省云岭市岭东区东关街道人民路12号", "云岭市岭东区东关街道"},
		{"云南云岭市岭东区东关街道人民路12号", "云岭市岭东区东关街道"},
		{"云南省云岭岭东区东关街道人民路12号", "云岭市岭东区东关街道"},
		{"云岭岭东区大街1号", "云岭市岭东区"},
		{"云岭市岭东区", "云岭市岭东区"},
		{"云岭市 岭东区　东关街道 1号", "云岭市岭东区东关街道"},
		{"云岭市，岭东区，东关街道", "云岭市岭东区东关街道"},
		{"云岭市岭东区西关街道1号", "云岭市岭东区"},           // a street that this district has not
		{"云岭市岭东区岭东区东关街道1号", "云岭市岭东区"},        // said twice
		{"云岭市东关街道人民路12号", "云岭市岭东区东关街道"},      // one district alone has it
		{"云南省望江县沙河乡3组", "云岭市望江县沙河乡"},         // as identity cards have it
		{"云岭市石屏坝县石屏镇１号", "云岭市石屏坝县石屏镇"},       // full-width
		{"云岭市岭东区徐州路1号", "云岭市岭东区"},            // a road of another city's name
		{"云岭市岭东区\u200b东关街道1号", "云岭市岭东区东关街道"}, // a character that is not seen
		{"云岭市岭东区" + strings.Repeat("长", 60) + "9号", "云岭市岭东区"},

		{"徐州市岭东区大街1号", ""},
		{"外省某市岭东区大街1号", ""},
		{"外省某市某路2号", ""},
		{"江苏省徐州市岭东区东关街道1号", ""},
		{"四川省云岭市岭东区1号", ""}, // a city of that name in another province
		{"四川云岭市岭东区1号", ""},
		{"新云岭市岭东区1号", ""},
		{"云岭县岭东区1号", ""},
		{"云岭市新区岭东区1号", ""},
		{"云岭新区岭东区1号", ""},
		{"大云岭岭东区1号", ""},
		{"原云岭市岭东区1号", ""},
		{"123云岭市岭东区1号", ""},
		{"Ａ云岭市岭东区1号", ""},
		{"(云岭市岭东区)1号", ""},
		{"云岭市岭东1号", ""},
		{"云岭市徐州岭东区1号", ""},
		{"云岭市张三家对面", ""},
		{"云岭市", ""},
		{"云南省岭东区东关街道1号", ""},    // many cities of a province may have one of that name
		{"四川省望江县沙河乡3组", ""},     // another province's
		{"岭东区东关街道1号", ""},       // nothing says which city's
		{"东关街道1号", ""},          // nor which town's
		{"云岭市岭东区岭西区西关街道1号", ""}, // it names two
		{"云岭市岭东区岭西区", ""},
		{"云岭市岭东区云岭市岭西区西关街道", ""},
		{"云岭市岭西区岭东区东关街道1号", ""},
		{"雲嶺市嶺東區東關街道1號", ""},       // other characters than the catalogue's
		{"云岭市\u2f2d岭东区东关街道1号", ""}, // a radical
		{"居住在云岭市岭东区东关街道", ""},
		{"岭东区", ""},
	} {
		district, partial := show(tt.in)
		want, cut := stars, stars
		if tt.want != "" {
			want, cut = tt.want+stars, tt.want[:strings.IndexAny(tt.want, "区县")+len("区")]
		}
		if partial != want || district != cut {
			t.Errorf("%q shows %q and %q, want %q and %q", tt.in, partial, district, want, cut)
		}
		if again, twice := show(partial); twice != partial || again != district {
			t.Errorf("masked again %q shows %q and %q, want %q and %q", partial, twice, again, partial, district)
		}
	}
}

// ours is the grammar of catalogue-format.md, written once more.
var ours = regexp.MustCompile(`^((云南省?)?云岭市?(岭东区|岭西区|望江县|石屏坝县|东关街道|文庙街道|翠湖街道|青石镇|西关街道|金桥街道|河畔街道|白塔镇|望江镇|柳林镇|沙河乡|龙潭乡|石屏镇|坝心镇|红土乡|云台彝族乡)|云南省(望江县|石屏坝县))`)

// TestAddressOfOthers: of no text that does not begin with the city's own name does a mask
// make an address of ours, and both masks agree on any text.
func TestAddressOfOthers(t *testing.T) {
	show := addresses(t, city(t).City)
	pieces := rapid.OneOf(
		rapid.SampledFrom([]string{
			"云南", "云南省", "云岭", "云岭市", "四川省", "徐州市", "某县", "新", "省", "市", "县", "区", "岭", "东", " ", "１", "1号", "路", "A", "幢", "一",
			"岭东区", "岭西区", "望江县", "石屏坝县", "东关街道", "西关街道", "望江镇", "石屏镇", "石屏", "嶺東區", "***", "\u200b", "，", "(", "镇", "街道",
		}),
		rapid.StringN(0, 3, -1),
	)
	rapid.Check(t, func(t *rapid.T) {
		address := strings.Join(rapid.SliceOfN(pieces, 0, 6).Draw(t, "pieces"), "")
		district, partial := show(address)
		if !agree(district, partial) && district != "dropped" {
			t.Fatalf("%q is %q by one mask and %q by the other", address, district, partial)
		}
		plain := strings.NewReplacer(" ", "", "\u200b", "", "，", "").Replace(address)
		if district != stars && district != "dropped" && district != "" && !ours.MatchString(plain) && asciiOrHan(plain) {
			t.Fatalf("%q is taken for %q", address, partial)
		}
	})
}

// asciiOrHan reports whether a text has none of the characters that an address's normal
// form takes away or changes, beside those that the test takes away itself.
func asciiOrHan(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > 'z') && (r < 0x4e00 || r > 0x9fa5) && r != '*' })
}

// TestAddressBehindAnything: whatever stands in front, if it is not the city's own name
// or its province's, makes the address another's.
func TestAddressBehindAnything(t *testing.T) {
	show := addresses(t, city(t).City)
	rapid.Check(t, func(t *rapid.T) {
		front := rapid.StringOfN(rapid.RuneFrom([]rune("甲乙丙新大徐州苏川省市县区镇村外某原住在ABC789")), 1, 8, -1).Draw(t, "front")
		own := rapid.SampledFrom([]string{"", "云岭", "云岭市", "云南省云岭市", "云南省"}).Draw(t, "own")
		rest := rapid.SampledFrom([]string{"岭东区", "望江县", "岭西区金桥街道", "石屏坝县红土乡", "东关街道"}).Draw(t, "rest")
		if district, partial := show(front + own + rest + "大街1号"); district != stars || partial != stars {
			t.Fatalf("%q behind %q is taken for %q and %q", own+rest, front, district, partial)
		}
	})
}

// TestAddressOfTheWorld: every address of the made-up city is of the district that the
// code beside it says.
func TestAddressOfTheWorld(t *testing.T) {
	cat := city(t)
	show := addresses(t, cat.City)
	names := map[string]string{}
	for _, r := range cat.City.Regions {
		names[r.Code] = cat.City.Name + r.Name
	}
	var truth bytes.Buffer
	if err := synthetic.WriteTruth(&truth, synthetic.Options{Seed: 11, Base: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}); err != nil {
		t.Fatal(err)
	}
	beside := map[string]string{"HJDZ": "HJDXZQHDM", "JZDZ": "JZDXZQHDM"}
	said, coded := 0, 0
	lines := bufio.NewScanner(&truth)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row struct {
			Dataset string
			Fields  map[string]any
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		d, err := cat.Dataset(row.Dataset)
		if err != nil || row.Fields == nil {
			continue
		}
		for _, f := range d.Fields {
			address, _ := row.Fields[f.Name].(string)
			if f.Element.Kind != "address" || address == "" {
				continue
			}
			district, partial := show(address)
			code, _ := row.Fields[beside[f.Name]].(string)
			said++
			switch {
			case district == stars || !agree(district, partial):
				t.Fatalf("%s.%s %q is %q by one mask and %q by the other", d.ID, f.Name, address, district, partial)
			case code != "" && names[code] != district:
				t.Fatalf("%s.%s %q beside %s is taken for %q", d.ID, f.Name, address, code, district)
			case code != "":
				coded++
			}
			if partial == district+stars {
				t.Fatalf("%s.%s %q shows no town: %q", d.ID, f.Name, address, partial)
			}
		}
	}
	if said < 2000 || coded < 1000 {
		t.Errorf("the world has %d addresses, %d with a code beside them: too few to prove anything", said, coded)
	}
}

// TestNamesOfPlaces: the city's names decide what an address may begin with, in the form
// in which addresses are compared.
func TestNamesOfPlaces(t *testing.T) {
	districts := []schemas.Region{{Name: "城关区", Towns: []string{"四队镇", "东关街道"}}, {Name: "城关区新城", Towns: []string{"东关街道"}}, {Name: "昆水市"}}
	for _, tt := range []struct {
		city     schemas.City
		in, want string
	}{
		{schemas.City{Name: "吉林市", Region: "220200"}, "吉林省吉林市城关区1号", "吉林市城关区***"},
		{schemas.City{Name: "吉林市", Region: "220200"}, "吉林城关区1号", "吉林市城关区***"},
		{schemas.City{Name: "吉林市", Region: "220200"}, "吉林省城关区1号", "***"},
		{schemas.City{Name: "吉林市", Region: "220200"}, "吉林省昆水市1号", "吉林市昆水市***"},
		{schemas.City{Name: "吉林市", Region: "220200"}, "吉林市城关区新城1号", "吉林市城关区新城***"},
		{schemas.City{Name: "吉林市", Region: "220200"}, "吉林市东关街道1号", "***"}, // two districts have it, and one tells none
		{schemas.City{Name: "吉林市", Region: "220200"}, "吉林市城关区四队镇1号", "吉林市城关区四队镇***"},
		{schemas.City{Name: "北京市", Region: "110000"}, "北京城关区1号", "北京市城关区***"},
		{schemas.City{Name: "大理白族自治州", Region: "532900"}, "云南省大理白族自治州昆水市", "大理白族自治州昆水市***"},
		{schemas.City{Name: "大理白族自治州", Region: "532900"}, "大理城关区", "***"},
		{schemas.City{Name: "示范市"}, "示范市城关区", "示范市城关区***"},
		{schemas.City{Name: "示范市"}, "昆水市", "***"},
		{schemas.City{Name: "沙市"}, "沙城关区", "***"}, // one character is no name
		{schemas.City{Name: "市"}, "城关区", "***"},
		{schemas.City{}, "城关区1号", "***"},
	} {
		tt.city.Regions = districts
		district, partial := addresses(t, tt.city)(tt.in)
		if partial != tt.want || !agree(district, partial) {
			t.Errorf("%s: %q shows %q and %q, want %q", tt.city.Name, tt.in, partial, district, tt.want)
		}
	}
}

package handbook

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/condition"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// now is when the page's examples are.
var now = time.Date(2026, 1, 31, 9, 0, 0, 0, schemas.Zone)

// about says of each kind what it takes, with values that masks are shown on.
var about = map[string]struct {
	chinese, english string
	values           []string
}{
	"address":     {"地址；全半角、空格、门牌写法归一后比较", "an address; compared by one form of widths, spaces and house numbers", []string{"云岭市岭东区东关街道和平路1号", "云南省望江县沙河乡3组", "云岭市东关街道和平路1号", "外省某市岭东区某路2号", "岭东区东关街道和平路1号", "云岭市岭东区岭西区和平路1号"}},
	"amount":      {"金额，定点小数", "an amount, with a fixed point", []string{"0", "480.00", "680.00", "12345.60", "250000"}},
	"bank_card":   {"银行卡号，15 到 19 位", "a bank card's number, 15 to 19 digits", []string{"6222020000000000005"}},
	"boolean":     {"是或否", "yes or no", []string{"true"}},
	"code":        {"代码，须有 codes 或 set", "a code, with codes or set", []string{"1"}},
	"count":       {"整数", "a whole number", []string{"3", "35"}},
	"date":        {"日期", "a date", []string{"1985-03-12"}},
	"id_number":   {"公民身份号码，18 位；15 位的换算为 18 位。校验码不对的收下，由用 `id_ok` 写的规则发现", "a citizen's number of 18 digits; one of 15 is converted. A wrong check digit is taken; a rule that is written with `id_ok` finds it", []string{"539902198503120013"}},
	"identifier":  {"证件和文书的编号", "the number of a document", []string{"DB2026000001"}},
	"org_name":    {"机构名称", "an organisation's name", []string{"云岭市东关食品有限公司", "外省某市食品有限公司", "王小二小吃店", "云岭市王小二", "个体工商户李小龙"}},
	"person_name": {"人的姓名", "a person's name", []string{"张三", "欧阳建国", "王五", "阿依古丽·热合曼"}},
	"phone":       {"电话号码", "a telephone number", []string{"13900000001", "0871-55512345"}},
	"plate":       {"机动车号牌", "a number plate", []string{"云A12345"}},
	"region":      {"行政区划代码", "a division's code", []string{"539902"}},
	"text":        {"文字", "a text", []string{"备注"}},
	"timestamp":   {"时刻；不写时区为中国时间", "a moment; without a zone in China", []string{"2026-01-31 08:00:00"}},
	"uscc":        {"统一社会信用代码，18 位；校验码不对的收下，由用 `uscc_ok` 写的规则发现", "a unified social credit code of 18 characters; a wrong check is taken; a rule that is written with `uscc_ok` finds it", []string{"115399000009900168"}},
}

func kinds(b *strings.Builder) error {
	b.WriteString("## 种类 / Kinds of elements\n\n`kind` 决定怎样校验和归一。不合的行退到问题数据，写明字段和原因，不含值。\n`kind` decides how a value is checked and brought to one form. A row that does not fit goes to quarantine, with field and reason and never the value.\n\n")
	var rows [][]string
	for _, kind := range schemas.Kinds() {
		a, ok := about[kind]
		if !ok {
			return fmt.Errorf("kind %q is not described", kind)
		}
		var can []string
		for _, r := range schemas.MaskRules() {
			if r.Applies(kind) && len(r.Kinds) > 0 {
				can = append(can, "`"+r.ID+"`")
			}
		}
		rows = append(rows, []string{"`" + kind + "`", schemas.KindType(kind).String(), a.chinese + " / " + a.english, strings.Join(can, " ")})
	}
	table(b, "种类 / kind|类型 / type|是什么 / what it is|可用的脱敏 / masks", rows)
	b.WriteString("`clear`、`suppress`、`token`、`digest`、`present` 适用于一切种类。 / These apply to every kind.\n\n")
	return nil
}

// notes say what of a mask its examples do not.
var notes = map[string]string{
	schemas.MaskPartial: `地址按 ` + "`city.yaml`" + ` 留到街道、乡镇，何为本市地址见 ` + "`district`" + `。机构名称只留开头的本市市名或本省省名（各用简称），和结尾的公司、厂、店、学校、医院等通用字样；其余遮盖，因为可能是经营者的姓名。名称中有个体、个人、经营者、业主、经营户、专业户、承包户、摊主的，一律 ` + "`***`" + `。卡号、信用代码栏里像公民身份号码的，不露出身份号码的后 12 位。
An address is cut to its street or town by ` + "`city.yaml`" + `; which addresses are the city's stands under ` + "`district`" + `. Of an organisation's name the city or the province that it begins with is shown, by its short name, and the common form that it ends with (公司、厂、店、学校、医院 and their like); the rest is hidden, since it may be the owner's name. A name with 个体、个人、经营者、业主、经营户、专业户、承包户 or 摊主 in it is ` + "`***`" + `. Of a citizen's number in the place of a card's or a credit code its last 12 digits are not shown.

`,
	schemas.MaskDistrict: `地址须从第一个字起写明在本市，写法有三种：市名、区县；省名、县或县级市、旗；市名、街道乡镇（各区县都列出了街道乡镇，且只有一个有同名的）。市名可以不写“市”，市名前可以写省名（可以不写“省”）。省名由 ` + "`city.yaml`" + ` 的 ` + "`region`" + ` 前两位决定。前面是别的字，或者没有写市名，都是 ` + "`***`" + `：鼓楼区、城关镇这样的名称各地都有。接连写出两个区县的也是 ` + "`***`" + `。与名单逐字比较，宽窄、空格、标点不计，繁体字不视为相同。` + "`partial`" + ` 与此一致。
An address has to say from its first character on that it is in the city, in one of three ways: city and district; province and a county, a city below the city or a banner; city and town, if all districts list their towns and one alone has it. The city may be without 市, and the province may stand in front of it, with or without 省; which province it is the first two digits of ` + "`region`" + ` in ` + "`city.yaml`" + ` say. Anything else in front, or no city at all, is ` + "`***`" + `, since names such as 鼓楼区 and 城关镇 recur all over the country. So is an address that names two districts one behind the other. Names are compared character by character but for widths, spaces and punctuation; traditional characters are others. ` + "`partial`" + ` goes by the same.

`,
}

// city is the sample city with one dataset that has a field of every kind, and a view
// for every mask.
func city() (*schemas.Catalogue, error) {
	m := fstest.MapFS{}
	for _, name := range []string{"city.yaml", "departments.yaml", "purposes.yaml", "calendar-2026.yaml"} {
		text, err := fs.ReadFile(yunling.Files(), name)
		if err != nil {
			return nil, err
		}
		m[name] = &fstest.MapFile{Data: text}
	}
	var elements, fields, views strings.Builder
	elements.WriteString("elements:\n  - {id: ID, title: 编号, kind: identifier, level: L1}\n")
	for _, kind := range schemas.Kinds() {
		codes := ""
		if kind == "code" {
			codes = `, codes: [{value: "1", title: 例}]`
		}
		fmt.Fprintf(&elements, "  - {id: %s, title: 例, kind: %s, level: L1%s}\n", kind, kind, codes)
		fmt.Fprintf(&fields, "  - {name: %s, element: %s, nullable: true}\n", kind, kind)
	}
	for _, r := range schemas.MaskRules() {
		shown, masked := []string{"ID"}, []string{}
		for _, kind := range schemas.Kinds() {
			if r.Applies(kind) {
				shown, masked = append(shown, kind), append(masked, kind+": "+r.ID)
			}
		}
		fmt.Fprintf(&views, "  m_%s: {fields: [%s], mask: {%s}}\n", r.ID, strings.Join(shown, ", "), strings.Join(masked, ", "))
	}
	m["elements.yaml"] = &fstest.MapFile{Data: []byte(elements.String())}
	m["datasets/X.yaml"] = &fstest.MapFile{Data: []byte("dataset: X\ntitle: 例\nprovider: GA\ncode: 101010001/000001\nclass: B\ncycle: daily\nkey: [ID]\nfields:\n  - {name: ID, element: ID}\n" + fields.String() + "views:\n" + views.String())}
	return manifest.Load(m)
}

func masks(b *strings.Builder) error {
	cat, err := city()
	if err != nil {
		return err
	}
	keys, err := keyring.New(keyring.Intl, map[int][]byte{1: make([]byte, 32)}, 1)
	if err != nil {
		return err
	}
	d := cat.Datasets[0]
	b.WriteString("## 脱敏 / Masks\n\n" + `例子由程序自己算出。空值（null）脱敏后仍为空，` + "`present`" + ` 除外；脱敏不懂的值一律不给。
The examples are worked out by the program. null stays null, but for ` + "`present`" + `; what a mask does not understand is withheld.

`)
	for _, r := range schemas.MaskRules() {
		fmt.Fprintf(b, "### `%s`\n\n%s / %s", r.ID, r.Title, r.English)
		if r.Keyed {
			b.WriteString("。由密钥环和受众决定，受众不同则不能关联 / made with the key ring, another for each audience")
		}
		b.WriteString("\n\n" + notes[r.ID])
		view, err := cat.View("X.m_" + r.ID)
		if err != nil {
			return err
		}
		projection, err := masking.Compile(view, d.Layout, cat.City, keys)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, kind := range schemas.Kinds() {
			if !r.Applies(kind) || len(r.Kinds) == 0 && kind != "person_name" {
				continue
			}
			for _, in := range about[kind].values {
				out, err := masked(d, projection, kind, in)
				if err != nil {
					return err
				}
				rows = append(rows, []string{"`" + kind + "`", in, out})
			}
		}
		table(b, "种类 / kind|输入 / input|输出 / output", rows)
	}
	return nil
}

// masked puts one value through a projection.
func masked(d *schemas.Dataset, p *masking.Projection, kind, in string) (string, error) {
	f := d.Field(kind)
	v, err := element.Parse(f.Element, in)
	if err != nil {
		return "", fmt.Errorf("example %q of kind %q: %w", in, kind, err)
	}
	values := make([]schemas.Value, len(d.Fields))
	values[0], values[f.Index] = schemas.Text("1"), v
	rec, dropped := p.Apply(schemas.NewRecord(d.Layout, values), now)
	if dropped > 0 {
		return "不提供 / withheld", nil
	}
	i := slices.IndexFunc(rec.Layout().Columns, func(c schemas.Column) bool { return c.Name == kind })
	switch out := rec.Value(i); out.Kind() {
	case schemas.KindNull:
		return "null", nil
	case schemas.KindString:
		return "`" + out.Str() + "`", nil
	default:
		return "字节 / bytes", nil
	}
}

// row is one row of the examples of functions.
type row struct {
	layout *schemas.Layout
	key    string
	day    int64
}

// Layout implements condition.Row.
func (r row) Layout() *schemas.Layout { return r.layout }

// Normal implements condition.Row.
func (r row) Normal(int) schemas.Value { return schemas.Int(r.day) }

// Origin implements condition.Row.
func (r row) Origin() (key, role string, at int64) { return r.key, "", 0 }

func conditions(b *strings.Builder) error {
	cat, err := city()
	if err != nil {
		return err
	}
	b.WriteString(cel)
	layout := schemas.MustLayout("yiyuan.raw", "ROWS", schemas.Column{Name: "D", Type: schemas.Date})
	d := &schemas.Dataset{ID: "ROWS", Layout: layout, Fields: []*schemas.Field{{Name: "D", Element: &schemas.Element{Kind: "date", Type: schemas.Date}}}}
	rows := []row{{layout, "R1", 20_000}, {layout, "R2", 20_400}}
	var lines [][]string
	for _, f := range condition.Functions() {
		out, err := condition.Shown(&cat.Calendar, d, rows, now, f.Example)
		if err != nil {
			return fmt.Errorf("example of %s: %w", f.Signature, err)
		}
		lines = append(lines, []string{"`" + f.Signature + "`", f.Chinese + " / " + f.English, "`" + f.Example + "`", "`" + out + "`"})
	}
	table(b, "函数 / function|含义 / meaning|例 / example|结果 / result", lines)
	return nil
}

package engine

import (
	"embed"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math/bits"
	"strconv"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
)

//go:embed testdata
var engineFiles embed.FS

// engineCatalogue is the contract of the job: four departments' datasets about
// persons, three rules, one view.
func engineCatalogue() (*schemas.Catalogue, error) {
	files, err := fs.Sub(engineFiles, "testdata")
	if err != nil {
		return nil, fmt.Errorf("open the job's catalogue: %w", err)
	}
	cat, err := manifest.Load(files)
	if err != nil {
		return nil, fmt.Errorf("load the job's catalogue: %w", err)
	}
	return cat, nil
}

// engineKey is the master key of the job: every engine has to make the same
// tokens. It protects nothing.
var engineKey = []byte("benchmarks/engine: nothing secret")

func engineKeys() (*keyring.Keyring, error) {
	return keyring.New(keyring.Intl, map[int][]byte{1: engineKey}, 1)
}

func engineKeyHex() string { return hex.EncodeToString(engineKey) }

// crowd is the made-up people of the job: who they are and what each department
// says about them follows from their number alone.
type crowd struct{ persons int }

// Four events a person: a claim of each department; of every twentieth person
// the insurance bureau corrects a name instead of the health commission saying
// something.
const eventsEach = 4

func (c crowd) events() int { return eventsEach * c.persons }

// event is the j-th event in the order of the input: a permutation of all, so
// that an engine's state sees no locality.
func (c crowd) event(j int) (person, kind int) {
	n := uint64(c.events())
	half := uint((bits.Len64(n-1) + 1) / 2)
	mask := uint64(1)<<half - 1
	x := uint64(j)
	for {
		l, r := x>>half, x&mask
		for round := range uint64(4) {
			l, r = r, l^mix(r+round<<32)&mask
		}
		if x = l<<half | r; x < n {
			return int(x / eventsEach), int(x % eventsEach)
		}
	}
}

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func corrected(person int) bool { return person%20 == 7 }

var (
	engineRegions = [...]string{"539902", "539903", "539921", "539922"}
	enginePlaces  = [...]string{"岭东区东关街道", "岭西区金桥街道", "望江县柳林镇", "石屏坝县云台彝族乡", "岭东区青石镇", "望江县沙河乡", "岭西区白塔镇"}
	firstDay      = time.Date(1945, 1, 1, 0, 0, 0, 0, time.UTC)
	engineStart   = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
)

const (
	surnames = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高"
	givens   = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红建国文辉"
	note     = "经窗口受理并与原件核对一致，材料扫描件已归入电子档案，下次核验不晚于次年同月；如有变更须于三十日内凭有效证件到原登记机关办理更正手续"
	days     = 24000 // of birth, from firstDay on
)

func glyph(s string, i int) string {
	n := len("王")
	i %= len(s) / n
	return s[i*n : i*n+n]
}

func birth(i int) time.Time { return firstDay.AddDate(0, 0, (i%4000*7+i/4000)%days) }

// key is the person's identity number, with a right check digit. People are
// told apart by region, sequence number and, from the 4,000th on, day of birth.
func (c crowd) key(i int) string {
	text := engineRegions[i%4] + birth(i).Format("20060102") + fmt.Sprintf("%03d", i/4%1000)
	return text + string(identifier.CitizenCheck(text))
}

func personName(i int) string {
	return glyph(surnames, i) + glyph(givens, i/20) + glyph(givens, i/7)
}

func address(i, department int) string {
	at := i*5 + department*3
	return "云岭市" + enginePlaces[at%len(enginePlaces)] + "和平路" + strconv.Itoa(at%900+1) + "号" + strconv.Itoa(at%30+1) + "栋" + strconv.Itoa(at%6+1) + "单元"
}

func telephone(i, department int) string {
	return "1" + strconv.Itoa(39+department) + fmt.Sprintf("%08d", (i*37+department*11)%100_000_000)
}

func text(s string, present bool) schemas.Value {
	if !present {
		return schemas.Null
	}
	return schemas.Text(s)
}

// The departments, in the order of a person's events.
var departments = [eventsEach]string{"GA01", "YB01", "RS01", "WJ01"}

// said is one thing a department says.
type said struct {
	dataset string
	major   uint64 // commit position at the department
	values  []schemas.Value
}

// says is what event kind of a person says, in the columns of the dataset.
func (c crowd) says(person, kind int) said {
	out := said{dataset: departments[kind], major: uint64(person)*2 + 1}
	if kind == 3 && corrected(person) {
		out.dataset, kind = departments[1], 1
		out.major++
	} else if kind == 1 {
		out.values = c.row(person, 1, wrongName(person))
		return out
	}
	out.values = c.row(person, kind, "")
	return out
}

// wrongName is what the insurance bureau says first: of some people another
// name than the register's.
func wrongName(i int) string {
	if corrected(i) || i%50 == 11 {
		return personName(i + 1)
	}
	return ""
}

// row is a department's row; name "" is the person's own.
func (c crowd) row(i, department int, name string) []schemas.Value {
	if name == "" {
		name = personName(i)
	}
	id, number := schemas.Text(c.key(i)), schemas.Text(departments[department]+fmt.Sprintf("-539900-%010d", i))
	remark := schemas.Text(note + "(" + departments[department] + ")")
	switch department {
	case 0:
		born := birth(i)
		if i%33 == 1 {
			born = born.AddDate(0, 0, 1)
		}
		marital := "20"
		if i%2 == 0 {
			marital = "10"
		}
		return []schemas.Value{
			id, schemas.Text(name), schemas.Text(strconv.Itoa(1 + i%2)), schemas.Day(born), schemas.Text(address(i, 0)), text(marital, i%7 != 0), number, remark,
		}
	case 1:
		return []schemas.Value{id, schemas.Text(name), schemas.Text("1"), text(address(i, 1), i%3 != 0), text(telephone(i, 1), i%6 != 0), number, remark}
	case 2:
		pension := "2"
		if i%8 == 3 {
			pension = "1"
		}
		return []schemas.Value{id, schemas.Text(name), schemas.Text(pension), text(address(i, 2), i%5 != 0), text(telephone(i, 2), i%4 != 0), number, remark}
	}
	died := schemas.Null
	if i%40 == 3 || i%25 == 0 && i%8 != 3 {
		died = schemas.Day(engineStart.AddDate(0, 0, -i%1000))
	}
	return []schemas.Value{id, schemas.Text(name), died, schemas.Text(address(i, 3)), schemas.Text(telephone(i, 3)), number, remark}
}

// truth is what every engine must come to, worked out from the people
// themselves and not by any engine.
type truth struct {
	golden uint64 // digests of all golden records and of all masked ones
	shown  uint64
	open   map[site.Finding]string
}

// authorities is the order of the departments a golden field, and the column
// of each one's row.
var authorities = map[string][][2]int{
	"XM": {{0, 1}, {1, 1}, {2, 1}, {3, 1}}, "XBDM": {{0, 2}}, "CSRQ": {{0, 3}}, "HJDZ": {{0, 4}}, "JZDZ": {{1, 3}, {2, 3}, {3, 3}},
	"HYZKDM": {{0, 5}}, "LXDH": {{2, 4}, {1, 4}, {3, 4}}, "SWRQ": {{3, 2}},
}

func (c crowd) truth(cat *schemas.Catalogue, keys *keyring.Keyring) (*truth, error) {
	person, err := cat.Entity("person")
	if err != nil {
		return nil, fmt.Errorf("find the entity: %w", err)
	}
	view, err := cat.View(site.Asked)
	if err != nil {
		return nil, fmt.Errorf("find the view: %w", err)
	}
	masks, err := masking.Compile(view, person.Layout, cat.City, keys)
	if err != nil {
		return nil, fmt.Errorf("compile the view: %w", err)
	}
	t := &truth{open: map[site.Finding]string{}}
	for i := range c.persons {
		key := c.key(i)
		values, story := c.golden(person, i)
		t.golden += digestOfRow(key, values, story)
		shown, _ := masks.Apply(schemas.NewRecord(person.Layout, values), engineStart)
		t.shown += digestOfRow(masks.Key(key), valuesOf(shown, shown.Len()), nil)
		for rule, holds := range map[[2]string]bool{
			{"BM-01", "name"}: wrongName(i) != "" && !corrected(i), {"BM-02", "paid"}: i%40 == 3 && !corrected(i), {"BM-03", "birth"}: i%33 == 1,
		} {
			if holds {
				t.open[site.Finding{Rule: rule[0], Case: rule[1], Entity: "person", Subject: keys.Token(contract.LabelFinding, key)}] = key
			}
		}
	}
	return t, nil
}

// golden is a person's golden record, and for each of its cells the field, the
// dataset that it comes from and how many others spoke.
func (c crowd) golden(e *schemas.Entity, i int) (values []schemas.Value, story []string) {
	var rows [eventsEach][]schemas.Value
	for d := range rows {
		if d == 3 && corrected(i) {
			continue
		}
		name := ""
		if d == 1 && !corrected(i) {
			name = wrongName(i)
		}
		rows[d] = c.row(i, d, name)
	}
	values = append(values, schemas.Text(c.key(i)))
	for _, f := range e.Fields {
		won, from, others := schemas.Null, "", 0
		for _, a := range authorities[f.Name] {
			switch row := rows[a[0]]; {
			case row == nil || row[a[1]].IsNull():
			case from == "":
				won, from = row[a[1]], departments[a[0]]
			default:
				others++
			}
		}
		if values = append(values, won); from != "" {
			story = append(story, f.Name+" "+from+" "+strconv.Itoa(others))
		}
	}
	return values, story
}

// digestOfRow is the digest of one record under its key. Digests of records are
// added up, so that their order does not matter.
func digestOfRow(key string, values []schemas.Value, story []string) uint64 {
	h := fnv.New64a()
	put := func(s string) { h.Write([]byte(s)); h.Write([]byte{0}) }
	put(key)
	for _, v := range values {
		put(strconv.Itoa(int(v.Kind())) + " " + v.Str() + " " + strconv.FormatInt(v.Int64(), 10))
	}
	for _, s := range story {
		put(s)
	}
	return mix(h.Sum64())
}

func valuesOf(r schemas.Record, n int) []schemas.Value {
	values := make([]schemas.Value, n)
	for i := range values {
		values[i] = r.Value(i)
	}
	return values
}

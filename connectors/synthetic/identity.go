package synthetic

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// The codes of the city: its four districts and the city itself, none of them
// assigned in GB/T 2260, so that no number made here can be a real one.
const cityCode = "539900"

var districts = [4]struct {
	code, name string
	towns      [4]string
}{
	{"539902", "岭东区", [4]string{"东关街道", "文庙街道", "翠湖街道", "青石镇"}},
	{"539903", "岭西区", [4]string{"西关街道", "金桥街道", "河畔街道", "白塔镇"}},
	{"539921", "望江县", [4]string{"望江镇", "柳林镇", "沙河乡", "龙潭乡"}},
	{"539922", "石屏坝县", [4]string{"石屏镇", "坝心镇", "红土乡", "云台彝族乡"}},
}

var streets = [...]string{
	"人民路", "建设路", "解放路", "文化路", "环城路", "滨江路", "翠湖路", "学府路", "云岭大道", "青年路",
	"和平路", "民主路", "团结路", "新华路", "东风路", "金桥路", "白塔路", "龙泉路", "兴隆街", "永安街",
}

// slot is what a place in a block says about the age of who lives there.
type slot struct {
	male, female bool // both: drawn by lot
	min, span    int  // age in days: min <= age < min+span
}

const year = 365

// slots are the twenty people of a block. The spans are at least 1,500 days
// long: with 25 serial numbers a slot and day they hold the largest city.
var slots = [peoplePerBlock]slot{
	0: {true, false, 36 * year, 14 * year}, 1: {false, true, 34 * year, 14 * year}, // young family
	2: {true, true, 7 * year, 6 * year}, 3: {true, true, year, 5 * year},
	4: {true, false, 41 * year, 14 * year}, 5: {false, true, 39 * year, 14 * year}, // tenants
	6: {true, true, 12 * year, 6 * year},
	7: {true, false, 60 * year, 25 * year}, 8: {false, true, 55 * year, 25 * year}, // pensioners
	9:  {true, true, 19 * year, 11 * year},                                           // single
	10: {true, false, 35 * year, 20 * year}, 11: {false, true, 33 * year, 20 * year}, // divorced
	12: {false, true, 66 * year, 20 * year}, 13: {true, false, 70 * year, 20 * year}, // widow, deceased
	14: {true, false, 38 * year, 16 * year}, 15: {false, true, 36 * year, 16 * year}, // on relief
	16: {true, true, 7 * year, 6 * year}, 17: {true, true, 25 * year, 35 * year}, // disabled
	18: {true, false, 24*year + 200, 8 * year}, 19: {false, true, 24*year + 200, 8 * year}, // newlyweds
}

// outsider kinds: people who appear in a row of the city but are not of it.
const (
	outPupil    = iota
	outSpouse   // up to three a block: two wives and a husband
	outEmployee // three a block
	outFormer   // a number that was wrong and is corrected
	outsiderKinds
)

var outsiders = [outsiderKinds]slot{
	outPupil:    {true, true, 8 * year, 6 * year},
	outSpouse:   {false, true, 30 * year, 20 * year},
	outEmployee: {true, true, 25 * year, 20 * year},
	outFormer:   {true, true, 25 * year, 35 * year},
}

func slotSpan(s int) int {
	if s < peoplePerBlock {
		return slots[s].span
	}
	return outsiders[s-peoplePerBlock].span
}

// person is what all departments should agree on.
type person struct {
	id, name, sex, nation, region string
	birth                         int64
	age                           int // in years
}

// person returns who lives in a slot of block b.
func (w *world) person(b, s int) person {
	p := person{region: districts[b%4].code}
	x := b / 4 // blocks of one district are told apart by day and serial number
	span := slots[s].span
	p.birth = w.base - int64(slots[s].min) - int64(w.days[s].forward(x%span))
	p.sex = w.sexOf(b, s, slots[s])
	serial := s*50 + x/span*2
	if p.sex == "1" {
		serial++
	}
	w.finish(&p, b, s, serial)
	return p
}

// outsider returns the i-th person of a kind that block b refers to.
func (w *world) outsider(b, kind, i int) person {
	p := person{region: cityCode}
	span := outsiders[kind].span
	x := b
	if kind == outEmployee || kind == outSpouse { // up to three a block
		x = b*3 + i
	}
	s := peoplePerBlock + kind
	p.birth = w.base - int64(outsiders[kind].min) - int64(w.days[s].forward(x%span))
	p.sex = w.sexOf(b, s*3+i, outsiders[kind])
	if kind == outSpouse && i == 2 {
		p.sex = "1"
	}
	serial := kind*250 + x/span%125*2
	if p.sex == "1" {
		serial++
	}
	w.finish(&p, b, s*3+i, serial)
	return p
}

func (w *world) sexOf(b, s int, of slot) string {
	switch {
	case of.male && !of.female:
		return "1"
	case of.female && !of.male, w.roll(b, "sex"+string(rune('a'+s)))%2 == 0:
		return "2"
	}
	return "1"
}

func (w *world) finish(p *person, b, s, serial int) {
	p.id = citizen(p.region, p.birth, serial)
	p.age = int((w.base - p.birth) / 365)
	p.nation = w.nation(b)
	p.name = w.name(b, s, p.sex, p.nation)
}

// citizen makes an identity number with its right check digit.
func citizen(region string, birth int64, serial int) string {
	y, m, d := civil(birth)
	n := append(make([]byte, 0, 18), region...)
	for _, part := range [...]struct{ value, digits int }{{y, 4}, {m, 2}, {d, 2}, {serial, 3}} {
		for div := [...]int{1, 10, 100, 1000}[part.digits-1]; div > 0; div /= 10 {
			n = append(n, byte('0'+part.value/div%10))
		}
	}
	return string(append(n, citizenCheck(n)))
}

func citizenCheck(n []byte) byte {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(n[i]-'0') * w
	}
	return "10X98765432"[sum%11]
}

// mistyped is an identity number whose check digit is wrong.
func mistyped(id string) string {
	n := []byte(id)
	switch n[17] {
	case 'X':
		n[17] = '3'
	case '9':
		n[17] = '0'
	default:
		n[17]++
	}
	return string(n)
}

const codeAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// codeSpace is how many organisations one prefix can hold.
const codeSpace = 31 * 31 * 31 * 31

// credit makes a unified social credit code: kind (2), region (6), a body of
// four letters and a number, and both check characters.
func (w *world) credit(kind, region, body string, number int) string {
	n := make([]byte, 0, 18)
	n = append(n, kind...)
	n = append(n, region...)
	n = append(n, body...)
	x := w.codes.forward(number)
	n = append(n, codeAlphabet[x/(31*31*31)], codeAlphabet[x/(31*31)%31], codeAlphabet[x/31%31], codeAlphabet[x%31])
	n = append(n, organisationCheck(n[8:]))
	return string(append(n, creditCheck(n)))
}

func organisationCheck(body []byte) byte {
	weights := [8]int{3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		v := int(body[i] - '0')
		if body[i] >= 'A' {
			v = int(body[i]-'A') + 10
		}
		sum += v * w
	}
	switch c := 11 - sum%11; c {
	case 10:
		return 'X'
	case 11:
		return '0'
	default:
		return byte('0' + c)
	}
}

func creditCheck(n []byte) byte {
	sum, weight := 0, 1
	for _, c := range n[:17] {
		sum += codeValue(c) * weight
		weight = weight * 3 % 31
	}
	return codeAlphabet[(31-sum%31)%31]
}

func codeValue(c byte) int {
	for i := range len(codeAlphabet) {
		if codeAlphabet[i] == c {
			return i
		}
	}
	return 0
}

// miscoded is a credit code whose check character is wrong.
func miscoded(code string) string {
	n := []byte(code)
	n[17] = codeAlphabet[(codeValue(n[17])+1)%31]
	return string(n)
}

// phone is one of the ten thousand numbers set aside for made-up people.
func phone(n uint64) string { return fmt.Sprintf("1990000%04d", n%10_000) }

// card is a bank card of the made-up issuer 629999, with its Luhn digit.
func card(n uint64) string {
	digits := fmt.Sprintf("629999%012d", n%1_000_000_000_000)
	return digits + string(identifier.LuhnCheck(digits))
}

// plateNumber is the n-th number plate of the made-up series.
func plateNumber(n int) string {
	const letters = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	var s [5]byte
	for i := len(s) - 1; i >= 0; i-- {
		s[i] = letters[n%34]
		n /= 34
	}
	return "云Z" + string(s[:])
}

// civil splits a day count into year, month and day.
func civil(day int64) (y, m, d int) {
	z := day + 719468
	era := z / 146097
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = int(doy - (153*mp+2)/5 + 1)
	m = int(mp + 3)
	if m > 12 {
		m -= 12
	}
	y = int(yoe + era*400)
	if m <= 2 {
		y++
	}
	return y, m, d
}

package world

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// person is what all departments should agree on.
type person struct {
	id, name, sex, nation, region string
	birth                         int64
	age                           int // in years
}

// person returns who lives in a slot of block b.
func (w *World) person(b, s int) person {
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
func (w *World) outsider(b, kind, i int) person {
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

func (w *World) sexOf(b, s int, of slot) string {
	switch {
	case of.male && !of.female:
		return "1"
	case of.female && !of.male, w.roll(b, "sex"+string(rune('a'+s)))%2 == 0:
		return "2"
	}
	return "1"
}

func (w *World) finish(p *person, b, s, serial int) {
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
func (w *World) credit(kind, region, body string, number int) string {
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

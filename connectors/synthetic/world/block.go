package world

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// block makes the rows of one block, for the tables that are asked for.
type block struct {
	w        *World
	n        int
	want     uint32 // bit per table
	rows     []row
	findings []Finding
	corrects bool // findings of the unit at hand are mended later

	firmX firm
}

// row is the last image of a row and how it came to be.
type row struct {
	t   Table
	key string
	v   []schemas.Value
	// old are earlier images, oldest first. One under another key was deleted
	// in the transaction that wrote the next.
	old [][]schemas.Value
	// soon: the last image was committed one second after the one before.
	soon bool
}

const allTables = 1<<TableCount - 1

// put adds a row.
func (b *block) put(t Table, v ...schemas.Value) { b.putAfter(t, nil, v...) }

// putAfter adds a row that had earlier images.
func (b *block) putAfter(t Table, old [][]schemas.Value, v ...schemas.Value) *row {
	if b.want&(1<<t) == 0 {
		return &row{}
	}
	b.rows = append(b.rows, row{t: t, key: keyOf(t, v), v: v, old: old})
	return &b.rows[len(b.rows)-1]
}

// expect notes what the rules must find.
func (b *block) expect(rule, which, entity, key, owner string) {
	b.findings = append(b.findings, Finding{rule, which, entity, key, owner, b.corrects})
}

// The values of rows.
func str(s string) schemas.Value { return schemas.Text(s) }

func day(d int64) schemas.Value { return schemas.Int(d) }

func num(n int) schemas.Value { return schemas.Int(int64(n)) }

// yuan is an amount with two decimals, whole yuan.
func yuan(n int) schemas.Value { return schemas.Int(int64(n) * 100) }

var null = schemas.Null

// changed returns a copy of an image with one value replaced.
func changed(v []schemas.Value, i int, to schemas.Value) []schemas.Value {
	out := append([]schemas.Value(nil), v...)
	out[i] = to
	return out
}

// either returns a where c holds, else b.
func either(c bool, a, b string) string {
	if c {
		return a
	}
	return b
}

func (b *block) person(s int) person            { return b.w.person(b.n, s) }
func (b *block) chance(what string, p int) bool { return b.w.chance(b.n, what, p) }
func (b *block) between(what string, lo, hi int) int {
	return b.w.between(b.n, what, lo, hi)
}

// ago is a day between lo and hi days before today.
func (b *block) ago(what string, lo, hi int) int64 { return b.w.base - int64(b.between(what, lo, hi)) }

func (b *block) region() string { return districts[b.n%4].code }

func (b *block) building(k int) string { return building(b.n, k) }

// home is the flat of the household of a slot in the k-th building.
func (b *block) home(k, s int) string {
	return fmt.Sprintf("%s%d单元%d01室", b.building(k), s%3+1, s+1)
}

// serial is a number that is unique in the city for a purpose that has at most
// ten rows a block.
func (b *block) serial(i int) string { return fmt.Sprintf("%08d", b.n*10+i) }

// registered is the row of GA01, not yet put.
func (b *block) registered(p person, address, relation, marital string) []schemas.Value {
	m := str(marital)
	if marital == "" {
		m = null
	}
	return []schemas.Value{
		str(p.id), str(p.name), str(p.sex), str(p.nation), day(p.birth), str(b.region()), str(address), str(relation), m, null, null, str("0"), null, null,
	}
}

// positions in GA01 that units change.
const (
	ga01Sex     = 2
	ga01Nation  = 3
	ga01Birth   = 4
	ga01Marital = 8
	ga01Spouse  = 9
	ga01Cert    = 10
	ga01Gone    = 11
	ga01Why     = 12
	ga01When    = 13
)

// with names the spouse in a row of GA01.
func with(spouse person, v []schemas.Value) []schemas.Value {
	v[ga01Spouse] = str(spouse.id)
	return v
}

// left turns a row of GA01 into that of somebody who moved to another city.
func left(v []schemas.Value, on int64) []schemas.Value {
	v[ga01Gone], v[ga01Why], v[ga01When] = str("1"), str("2"), day(on)
	return v
}

// positions in MZ01 that units change.
const (
	mz01Status        = 3
	mz01HusbandBefore = 7
	mz01WifeBefore    = 8
	mz01Died          = 9
)

// insured puts the row of YB01.
func (b *block) insured(p person, employee, resident string, home schemas.Value) {
	b.put(yb01, b.insurance(p, employee, resident, home)...)
}

func (b *block) insurance(p person, employee, resident string, home schemas.Value) []schemas.Value {
	return []schemas.Value{str(p.id), str(respelt(p.name, b.w.roll(b.n, "dotYB"))), str(employee), str(resident), str(b.region()), home}
}

// works puts a person's rows at an employer: RS01, and ZJ02 where the employer
// pays into the housing fund.
func (b *block) works(p person, f firm, wage int) { b.worksAs(p, p.id, p.name, nil, f, wage) }

func (b *block) worksAs(p person, id, name string, formerID *string, f firm, wage int) {
	start := b.ago("hired"+p.id[16:], 100, 2500)
	v := []schemas.Value{str(id), str(f.code), str(name), str("1"), yuan(wage), day(start), null}
	var old [][]schemas.Value
	if formerID != nil {
		old = [][]schemas.Value{changed(v, 0, str(*formerID))}
	}
	b.putAfter(rs01, old, v...)
	if f.fund {
		b.put(zj02, str(p.id), str(f.code), str("1"), yuan(wage), str(f.name))
	}
}

// married returns the row of a marriage, of nobody under age: it was registered
// on the day on which both were 22 and 20 at the earliest.
func (b *block) married(serial int, husband, wife person, on int64) []schemas.Value {
	on = max(on, husband.birth+22*366, wife.birth+20*366)
	return []schemas.Value{str(b.registration("J", on, serial)), str(husband.id), str(wife.id), str("20"), str("1"), day(on), null, null, null, null}
}

// registration is the number of a certificate of marriage: J and region, the
// year, and the serial number of region and year.
func (b *block) registration(kind string, on int64, serial int) string {
	return fmt.Sprintf("%s%s-%d-%06d", kind, b.region(), yearOf(on), b.n/4*10+serial)
}

func yearOf(day int64) int {
	y, _, _ := civil(day)
	return y
}

// ended returns the image of a marriage after the divorce.
func ended(v []schemas.Value, on int64) []schemas.Value {
	out := append([]schemas.Value(nil), v...)
	out[3], out[4], out[6] = str("40"), str("2"), day(on)
	return out
}

// widowed returns the image of a marriage after a death was noted in it.
func widowed(v []schemas.Value, died string) []schemas.Value {
	return changed(changed(v, mz01Status, str("30")), mz01Died, str(died))
}

func (b *block) car(k int, owner, firm schemas.Value, status string) {
	b.put(ga03, str(plateNumber(b.n*8+k)), str("02"), owner, firm,
		str([...]string{"云岭牌YL7150", "望江牌WJ6440", "石屏牌SP1031", "岭东牌LD7180EV"}[b.w.pick(b.n, "car", 4)]),
		day(b.ago("plated"+string(rune('0'+k)), 60, 3000)), str(status))
}

func (b *block) estate(k int, owner, firm schemas.Value, address, use string) {
	b.certified(k, k, owner, firm, address, use)
}

// certified puts a certificate on a unit, which may have several.
func (b *block) certified(k, certificate int, owner, firm schemas.Value, address, use string) {
	unit := fmt.Sprintf("%s001001GB%05dF%08d", b.region(), b.n/100, b.n%100*100+k)
	b.put(zr01, str(unit), str(b.title(certificate)), owner, firm, num(b.between("area"+string(rune('0'+k)), 4500, 14000)),
		str(address), str(either(b.chance("mortgage"+string(rune('0'+k)), 35), "1", "0")), str(use))
}

// title is the number of a certificate of title: the province, the year, the
// district, and a serial number of seven digits.
func (b *block) title(serial int) string {
	year := yearOf(b.w.base) - b.between("titled"+string(rune('0'+serial)), 1, 9)
	return fmt.Sprintf("云(%d)%s不动产权第%07d号", year, districts[b.n%4].name, b.n/4*10+serial)
}

// card is a row of CL01, a disability card. Its number is the identity number, the kind and
// the grade.
func (b *block) card(who person, kind, grade string, valid int64) []schemas.Value {
	return []schemas.Value{str(who.id + kind + grade), str(who.id), str(kind), str(grade), day(valid)}
}

// school is one of the schools of the block's district.
func (b *block) school(k int) string {
	return "云岭市" + districts[b.n%4].name + [...]string{"第一学校", "第二学校", "实验学校", "中心学校"}[k%4]
}

// pupil is a row of JY01. A pupil has one number for life; one that another
// school gave out for the time being begins with L.
func (b *block) pupil(kind string, who person, name, school string, guardian person, status string) []schemas.Value {
	return []schemas.Value{str(kind + who.id), str(who.id), str(name), str(school), str(forms[min(max(who.age-6, 0), len(forms)-1)]), str(guardian.id), str(status)}
}

var forms = [...]string{"一年级", "一年级", "二年级", "三年级", "四年级", "五年级", "六年级", "七年级", "八年级", "九年级", "高一", "高二", "高三"}

package world

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// family: parents who work, a pupil and an infant.
func (b *block) family(p plant) {
	father, mother, pupil, infant := b.person(0), b.person(1), b.person(2), b.person(3)
	home := b.home(0, 0)
	v := with(mother, b.registered(father, home, "02", "20"))
	switch {
	case p.is(sexWrong):
		v[ga01Sex] = str("2")
		b.expect("XV-01", "sex", "person", father.id, "GA")
	case p.is(birthWrong):
		v[ga01Birth] = day(father.birth + 31)
		b.expect("XV-01", "birth", "person", father.id, "GA")
	}
	b.put(ga01, v...)
	b.put(ga01, with(father, b.registered(mother, home, "12", either(b.chance("first", 30), "21", "20")))...)
	b.put(ga01, b.registered(pupil, home, either(pupil.sex == "1", "20", "30"), "10")...)
	b.put(mz01, b.married(0, father, mother, b.ago("weddingA", 5200, 5470))...)
	b.works(father, b.employerFirm(), b.between("wage0", 4000, 15000))
	b.works(mother, b.w.bigFirm(b.n/bigFirmBlocks), b.between("wage1", 4000, 9000))
	b.insured(father, "1", "0", null)
	if p.is(insuredTwice) {
		b.insured(mother, "1", "1", null)
		b.expect("XV-18", "both", "person", mother.id, "YB")
	} else {
		b.insured(mother, "1", "0", null)
	}
	b.insured(pupil, "0", "1", null)
	if b.chance("carA", 90) {
		b.car(0, str(father.id), null, "1")
	}
	b.estate(0, str(father.id), null, home, "1")
	b.schooling(p, pupil, father)
	b.infancy(p, infant, mother, home)
}

func (b *block) schooling(p plant, pupil, guardian person) {
	name := pupil.name
	if p.is(nameAtSchool) {
		name = misnamed(name)
		b.expect("XV-03", "jy01", "person", pupil.id, "JY")
	}
	v := b.pupil("G", pupil, name, b.school(0), guardian, "1")
	if p.any() || !b.chance("moved", 15) {
		b.put(jy01, v...)
	} else { // came from another school, which let the pupil go
		b.put(jy01, b.pupil("L", pupil, name, b.school(1), guardian, "2")...)
		b.put(jy01, v...)
	}
	switch {
	case p.is(pupilTwice):
		b.put(jy01, b.pupil("L", pupil, name, b.school(2), guardian, "1")...)
		b.expect("XV-17", "twice", "person", pupil.id, "JY")
	case p.kind == pupilAbsent:
		o := b.w.outsider(b.n, outPupil, 0)
		b.put(jy01, b.pupil("G", o, o.name, b.school(3), guardian, either(p.on, "1", "2"))...)
		if p.on {
			b.expect("XV-17", "absent", "person", o.id, "JY")
		}
	case !p.any() && b.chance("guest", 8): // a child of another city that lives here
		o := b.w.outsider(b.n, outPupil, 0)
		b.put(jy01, b.pupil("G", o, o.name, b.school(3), guardian, "1")...)
		b.put(ga02, b.resident(6, o, b.building(1), "", b.ago("guest since", 100, 900))...)
	}
}

// infancy: an infant with a birth certificate. One in ten was born within the
// last weeks and need not be registered yet.
func (b *block) infancy(p plant, infant, mother person, home string) {
	certificate := birthNumber(b.n * 10)
	register := true
	switch {
	case p.kind == infantUnregistered:
		// Few of them: the ordinal alone tells their days of birth apart, and no
		// infant of the slot is as young.
		infant.birth = b.w.base - 120 - int64(p.ordinal)
		infant.id = citizen(infant.region, infant.birth, 3*50+int(infant.sex[0]-'0')%2)
		register = !p.on
		if p.on {
			b.expect("XV-10", "unregistered", "birth", certificate, "GA")
		}
	case !p.any() && b.chance("newborn", 10):
		infant.birth, register = b.ago("born", 8, 70), false
	}
	b.put(wj01, str(certificate), str(infant.name), str(infant.sex), day(infant.birth), str(mother.id), day(infant.birth+3))
	if !register {
		return
	}
	v := b.registered(infant, home, either(infant.sex == "1", "20", "30"), "10")
	v[ga01Cert] = str(certificate)
	b.put(ga01, v...)
	b.insured(infant, "0", "1", null)
}

// birthNumber is the number of a birth certificate: the letter of the edition,
// the province, and seven digits.
func birthNumber(n int) string { return fmt.Sprintf("%c53%07d", 'Q'+rune(n/10_000_000), n%10_000_000) }

// tenants: a family registered in one place and resident in another.
func (b *block) tenants(p plant) {
	father, mother, pupil := b.person(4), b.person(5), b.person(6)
	home := building(b.n+1, 0) + "1单元101室"
	region := districts[(b.n+1)%4].code
	for i, who := range []person{father, mother, pupil} {
		v := b.registered(who, home, [...]string{"02", "12", either(pupil.sex == "1", "20", "30")}[i], [...]string{"20", "20", "10"}[i])
		v[5] = str(region)
		b.put(ga01, v...)
	}
	b.put(mz01, b.married(1, father, mother, b.ago("weddingB", 6700, 7200))...)
	f := b.employerFirm()
	wage := b.between("wage4", 3500, 9000)
	switch {
	case p.is(idMistypedRS):
		b.worksAs(father, mistyped(father.id), father.name, nil, f, wage)
		b.expect("XV-01", "id", "person", mistyped(father.id), "RS")
	case p.is(idReplacedRS):
		wrong := mistyped(father.id)
		b.worksAs(father, father.id, father.name, &wrong, f, wage)
	default:
		b.works(father, f, wage)
	}
	b.works(mother, f, b.between("wage5", 3500, 8000))
	b.insured(father, "1", "0", null)
	b.insured(mother, "1", "0", null)
	b.insured(pupil, "0", "1", null)
	at := b.pupil("G", pupil, respelt(pupil.name, b.w.roll(b.n, "dotJY")), b.school(2), father, "1")
	if p.is(pupilMistyped) { // the school typed the number anew
		at[0] = str("G" + mistyped(pupil.id))
		b.expect("HM-JY01", "check", "person", pupil.id, "JY")
		b.expect("XV-21", "pupil", "person", pupil.id, "JY")
	}
	b.put(jy01, at...)
	if b.chance("carB", 80) {
		b.car(1, str(father.id), null, "1")
	}
	b.residences(p, father, mother, pupil)
}

func (b *block) residences(p plant, father, mother, pupil person) {
	since := b.ago("moved in", 100, 900)
	address := b.building(0)
	if p.is(addressUnlisted) {
		address = b.building(8)
		b.expect("XV-16", "unlisted", "address", address, "GA")
	}
	b.put(ga02, b.resident(0, father, address, phone(b.w.roll(b.n, "phone4")), since)...)
	b.put(ga02, b.resident(1, mother, b.building(0), phone(b.w.roll(b.n, "phone5")), since)...)
	b.put(ga02, b.resident(2, pupil, b.building(0), "", since)...)
	if b.chance("lived", 50) { // where he lived before, at an address that is gone
		v := b.resident(3, father, b.building(7), phone(b.w.roll(b.n, "phone4b")), since-400)
		v[6] = day(since - 1)
		b.put(ga02, v...)
	}
}

func (b *block) resident(i int, p person, address, tel string, since int64) []schemas.Value {
	t := null
	if tel != "" {
		t = str(tel)
	}
	return []schemas.Value{str(p.id), str("R" + b.region() + b.serial(i)), str(b.region()), str(address), t, day(since), null}
}

// single: one young employee.
func (b *block) single(p plant) {
	who := b.person(9)
	v := b.registered(who, b.home(1, 9), "02", either(b.chance("unstated", 10), "", "10"))
	if !p.any() && b.chance("moved away", 4) { // registered in another city by now, and still working here
		v = left(v, b.ago("moved away", 30, 300))
	}
	if p.is(nationUnknown) {
		v[ga01Nation] = str("99")
		b.expect("DM-GA01", "unknown", "person", who.id, "GA")
	}
	b.put(ga01, v...)
	if p.kind == plateUnlisted {
		b.car(7, str(who.id), null, "1")
		if n := len(b.rows); n > 0 && b.rows[n-1].t == ga03 && p.on {
			b.rows[n-1].v[1] = str("98")
			b.rows[n-1].key = keyOf(ga03, b.rows[n-1].v)
		}
		if p.on {
			b.expect("DM-GA03", "unlisted", "person", who.id, "GA")
		}
	}
	f := b.employerFirm()
	if p.any() || b.w.works(b.n, 9) {
		name := respelt(who.name, b.w.roll(b.n, "dotRS"))
		if p.is(nameAtWork) {
			name = misnamed(who.name)
			b.expect("XV-03", "rs01", "person", who.id, "RS")
		}
		b.worksAs(who, who.id, name, nil, f, b.between("wage9", 3500, 8000))
	} else if b.chance("left", 50) { // has left the large employer
		big := b.w.bigFirm(b.n / bigFirmBlocks)
		b.put(rs01, str(who.id), str(big.code), str(who.name), str("3"), yuan(4200), day(b.w.base-900), day(b.w.base-200))
		b.put(zj02, str(who.id), str(big.code), str("2"), yuan(4200), str(big.name))
	}
	if !p.any() && b.chance("two jobs", 10) { // insured by a second employer too
		b.put(rs01, str(who.id), str(b.w.shopFirm(b.n).code), str(who.name), str("1"), yuan(1800), day(b.ago("second job", 60, 600)), null)
	}
	if !p.any() && b.chance("migrant", 10) { // of another city, of the same name, resident and working here
		o := b.w.outsider(b.n, outEmployee, 0)
		o.name = who.name
		b.put(ga02, b.resident(7, o, b.building(2), "", b.ago("migrant since", 60, 700))...)
		b.put(rs01, str(o.id), str(b.w.shopFirm(b.n).code), str(o.name), str("1"), yuan(3500), day(b.ago("migrant works", 60, 600)), null)
		b.insured(o, "1", "0", null)
	}
	insured := who
	if p.is(idMistypedYB) {
		insured.id = mistyped(who.id)
		b.expect("XV-01", "id", "person", insured.id, "YB")
	}
	b.insured(insured, "1", "0", null)
	if b.chance("rents", 70) {
		b.put(ga02, b.resident(4, who, b.building(1), phone(b.w.roll(b.n, "phone9")), b.ago("rents since", 60, 700))...)
	}
	if b.chance("carD", 50) {
		b.car(2, str(who.id), null, "1")
	}
}

// divorced: two people whose marriage has ended; one may have married again.
func (b *block) divorced(p plant) {
	man, woman := b.person(10), b.person(11)
	wed := b.ago("wedE", 3000, 4000)
	split := b.ago("splitE", 300, 2500)
	if p.is(divorceNextSecond) {
		split = wed
	}
	open := b.married(2, man, woman, wed)
	r := b.putAfter(mz01, [][]schemas.Value{open}, ended(open, split)...)
	r.soon = p.is(divorceNextSecond)
	status := "40"
	switch {
	case p.is(divorceUnknown):
		status = "20"
		b.expect("XV-08", "elsewhere", "person", man.id, "GA")
	case !p.any() && b.chance("again", 30):
		// Now and then on the very day of the divorce, whatever the certificates' numbers.
		status = "22"
		again := b.married(3, man, b.w.outsider(b.n, outSpouse, 0), split+int64(100*b.w.pick(b.n, "same day", 2)))
		if b.chance("numbered before", 50) {
			again[0] = str("B" + again[0].Str()) // 补领: a certificate given out again
		}
		again[mz01HusbandBefore] = str("40")
		b.put(mz01, again...)
	}
	b.put(ga01, b.registered(man, b.home(0, 10), "02", status)...)
	b.put(ga01, b.registered(woman, b.home(1, 11), "02", "40")...)
	if b.w.works(b.n, 10) {
		b.works(man, b.employerFirm(), b.between("wage10", 3500, 12000))
	}
	b.works(woman, b.w.bigFirm(b.n/bigFirmBlocks), b.between("wage11", 3500, 9000))
	b.insured(man, "1", "0", null)
	b.insured(woman, "1", "0", null)
	b.estate(1, str(woman.id), null, b.home(1, 11), "1")
	if b.chance("carE", 70) {
		b.car(3, str(man.id), null, either(b.chance("scrapE", 20), "3", "1"))
	}
}

// wedded: a young couple.
func (b *block) wedded(p plant) {
	man, woman := b.person(18), b.person(19)
	on := b.ago("wedI", 30, 700)
	wedding := b.married(4, man, woman, on)
	wedding[mz01HusbandBefore], wedding[mz01WifeBefore] = str("10"), str("10")
	switch {
	case p.kind == weddedTwice:
		wedding[mz01HusbandBefore] = null
	case !p.any() && b.chance("courted", 10): // a court ended his first marriage, which the register does not know
		wedding[mz01HusbandBefore] = str("40")
		b.put(mz01, b.married(5, man, b.w.outsider(b.n, outSpouse, 1), on-900)...)
	}
	b.put(mz01, wedding...)
	status := "20"
	switch {
	case p.is(weddingUnknown):
		status = "10"
		b.expect("XV-08", "marital", "person", man.id, "GA")
	case p.kind == weddedTwice, p.kind == weddedStated:
		second := b.married(5, man, b.w.outsider(b.n, outSpouse, 1), on-200)
		if p.on {
			b.expect("XV-09", "double", "person", man.id, "MZ")
			if p.kind == weddedStated {
				b.expect("XV-09", "stated", "person", man.id, "MZ")
			}
		} else {
			second = ended(second, on-20)
		}
		b.put(mz01, second...)
	}
	b.put(ga01, with(woman, b.registered(man, b.home(1, 18), "02", status))...)
	b.put(ga01, with(man, b.registered(woman, b.home(1, 18), "12", "21"))...)
	if b.w.works(b.n, 18) {
		b.works(man, b.employerFirm(), b.between("wage18", 3500, 9000))
	}
	b.works(woman, b.w.bigFirm(b.n/bigFirmBlocks), b.between("wage19", 3500, 9000))
	b.insured(man, "1", "0", null)
	b.insured(woman, "1", "0", null)
	if b.chance("carI", 70) {
		b.car(4, str(man.id), null, "1")
	}
}

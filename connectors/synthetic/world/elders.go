package world

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// elders: a pensioner and his wife.
func (b *block) elders(p plant) {
	man, woman := b.person(7), b.person(8)
	if p.is(idMistypedGA) { // all departments copied the police's mistake
		man.id = mistyped(man.id)
		b.expect("XV-01", "id", "person", man.id, "GA")
	}
	home := b.home(0, 7)
	b.put(ga01, b.registered(man, home, "02", "20")...)
	b.put(ga01, b.registered(woman, home, "12", "20")...)
	b.pension(man, "1")
	b.pension(woman, "1")
	v := b.insurance(man, "1", "0", str(b.home(1, 7)))
	switch {
	case p.is(nameAtInsurance):
		v[1] = str(misnamed(man.name))
		b.expect("XV-03", "yb01", "person", man.id, "YB")
		b.put(yb01, v...)
	case p.is(fixedAtOnce): // insured twice for one transaction
		b.putAfter(yb01, [][]schemas.Value{changed(v, 3, str("1"))}, v...)
	default:
		b.put(yb01, v...)
	}
	b.insured(woman, "0", "1", str(b.home(1, 8)))
	if b.chance("withchildren", 25) {
		b.put(ga02, b.resident(5, woman, b.building(1), phone(b.w.roll(b.n, "phone8b")), b.ago("moved8", 60, 900))...)
	}
	b.estate(2, str(woman.id), null, home, "1")
	for i := range b.w.pick(b.n, "visits", 3) {
		b.settled(i, woman)
	}
}

func (b *block) pension(p person, status string) {
	b.put(rs02, b.pensionOf(p, status)...)
}

func (b *block) pensionOf(p person, status string) []schemas.Value {
	h := b.w.roll(b.n, "card"+p.sex+p.id[14:17])
	return []schemas.Value{str(p.id), str(status), yuan(1500 + int(h%4500)), str(card(h >> 8)), str(phone(h >> 20))}
}

func (b *block) settled(i int, p person) {
	b.put(yb02, str("S"+b.region()+b.serial(i)), str(p.id), str([...]string{"I10", "E11", "J06", "M54", "K29"}[b.w.pick(b.n, "sick"+string(rune('0'+i)), 5)]),
		num(b.between("bill"+string(rune('0'+i)), 2000, 800000)), day(b.ago("settled"+string(rune('0'+i)), 1, 300)))
}

// bereaved: a widow and her late husband. Unless something is planted, every
// department knows of the death, or it is so recent that none need know yet.
func (b *block) bereaved(p plant) {
	widow, late := b.person(12), b.person(13)
	died := b.ago("died", 45, 2200)
	alive, recent := p.kind == deathRevoked, false
	if !p.any() {
		switch n := b.w.pick(b.n, "bereaved", 100); {
		case n < 10: // within the thirty days that rules allow
			died, recent = b.ago("died lately", 8, 22), true
		case n < 15:
			alive = true
		}
	}
	home := b.home(0, 12)
	v := with(widow, b.registered(late, home, "02", "20"))
	if !alive && !recent {
		b.gone(p, late, v, died)
	}
	b.put(ga01, v...)
	b.survivor(p, widow, late, home, died, alive || recent)
	b.pension(widow, "1")
	b.insured(widow, "0", "1", null)
	b.certificate(p, late, died, alive)
	if !alive && (p.any() || b.chance("cremated", 80)) {
		b.cremation(p, late, died)
	}
	b.lateInsurance(p, late, alive)
	b.latePension(p, late, alive || recent)
	if !alive {
		b.lateRelief(p, late, died)
	}
}

// survivor: the widow's household register, and the marriage where it was
// registered by computer. The register is not changed by a death, unless she
// marries again.
func (b *block) survivor(p plant, widow, late person, home string, died int64, couple bool) {
	v := with(late, b.registered(widow, home, "12", either(couple || p.is(widowBook), "20", "30")))
	wedding := b.married(7, late, widow, b.ago("wedF", 8000, 9000))
	if p.is(widowBook) {
		b.expect("XV-20", "book", "marriage", late.id, "GA")
	}
	switch {
	case p.kind == widowRegister:
		v[ga01Spouse] = null
		if p.on {
			b.expect("XV-20", "register", "marriage", late.id, "MZ")
		} else {
			wedding = widowed(wedding, "1")
		}
	case !p.any() && !couple && b.chance("widow again", 15):
		groom := b.w.outsider(b.n, outSpouse, 2)
		again := b.married(8, groom, widow, died+38)
		again[mz01WifeBefore] = str("30")
		b.put(mz01, again...)
		v = with(groom, b.registered(widow, home, "12", "22"))
		wedding = widowed(wedding, "1")
	case p.any() || !b.chance("registered wedding", 50):
		b.put(ga01, v...)
		return
	}
	b.put(mz01, wedding...)
	b.put(ga01, v...)
}

func (b *block) gone(p plant, late person, v []schemas.Value, died int64) {
	if p.is(deadRegistered) {
		b.expect("XV-07", "registered", "person", late.id, "GA")
		return
	}
	v[ga01Gone], v[ga01Why], v[ga01When] = str("1"), str("1"), day(died+9)
}

// certificate is the row of WJ02. A few deaths are known from the cremation
// only; a certificate may have been revoked, by right or in error.
func (b *block) certificate(p plant, late person, died int64, alive bool) {
	v := []schemas.Value{
		str(fmt.Sprintf("%s-%d-%06d", b.region(), yearOf(died), b.n/4)), str(late.id), day(died),
		str([...]string{"云岭市人民医院", "家中", "云岭市中医院"}[b.w.pick(b.n, "where", 3)]),
		str([...]string{"心脏骤停", "脑血管意外", "呼吸衰竭"}[b.w.pick(b.n, "why", 3)]), str("0"),
	}
	revoked := changed(v, 5, str("1"))
	switch {
	case alive:
		b.putAfter(wj02, [][]schemas.Value{v}, revoked...)
	case p.kind == paidReinstated:
		b.putAfter(wj02, [][]schemas.Value{v, revoked}, v...)
	case p.kind == paidCremation:
	default:
		b.put(wj02, v...)
	}
}

func (b *block) cremation(p plant, late person, died int64) {
	said, burnt := died, died+int64(b.between("burnt", 2, 6))
	switch {
	case p.is(deathDates):
		said, burnt = died+14, died+16
		b.expect("XV-06", "dates", "person", late.id, "MZ")
	case p.is(cremationBefore):
		burnt = died - 12
		b.expect("XV-06", "dates", "person", late.id, "MZ")
	case !p.any() && b.chance("a day off", 30):
		said++
	}
	on := day(said)
	if p.kind == paidCremation && p.ordinal%2 == 1 || !p.any() && b.chance("undated", 10) {
		on = null
	}
	b.put(mz03, str("H"+b.region()+b.serial(0)), str(late.id), day(burnt), on)
}

func (b *block) lateInsurance(p plant, late person, alive bool) {
	switch {
	case alive:
		b.insured(late, "1", "0", null)
	case p.is(deadInsured):
		b.insured(late, either(p.ordinal/2%2 == 0, "1", "0"), either(p.ordinal/2%2 == 0, "0", "1"), null)
		b.expect("XV-05", "yb01", "person", late.id, "YB")
	default:
		b.insured(late, either(b.chance("suspended", 40), "2", "0"), "0", null)
	}
}

func (b *block) latePension(p plant, late person, paid bool) {
	switch {
	case p.is(paidCertificate), p.is(paidCremation), p.is(paidReinstated):
		b.pension(late, "1")
		b.expect("XV-04", "paid", "person", late.id, "RS")
	case paid:
		b.pension(late, "1")
	case p.any() && p.kind != paidFixed:
		b.pension(late, "3")
	default: // the pension office learnt of the death in time
		b.putAfter(rs02, [][]schemas.Value{b.pensionOf(late, "1")}, b.pensionOf(late, "3")...)
	}
}

func (b *block) lateRelief(p plant, late person, died int64) {
	v := []schemas.Value{str("F" + b.region() + b.serial(0)), str(late.id), str("2"), day(died - 800), day(died - 30), yuan(900)}
	switch p.kind {
	case deadRelief:
		if p.on {
			v[4] = null
			b.expect("XV-05", "mz02", "person", late.id, "MZ")
		}
	case deadReliefAfter: // ended after the death, and for good
		v[4] = day(died + 25)
	case deadDisabled:
		v[2] = str("4")
		b.put(cl01, b.card(late, "4", "2", b.w.base+500)...)
		if p.on {
			v[4] = null
			b.expect("XV-05", "mz02", "person", late.id, "MZ")
			b.expect("XV-19", "dead", "person", late.id, "MZ")
		}
	default:
		if !b.chance("lateRelief", 20) {
			return
		}
	}
	b.put(mz02, v...)
}

// relief: a family on subsistence allowance. Within the rules they may own a
// scrapped car, one home, and work for little in the shop of the block.
func (b *block) relief(p plant) {
	father, mother, pupil := b.person(14), b.person(15), b.person(16)
	home := b.home(1, 14)
	b.put(ga01, with(mother, b.registered(father, home, "02", "20"))...)
	b.put(ga01, with(father, b.registered(mother, home, "12", "20"))...)
	b.put(ga01, b.registered(pupil, home, either(pupil.sex == "1", "20", "30"), "10")...)
	b.put(mz01, b.married(6, father, mother, b.ago("weddingG", 5200, 5470))...)
	since := b.ago("relief since", 90, 1500)
	// One family in five of them, so that three people in a hundred are on relief.
	poor := p.any() || b.chance("poor", 20)
	income := yuan(900 + b.w.pick(b.n, "income", 900)) // the household's, the same for all of it
	for _, who := range []person{father, mother, pupil} {
		b.insured(who, "0", "1", null)
		if !poor {
			continue
		}
		b.put(mz02, str("D"+b.region()+b.serial(0)), str(who.id), str("1"), day(since), null, income)
	}
	b.put(jy01, b.pupil("G", pupil, pupil.name, b.school(0), father, "1")...)
	b.estate(3, str(father.id), null, home, "1")
	if !p.any() && b.chance("two certificates", 30) { // a second certificate on the same unit
		b.certified(3, 6, str(father.id), null, home, "1")
	}
	if p.is(reliefHomes) {
		b.estate(4, str(father.id), null, b.home(0, 14), "1")
		b.expect("XV-11", "zr01", "person", father.id, "MZ")
	}
	switch {
	case p.kind == reliefCar:
		b.car(5, str(father.id), null, either(p.on, "1", "2"))
		if p.on {
			b.expect("XV-11", "ga03", "person", father.id, "MZ")
		}
	case !p.any() && b.chance("scrapG", 20):
		b.car(5, str(father.id), null, "3")
	}
	b.shop(p, father)
}

// shop is a one-man business. It stands in every block of the smallest city and
// elsewhere where somebody needs it.
func (b *block) shop(p plant, father person) {
	employs := p.kind == reliefWage || !p.any() && b.chance("helps out", 40)
	if !b.w.shops && !employs && p.kind != reliefFirm {
		return
	}
	f := b.w.shopFirm(b.n)
	owner := b.person(10)
	switch {
	case p.kind == reliefFirm: // a company, not a stall
		owner, f = father, b.w.firm(b.n, "R", "91", "MADJ", "有限公司", b.n)
	case !p.any() && b.chance("own stall", 20):
		owner = father
	}
	status := "1"
	if p.kind == reliefFirm && !p.on {
		status = "3"
	}
	b.market(f, owner, status)
	if p.is(reliefFirm) {
		b.expect("XV-11", "sc01", "person", father.id, "MZ")
	}
	if employs {
		wage := b.between("low wage", 1800, 2500)
		if p.is(reliefWage) {
			wage = b.between("high wage", 4000, 6000)
			b.expect("XV-11", "rs01", "person", father.id, "MZ")
		}
		b.works(father, f, wage)
	}
}

// disabled: a holder of a disability card with the allowance.
func (b *block) disabled(p plant) {
	who := b.person(17)
	b.putFor(ga01, who, p, func(x person) []schemas.Value { return b.registered(x, b.home(0, 17), "02", "10") })
	b.putFor(yb01, who, p, func(x person) []schemas.Value { return b.insurance(x, "0", "1", null) })
	ends := null
	valid := b.w.base + int64(b.between("valid", 100, 2000))
	lapsed := !p.any() && b.chance("lapsed", 15)
	if lapsed { // allowance and card ended together
		valid = b.ago("lapsed on", 60, 400)
		ends = day(valid - 10)
	}
	if p.any() || b.chance("allowance", 40) { // not every card comes with the allowance
		b.putFor(mz02, who, p, func(x person) []schemas.Value {
			return []schemas.Value{str("E" + b.region() + b.serial(0)), str(x.id), str("4"), day(b.w.base - 1200), ends, null}
		})
	}
	if p.is(cardExpired) {
		valid = b.ago("expired", 30, 300)
		b.expect("XV-19", "expired", "person", who.id, "MZ")
	}
	if p.is(cardNone) {
		b.expect("XV-19", "expired", "person", who.id, "MZ")
		return
	}
	kind, grade := string(rune('1'+b.w.pick(b.n, "kind", 7))), b.w.pick(b.n, "grade", 4)
	b.putFor(cl01, who, p, func(x person) []schemas.Value {
		v := b.card(x, kind, string(rune('1'+grade)), valid)
		switch {
		case p.is(cardRegraded): // another grade was decided and no card of it given out
			v[3] = str(string(rune('1' + (grade+1)%4)))
		case p.is(cardMistyped):
			v[0] = str(mistyped(x.id) + v[0].Str()[18:])
		}
		return v
	})
	if p.is(cardMistyped) {
		b.expect("HM-CL01", "check", "person", who.id, "CL")
	}
	if p.is(cardMistyped) || p.is(cardRegraded) {
		b.expect("XV-21", "card", "person", who.id, "CL")
	}
}

// putFor puts a row about a person whose number may have been corrected: then
// the row was first written with the former number.
func (b *block) putFor(t Table, who person, p plant, image func(person) []schemas.Value) {
	var old [][]schemas.Value
	if p.kind == idCorrected {
		former := who
		former.id = b.w.outsider(b.n, outFormer, 0).id
		old = [][]schemas.Value{image(former)}
	}
	b.putAfter(t, old, image(who)...)
}

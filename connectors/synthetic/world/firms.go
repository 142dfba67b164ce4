package world

import (
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// employerFirm is where most people of the block work.
func (b *block) employerFirm() firm {
	if b.firmX.code == "" {
		b.firmX = b.w.firm(b.n, "X", "91", "MADE", "有限公司", b.n*2)
	}
	return b.firmX
}

// market puts the row of SC01.
func (b *block) market(f firm, leader person, status string) {
	b.put(sc01, b.marketed(f, leader, status)...)
}

func (b *block) marketed(f firm, leader person, status string) []schemas.Value {
	kind, id := str("111"), str(leader.id)
	switch {
	case b.n%5 == 3 && f.fund: // not every register holds the number
		kind, id = null, null
	case b.n%17 == 5 && f.code[8:12] == "MADE": // a foreigner and his passport
		kind, id = str("414"), str(fmt.Sprintf("E%08d", b.n))
	}
	return []schemas.Value{
		str(f.code), str(f.name), str(leader.name), kind, id, num(f.capital), str("CNY"), day(f.founded),
		day(f.founded + int64(b.between("approved"+f.code[8:12], 10, 800))), str(status), str(f.site), str(f.industry),
	}
}

func (b *block) taxed(f firm, name, leader, status string) []schemas.Value {
	return []schemas.Value{str(f.code), str(status), str(fmt.Sprintf("云岭市税务局第%s分局", [...]string{"一", "二", "三"}[b.n%3])), str(name), str(leader), str(f.site)}
}

func (b *block) insurer(f firm, leader string, staff int, status string) []schemas.Value {
	return []schemas.Value{str(f.code), str(f.name), num(staff), str(leader), str(f.site), str(status)}
}

// declares puts three months of SW02, the latest with the given count.
func (b *block) declares(f firm, staff, declared int) {
	y, m, _ := civil(b.w.base)
	month := y*12 + m - 1
	for back := 3; back >= 1; back-- {
		n := declared
		if back > 1 {
			n = staff + back*5 // earlier months differ and do not count
		}
		at := month - back
		b.put(sw02, str(f.code), str(fmt.Sprintf("%04d%02d", at/12, at%12+1)), num(n), yuan(n*5200+b.w.pick(b.n, "wages", 900)))
	}
}

// licence puts a licence decided on a day, published and valid as told. Trade in
// food and catering has a number with a check digit, others their region and year.
func (b *block) licence(serial int, f firm, decided int64, published int, until schemas.Value) {
	b.put(sp01, b.licensed(serial, f, decided, published, until)...)
}

func (b *block) licensed(serial int, f firm, decided int64, published int, until schemas.Value) []schemas.Value {
	n := b.n*10 + serial
	kind, number := licences[f.industry], fmt.Sprintf("云%s-%d-%06d", b.region(), yearOf(decided), b.n/4*10+serial)
	if kind == "" {
		kind, number = "食品经营许可证", foodLicence(either(f.industry == "H6210", "2", "1"), b.region(), b.n/4*10+serial)
	}
	return []schemas.Value{
		str(fmt.Sprintf("云岭审批许〔%d〕%d号", yearOf(decided), n)), str(f.code), str("1"), str("准予核发" + kind), day(decided), day(decided + int64(published)), until,
		str(approval.name), str(approval.code), str(kind), str(number),
	}
}

// foodLicence is the number of a licence to trade in food (1) or to cater (2).
func foodLicence(kind, region string, serial int) string {
	digits := fmt.Sprintf("%s%s%06d", kind, region, serial)
	p := 10
	for _, c := range digits {
		s := (p + int(c-'0')) % 10
		if s == 0 {
			s = 10
		}
		p = s * 2 % 11
	}
	return "JY" + digits + string(rune('0'+(11-p)%10))
}

func (b *block) penalty(serial int, code string, decided int64) {
	b.put(sp01, penaltyOf(b.w.pick(b.n, "penalty", len(organs)), b.n*10+serial, code, decided, decided+3)...)
}

func penaltyOf(organ, serial int, code string, decided, published int64) []schemas.Value {
	by := &organs[organ]
	return []schemas.Value{
		str(fmt.Sprintf("云岭%s〔%d〕%d号", by.word, yearOf(decided), serial)), str(code), str("2"), str(by.decision), day(decided), day(published), null,
		str(by.name), str(by.code), null, null,
	}
}

// employer: the enterprise whose head count three departments know.
func (b *block) employer(p plant) {
	f, leader, n := b.employerFirm(), b.person(0), b.w.staff(b.n)
	b.market(f, leader, "1")
	b.put(sw01, b.taxed(f, respeltFirm(f.name), leader.name, "1")...)
	b.put(rs03, b.insurer(f, leader.name, n, "1")...)
	declared := n
	if !p.any() && b.chance("rehired", 20) { // a pensioner who works on is declared and not insured
		declared++
	}
	if p.is(countTax) {
		declared = n*2 + 3
		b.expect("XV-12", "rs01", "enterprise", f.code, "SW")
		if f.fund {
			b.expect("XV-12", "zj02", "enterprise", f.code, "GJ")
		}
	}
	b.declares(f, n, declared)
	if p.is(countFund) { // people whom only the fund knows
		people := 3
		if !f.fund { // only one of them is known to the fund at all
			people = 1
		}
		for i := range people {
			o := b.w.outsider(b.n, outEmployee, i)
			b.put(zj02, str(o.id), str(f.code), str("1"), yuan(4300), str(f.name))
		}
		b.expect("XV-12", "zj02", "enterprise", f.code, "GJ")
	}
	if b.chance("licenceX", 60) {
		until := null
		if b.chance("limited", 70) {
			until = day(b.w.base + int64(b.between("until", 60, 1500)))
		}
		b.licence(0, f, b.ago("decidedX", 60, 700), b.between("publishedX", 1, 4), until)
	}
	if b.chance("fined", 25) {
		b.penalty(5, f.code, b.ago("finedX", 40, 900))
	}
	if b.chance("fleet", 40) {
		b.car(6, null, str(f.code), "1")
	}
	if b.chance("premises", 10) {
		b.estate(5, null, str(f.code), f.site, "2")
	}
}

// respeltFirm is the same name written with wide brackets.
func respeltFirm(name string) string { return wideBrackets.Replace(name) }

var wideBrackets = strings.NewReplacer("(", "（", ")", "）")

// ground: the buildings of the block, and the large employer of a run of blocks.
func (b *block) ground(plant) {
	for k := range 3 {
		b.put(zj01, str(fmt.Sprintf("%s%s", b.region(), b.serial(k))), str(fmt.Sprintf("%d.%04d,%d.%04d", 100+b.n%3, b.w.pick(b.n, "lon", 10_000), 24+k, b.w.pick(b.n, "lat", 10_000))),
			num(b.between("storeys"+string(rune('0'+k)), 1, 32)), str(b.building(k)))
	}
	if b.n%bigFirmBlocks != 0 {
		return
	}
	f, leader := b.w.bigFirm(b.n/bigFirmBlocks), b.person(4)
	n := 3 * min(bigFirmBlocks, b.w.blocks-b.n)
	b.market(f, leader, "1")
	b.put(sw01, b.taxed(f, f.name, leader.name, "1")...)
	b.put(rs03, b.insurer(f, leader.name, n, "1")...)
	b.declares(f, n, n)
}

// otherFirm: an enterprise without employees, or a social organisation.
func (b *block) otherFirm(p plant) {
	f, leader := b.w.firm(b.n, "Y", "91", "MADE", "有限责任公司", b.n*2+1), b.person(4)
	if p.any() {
		b.plantedFirm(p, f, leader)
		return
	}
	if b.chance("sole", 65) { // a one-man business, as most are
		f = b.w.firm(b.n, "Y", "92", "MADE", "经营部", b.n*2+1)
		f.capital = 50_000
	}
	switch n := b.w.pick(b.n, "Y", 100); {
	case n < 15:
		b.market(f, leader, "3")
		b.put(sw01, b.taxed(f, f.name, leader.name, "3")...)
		if b.chance("insuredY", 50) {
			b.put(rs03, b.insurer(f, leader.name, 0, "2")...)
		}
		b.licence(1, f, b.ago("decidedY", 800, 1500), 2, day(b.ago("endedY", 60, 400)))
	case n < 30:
		b.society(leader)
	case n < 40: // listed, without a licence in force
		b.market(f, leader, "1")
		b.put(sw01, b.taxed(f, f.name, leader.name, either(b.chance("abnormal", 40), "2", "1"))...)
		b.listed(f, null)
		b.penalty(2, f.code, b.ago("fined", 40, 500))
	default:
		b.market(f, leader, "1")
		b.put(sw01, b.taxed(f, f.name, leader.name, "1")...)
		if b.chance("insuredY", 5) { // registered as an employer before it has anybody
			b.put(rs03, b.insurer(f, leader.name, 0, "1")...)
		}
		if b.chance("licenceY", 50) {
			b.licence(3, f, b.ago("decidedY", 60, 700), b.between("publishedY", 1, 4), null)
		}
		if b.chance("relisted", 15) { // was listed once
			b.listed(f, day(b.ago("removed", 20, 90)))
		}
	}
}

func (b *block) society(leader person) {
	f := b.w.firm(b.n, "S", "52", "MJD0", "", b.n)
	f.name = "云岭市" + districts[b.n%4].name + [...]string{"志愿服务", "养老服务", "书画", "餐饮行业", "体育舞蹈"}[b.w.pick(b.n, "society", 5)] + "协会"
	status := either(b.chance("dissolved", 20), "3", "1")
	b.put(mz04, str(f.code), str(f.name), str(leader.name), str(status), day(f.founded))
	b.put(sw01, b.taxed(f, f.name, leader.name, status)...)
}

func (b *block) listed(f firm, removed schemas.Value) {
	b.put(sc02, str(f.code), str(fmt.Sprintf("云岭市监列〔%d〕%d号", yearOf(b.w.base), b.n)), str([...]string{"通过登记的住所无法联系", "未按规定报送年度报告"}[b.w.pick(b.n, "listed", 2)]),
		day(b.ago("listed on", 100, 800)), removed)
}

// plantedFirm makes an enterprise that something is planted in.
func (b *block) plantedFirm(p plant, f firm, leader person) {
	status := "1"
	switch p.kind {
	case cancelledTaxed, cancelledInsured, licenceCancelled:
		status = "3"
	default: // in business
	}
	if p.is(codeMistypedSC) {
		f.code = miscoded(f.code)
		b.expect("XV-02", "code", "enterprise", f.code, "SC")
	}
	b.market(f, leader, status)
	b.plantedTax(p, f, leader, status)
	b.plantedInsurer(p, f, leader, status)
	b.plantedLicence(p, f)
	if p.kind == firmUninsured { // mended: the people are another enterprise's
		b.declares(f, 0, map[bool]int{true: 12 + b.n%30, false: 0}[p.on])
		if p.on {
			b.expect("XV-12", "uninsured", "enterprise", f.code, "RS")
		}
	}
	if p.is(codeTwice) {
		b.put(mz04, str(f.code), str("云岭市"+districts[b.n%4].name+"健身协会"), str(leader.name), str("1"), day(f.founded))
		b.expect("XV-02", "twice", "enterprise", f.code, "SC")
	}
}

func (b *block) plantedTax(p plant, f firm, leader person, status string) {
	name, head := f.name, leader.name
	switch {
	case p.is(leaderLagSW):
		head = b.person(18).name
		if head == leader.name {
			head = misnamed(head)
		}
		b.expect("XV-13", "sw01", "enterprise", f.code, "SW")
	case p.is(nameOldSW):
		name = "云岭市旧名" + f.name[len("云岭市"):]
		b.expect("XV-13", "sw01", "enterprise", f.code, "SW")
	case p.is(cancelledTaxed):
		status = "1"
		b.expect("XV-14", "sw01", "enterprise", f.code, "SW")
	}
	b.put(sw01, b.taxed(f, name, head, status)...)
}

func (b *block) plantedInsurer(p plant, f firm, leader person, status string) {
	head := leader.name
	insured := either(status == "1", "1", "2")
	switch p.kind {
	case leaderLagRS, cancelledInsured, codeMistypedRS:
	default: // nobody works there, so the insurance office does not know it
		return
	}
	switch {
	case p.is(leaderLagRS):
		head = misnamed(head)
		b.expect("XV-13", "rs03", "enterprise", f.code, "RS")
	case p.is(cancelledInsured):
		insured = "1"
		b.expect("XV-14", "rs03", "enterprise", f.code, "RS")
	case p.is(codeMistypedRS):
		f.code = miscoded(f.code)
		b.expect("XV-02", "code", "enterprise", f.code, "RS")
	}
	staff := 0
	if insured == "1" { // who leads it is insured there too
		staff = 1
		b.put(rs01, str(leader.id), str(f.code), str(leader.name), str("1"), yuan(3800), day(b.ago("leads", 100, 800)), null)
	}
	b.put(rs03, b.insurer(f, head, staff, insured)...)
}

func (b *block) plantedLicence(p plant, f firm) {
	decided := b.ago("decidedP", 100, 600)
	until := day(b.w.base + int64(b.between("untilP", 60, 900)))
	over := day(b.ago("overP", 30, 60))
	switch p.kind {
	case licenceListed:
		b.listed(f, null)
		if p.on {
			b.expect("XV-15", "listed", "enterprise", f.code, "SP")
		} else {
			until = over
		}
		b.licence(4, f, decided, 3, until)
	case licenceCancelled:
		if p.on {
			b.expect("XV-15", "cancelled", "enterprise", f.code, "SP")
		} else {
			until = over
		}
		b.licence(4, f, decided, 3, until)
	case licenceLate: // published within this month, long after it was decided
		decided = b.ago("decidedL", 50, 80)
		published := 3
		if p.on {
			published = int(b.w.base-decided) - b.between("late", 2, 20)
			b.expect("XV-15", "late", "enterprise", f.code, "SP")
		}
		b.licence(4, f, decided, published, until)
	case licenceHidden:
		b.licence(4, f, decided, 3, until)
		if p.on && len(b.rows) > 0 && b.rows[len(b.rows)-1].t == sp01 {
			b.rows[len(b.rows)-1].v[5] = null
		}
		if p.on {
			b.expect("XV-15", "unpublished", "enterprise", f.code, "SP")
		}
	case codeMistypedSP:
		if p.on {
			f.code = miscoded(f.code)
			b.expect("XV-02", "code", "enterprise", f.code, "SP")
		}
		b.licence(4, f, decided, 3, until)
	case licenceMistyped:
		f.industry = "F5199"
		v := b.licensed(4, f, decided, 3, until)
		if p.on {
			number := []byte(v[10].Str())
			number[15] = '0' + (number[15]-'0'+1)%10
			v[10] = str(string(number))
			b.expect("HM-SP01", "check", "enterprise", f.code, "SP")
		}
		b.put(sp01, v...)
	default: // has no licence
	}
}

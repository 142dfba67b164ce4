package world

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Live is the endless stream of neutral changes of one department. Each is a
// function of its number alone and touches only units that nothing is planted
// in. A row is always changed in the same fields, to values made from the
// number, so the image is whole without knowing what went before.
type Live struct {
	w      *World
	d      Department
	faults bool
}

// NewLive is a department's; with faults it plants a contradiction now and then, and mends it.
func NewLive(w *World, d Department, faults bool) Live { return Live{w, d, faults} }

// faultEvery is how often the deliberate fault of the live stream comes round,
// in changes of the department that makes it.
const faultEvery = 50

// At returns the n-th change; its time is the caller's.
func (l Live) At(n int) Event {
	e := l.change(n)
	e.Sequence = schemas.Sequence{Major: liveMajor + uint64(n)}
	return e
}

func (l Live) change(n int) Event {
	if e, ok := l.fault(n); ok {
		return e
	}
	switch l.d {
	case ga:
		return l.police(n)
	case mz:
		return l.household(n)
	case rs:
		if n%2 == 0 {
			return l.edit(n, unitElders, rs02, func(v []schemas.Value) { v[2], v[4] = yuan(1500+n%4500), str(phone(mix(uint64(n)))) })
		}
		return l.edit(n, unitFamily, rs01, func(v []schemas.Value) { v[4] = yuan(4000 + n%9000) })
	case wj:
		return l.birth(n)
	case yb:
		return l.settlement(n)
	case sc:
		return l.edit(n, unitEmployer, sc01, func(v []schemas.Value) { v[5], v[8] = num((1+n%600)*100_000), day(l.w.base) })
	case sw:
		return l.edit(n, unitEmployer, sw01, func(v []schemas.Value) {
			v[2] = str("云岭市税务局第" + [...]string{"一", "二", "三", "四"}[n%4] + "分局")
		})
	case zr:
		return l.edit(n, unitFamily, zr01, func(v []schemas.Value) { v[6] = str(string(rune('0' + n%2))) })
	case zj:
		return l.edit(n, unitGround, zj01, func(v []schemas.Value) { v[2] = num(1 + n%32) })
	case gj:
		return l.edit(n, unitFamily, zj02, func(v []schemas.Value) { v[3] = yuan(4000 + n%9000) })
	case jy:
		return l.edit(n, unitTenants, jy01, func(v []schemas.Value) {
			v[4] = str(forms[len(forms)-3+n%3])
		})
	case sp:
		return l.penalty(n)
	default: // cl
		return l.edit(n, unitDisabled, cl01, func(v []schemas.Value) { v[4] = day(l.w.base + int64(400+n%1000)) })
	}
}

// clean returns the first unit, in the order of the live stream from the n-th
// on, that nothing is planted in and that has a row of the table.
func (l Live) clean(n int, u unit, t Table) (*block, int) {
	for try := 0; ; try++ {
		at := l.w.liveOrd.forward((n + try) % l.w.blocks)
		if l.w.plant(u, at, false).any() {
			continue
		}
		if b := l.w.makeUnit(at, u, plant{}, 1<<t); len(b.rows) > 0 {
			return b, at
		}
	}
}

func (l Live) edit(n int, u unit, t Table, how func([]schemas.Value)) Event {
	b, _ := l.clean(n, u, t)
	r := &b.rows[0]
	v := append([]schemas.Value(nil), r.v...)
	how(v)
	return Event{Table: t, Key: r.key, Op: schemas.Update, Values: v}
}

// household is the income of a household on relief, which changes for all of it:
// one member after the other, with the same income.
func (l Live) household(n int) Event {
	b, _ := l.clean(n/3, unitRelief, mz02)
	r := &b.rows[n%3%len(b.rows)]
	return Event{Table: mz02, Key: r.key, Op: schemas.Update, Values: changed(r.v, 5, yuan(500+n/3%700))}
}

// police: people move between the buildings of their block, change their
// telephone, and buy cars.
func (l Live) police(n int) Event {
	if n%4 < 3 {
		b, at := l.clean(n, unitSingle, ga02)
		r := &b.rows[0]
		v := append([]schemas.Value(nil), r.v...)
		v[3], v[4], v[5] = str(building(at, n%3)), str(phone(mix(uint64(n)))), day(l.w.base-int64(n%30))
		return Event{Table: ga02, Key: r.key, Op: schemas.Update, Values: v}
	}
	b, _ := l.clean(n, unitSingle, ga01)
	owner := b.person(9)
	v := []schemas.Value{str(plateNumber(l.w.blocks*8 + n)), str("02"), str(owner.id), null, str("云岭牌YL7150"), day(l.w.base), str("1")}
	return Event{Table: ga03, Key: keyOf(ga03, v), Op: schemas.Create, Values: v}
}

func (l Live) birth(n int) Event {
	b, _ := l.clean(n, unitFamily, ga01)
	mother := b.person(1)
	sex := string(rune('1' + n%2))
	name := l.w.name(b.n, 100+n, sex, mother.nation)
	v := []schemas.Value{str(birthNumber(5_000_000 + n)), str(name), str(sex), day(l.w.base - 3), str(mother.id), day(l.w.base)}
	return Event{Table: wj01, Key: keyOf(wj01, v), Op: schemas.Create, Values: v}
}

func (l Live) settlement(n int) Event {
	b, _ := l.clean(n, unitElders, yb01)
	v := []schemas.Value{str(fmt.Sprintf("S%s9%09d", b.region(), n)), str(b.person(8).id), str("I10"), num(2000 + n%70_000), day(l.w.base)}
	return Event{Table: yb02, Key: keyOf(yb02, v), Op: schemas.Create, Values: v}
}

func (l Live) penalty(n int) Event {
	b, _ := l.clean(n, unitEmployer, sc01)
	v := penaltyOf(n%len(organs), 5_000_000+n, b.employerFirm().code, l.w.base-2, l.w.base)
	return Event{Table: sp01, Key: keyOf(sp01, v), Op: schemas.Create, Values: v}
}

// fault, if the option asks for it: now and then the insurance office insures
// somebody twice (XV-18) and ends it some changes later.
func (l Live) fault(n int) (Event, bool) {
	at := n % faultEvery
	if !l.faults || l.d != yb || at != faultEvery/5 && at != faultEvery*4/5 {
		return Event{}, false
	}
	twice := at == faultEvery/5
	e := l.edit(n/faultEvery, unitSingle, yb01, func(v []schemas.Value) {
		if twice {
			v[3] = str("1")
		}
	})
	return e, true
}

// Plants reports whether the n-th change plants a contradiction, for the log.
func (l Live) Plants(n int) bool {
	return l.faults && l.d == yb && n%faultEvery == faultEvery/5
}

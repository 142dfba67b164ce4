package world

import "iter"

// makers are the units of a block, in the order of their constants, and the
// tables that each may have rows in.
var makers = [unitCount]struct {
	make   func(*block, plant)
	tables uint32
}{
	unitFamily:   {(*block).family, in(ga01, ga02, mz01, rs01, zj02, yb01, ga03, zr01, jy01, wj01)},
	unitTenants:  {(*block).tenants, in(ga01, mz01, rs01, zj02, yb01, jy01, ga03, ga02)},
	unitElders:   {(*block).elders, in(ga01, rs02, yb01, ga02, zr01, yb02)},
	unitSingle:   {(*block).single, in(ga01, rs01, zj02, yb01, ga02, ga03)},
	unitDivorced: {(*block).divorced, in(mz01, ga01, rs01, zj02, yb01, zr01, ga03)},
	unitBereaved: {(*block).bereaved, in(ga01, mz01, rs02, yb01, wj02, mz03, mz02, cl01)},
	unitRelief:   {(*block).relief, in(ga01, mz01, yb01, mz02, jy01, zr01, ga03, sc01, rs01)},
	unitDisabled: {(*block).disabled, in(ga01, yb01, mz02, cl01)},
	unitWedded:   {(*block).wedded, in(mz01, ga01, rs01, zj02, yb01, ga03)},
	unitEmployer: {(*block).employer, in(sc01, sw01, rs03, sw02, zj02, sp01, ga03, zr01)},
	unitFirm:     {(*block).otherFirm, in(sc01, sw01, sw02, rs03, rs01, sp01, sc02, mz04)},
	unitGround:   {(*block).ground, in(zj01, sc01, sw01, rs03, sw02)},
}

func in(list ...Table) uint32 {
	var mask uint32
	for _, t := range list {
		mask |= 1 << t
	}
	return mask
}

// makeBlock makes all units of block n as they are before or after the
// correction stream.
func (w *World) makeBlock(n int, want uint32, after bool) *block {
	b := &block{w: w, n: n, want: want}
	for u := range unitCount {
		if makers[u].tables&want != 0 {
			b.make(u, w.plant(u, n, after))
		}
	}
	return b
}

// makeUnit makes one unit of block n.
func (w *World) makeUnit(n int, u unit, p plant, want uint32) *block {
	b := &block{w: w, n: n, want: want}
	b.make(u, p)
	return b
}

func (b *block) make(u unit, p plant) {
	b.corrects = p.corrected
	makers[u].make(b, p)
}

// Findings are all contradictions that the rules must find before any is mended, kind by kind.
func (w *World) Findings() iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		for i := range w.kinds {
			k := &w.kinds[i]
			for n := range k.count {
				for _, f := range w.makeUnit(w.block(k, n), k.unit, k.plant(n, false), 0).findings {
					if !yield(f) {
						return
					}
				}
			}
		}
	}
}

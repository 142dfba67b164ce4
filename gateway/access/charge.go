package access

import (
	"cmp"
	"math/bits"
	"slices"
)

// maxCover bounds the grants with a quota that are weighed against one another.
// Those after it are charged all together, after every other way.
const maxCover = 8

// charges returns the ways to pay for n records of fields: each a set of grants
// that together allow every field, none of them needless. A field that a grant
// without a quota allows is free, so a quota that is not needed never refuses.
// If no way can ever pay for n at once, most says for how many one can.
func charges(valid []*grant, fields []string, n int) (ways [][]Charge, most int) {
	var limited []*grant
	for _, g := range valid {
		if g.Quota > 0 {
			limited = append(limited, g)
		}
	}
	if len(limited) == 0 {
		return nil, 0
	}
	var needed []string
	for _, f := range fields {
		if !slices.ContainsFunc(valid, func(g *grant) bool { return g.Quota == 0 && g.allowed[f] }) {
			needed = append(needed, f)
		}
	}
	if len(needed) == 0 && len(limited) < len(valid) {
		return nil, 0
	}
	if len(limited) == 1 {
		g := limited[0]
		if n > g.Quota {
			return nil, g.Quota
		}
		return [][]Charge{{{g.meter, g.Quota}}}, 0
	}
	for _, set := range covers(limited, needed) {
		way, least := make([]Charge, len(set)), 0
		for i, g := range set {
			way[i] = Charge{g.meter, g.Quota}
			if least == 0 || g.Quota < least {
				least = g.Quota
			}
		}
		if n <= least {
			ways = append(ways, way)
		}
		most = max(most, least)
	}
	if len(ways) > 0 {
		most = 0
	}
	return ways, most
}

// covers returns every set of grants that together allow the fields and of which
// none can be left out, small ones first, then in the order in which they are
// written. Without fields each grant is a way of its own.
func covers(limited []*grant, fields []string) [][]*grant {
	weighed := limited[:min(len(limited), maxCover)]
	covering := func(mask uint) bool {
		for _, f := range fields {
			if !slices.ContainsFunc(pick(weighed, mask), func(g *grant) bool { return g.allowed[f] }) {
				return false
			}
		}
		return true
	}
	var masks []uint
	for mask := uint(1); mask < 1<<len(weighed); mask++ {
		if !covering(mask) || slices.ContainsFunc(masks, func(m uint) bool { return m&mask == m }) {
			continue
		}
		masks = append(masks, mask)
	}
	// A smaller set may have come after a larger one that contains it.
	masks = slices.DeleteFunc(slices.Clone(masks), func(m uint) bool {
		return slices.ContainsFunc(masks, func(o uint) bool { return o != m && o&m == o })
	})
	slices.SortStableFunc(masks, func(a, b uint) int {
		return cmp.Or(cmp.Compare(bits.OnesCount(a), bits.OnesCount(b)), cmp.Compare(bits.Reverse(b), bits.Reverse(a)))
	})
	out := make([][]*grant, 0, len(masks)+1)
	for _, m := range masks {
		out = append(out, pick(weighed, m))
	}
	if len(limited) > len(weighed) {
		out = append(out, limited)
	}
	return out
}

func pick(from []*grant, mask uint) []*grant {
	var out []*grant
	for i, g := range from {
		if mask&(1<<i) != 0 {
			out = append(out, g)
		}
	}
	return out
}

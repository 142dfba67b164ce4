// Package world is the made-up city itself: a pure function of a seed, a size and a day. It knows every row that a department has, in the
// order and the disorder in which its system says so (Stream), what mends the contradictions that were planted (Fixes), neutral changes
// without end (Live), and what must be found (World.Findings). It knows no catalogue, no clock and no file: that is the source's, above.
package world

import (
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// The sizes of the city.
const (
	Tiny = "tiny" // 2,000 persons, 300 enterprises
	City = "city" // 600,000 persons, 60,000 enterprises
	Big  = "big"  // 3,000,000 persons, 300,000 enterprises
)

const millisPerDay = 86_400_000

// Edition is that of the made-up city: a build in which the same seed makes other rows
// raises it. Positions of the first release name none.
const Edition = 2

// World answers every question about the city as a function of seed, size and
// base day: nothing is stored. People live in blocks of twenty, and all that
// ties people, enterprises and buildings together stays inside one block (but
// for the large employers), so a block is made from its number alone. It is safe
// for concurrent use.
type World struct {
	seed   uint64
	size   string
	base   int64 // the city's "today", days since 1970-01-01
	blocks int
	shops  bool // every block has a shop
	calm   bool // rows come in order and once
	few    int  // what a count of a few plants is multiplied by

	places  [unitCount]affine // order in which plants fill the blocks, a unit kind
	days    [peoplePerBlock + outsiderKinds]affine
	codes   affine // organisation numbers
	liveOrd affine // order of blocks in the neutral stream
	kinds   []planned
}

// planned is a plant kind with its place among the plants of its unit.
type planned struct {
	kind
	first, count int
}

// New makes the city of a seed and a size (Tiny, City or Big; another is an error), whose today is
// the calendar day of an instant in Asia/Shanghai. In a calm one rows come in order and once: no older
// images, no duplicates.
func New(seed int64, size string, today time.Time, calm bool) (*World, error) {
	w := &World{seed: uint64(seed), size: size, base: dayOf(today), calm: calm}
	switch size {
	case Tiny:
		w.blocks, w.few, w.shops = 100, 1, true
	case City:
		w.blocks, w.few = 30_000, 10
	case Big:
		w.blocks, w.few = 150_000, 30
	default:
		return nil, fmt.Errorf("size %q: want %s, %s or %s", size, Tiny, City, Big)
	}
	for u := range w.places {
		w.places[u] = w.shuffle(fmt.Sprint("place", u), w.blocks)
	}
	for s := range w.days {
		w.days[s] = w.shuffle(fmt.Sprint("days", s), slotSpan(s))
	}
	w.codes = w.shuffle("codes", codeSpace)
	w.liveOrd = w.shuffle("live", w.blocks)
	var next [unitCount]int
	for _, k := range kinds {
		n := k.few * w.few
		if k.share > 0 {
			n = int(k.share*float64(w.blocks) + 0.5)
		}
		w.kinds = append(w.kinds, planned{kind: k, first: next[k.unit], count: n})
		next[k.unit] += n
		if next[k.unit] > w.blocks {
			return nil, fmt.Errorf("size %q: too many plants for unit %d", size, k.unit)
		}
	}
	return w, nil
}

// Size is the size that the city was made of.
func (w *World) Size() string { return w.size }

// Today is the instant at which the city's today begins.
func (w *World) Today() time.Time { return time.UnixMilli(midnight(w.base)).In(schemas.Zone) }

// plant is what is planted in one unit of one block. The zero plant is none.
type plant struct {
	kind      kindID
	ordinal   int
	corrected bool // the correction stream mends it
	on        bool // false once mended
}

// is reports whether the fault k is to be shown.
func (p plant) is(k kindID) bool { return p.kind == k && p.on }

// any reports whether the unit is set aside for a plant, mended or not: its
// random variations are switched off, so that mending changes nothing else.
func (p plant) any() bool { return p.kind != none }

// plant returns what is planted in a unit of block b, before or after the
// correction stream.
func (w *World) plant(u unit, b int, after bool) plant {
	at := w.places[u].inverse(b)
	for i := range w.kinds {
		k := &w.kinds[i]
		if k.unit == u && at >= k.first && at < k.first+k.count {
			return k.plant(at-k.first, after)
		}
	}
	return plant{}
}

func (k *planned) plant(ordinal int, after bool) plant {
	p := plant{kind: k.id, ordinal: ordinal, corrected: len(k.fix) > 0 && ordinal%2 == 0}
	p.on = !after || !p.corrected
	return p
}

// block returns where the plant stands.
func (w *World) block(k *planned, ordinal int) int {
	return w.places[k.unit].forward(k.first + ordinal)
}

// dayOf returns the calendar day of t in the city.
func dayOf(t time.Time) int64 { return (t.UnixMilli() + 8*3_600_000) / millisPerDay }

// midnight returns the instant at which a day begins in the city, in milliseconds.
func midnight(day int64) int64 { return day*millisPerDay - 8*3_600_000 }

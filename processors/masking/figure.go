package masking

import (
	"slices"
	"unicode/utf8"
)

// figure is one digit, or X, of a run of them in a text.
type figure struct {
	digit    byte
	before   byte // what parts it from the one before: 0 nothing, scripted, crossed or a joint
	script   uint8
	from, to int // in the text
}

// shortest is how many digits the shortest number has that is looked for.
const shortest = 11

// long reports whether a text holds a run of digits, however spelled, in which a
// number could be. It is asked of every text that a view shows.
func long(s string) bool {
	if len(s) < shortest {
		return false
	}
	n := 0
	for i := 0; i < len(s); {
		var c class
		switch b := s[i]; {
		case b < utf8.RuneSelf:
			c = plainClass[b]
			i++
		case b >= 0xe4 && b <= 0xe9 && i+2 < len(s) && s[i+1]&0xc0 == 0x80 && s[i+2]&0xc0 == 0x80: // most are Chinese characters
			r := uint32(b&0xf)<<12 | uint32(s[i+1]&0x3f)<<6 | uint32(s[i+2]&0x3f)
			if at := r - firstHan; at < uint32(len(hanNumerals))*64 && hanNumerals[at/64]&(1<<(at%64)) != 0 {
				c = numeral
			}
			i += 3
		case b == 0xe3 && i+2 < len(s) && s[i+1] < 0x90 && s[i+1]&0xc0 == 0x80 && s[i+2]&0xc0 == 0x80, b == 0xef && i+2 < len(s) && s[i+1] >= 0xbc && s[i+1] <= 0xbf && s[i+2]&0xc0 == 0x80: // their punctuation
			r := rune(b&0xf)<<12 | rune(s[i+1]&0x3f)<<6 | rune(s[i+2]&0x3f)
			c, _ = classify(r)
			i += 3
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			c, _ = classify(r)
			i += size
		}
		switch c {
		case numeral:
			if n++; n >= shortest {
				return true
			}
		case other:
			n = 0
		default: // what may stand between figures
		}
	}
	return false
}

// What classify says, where it is asked most.
var (
	plainClass = func() (t [utf8.RuneSelf]class) {
		for r := range t {
			t[r] = marks[r].class
		}
		return t
	}()
	hanNumerals = func() (t [(lastHan - firstHan) / 64]uint64) {
		for at := range len(t) * 64 {
			if han(firstHan+rune(at)) != 0 {
				t[at/64] |= 1 << (at % 64)
			}
		}
		return t
	}()
)

// run returns the figures of the first run of at least shortest figures at or after
// from, and where the search goes on; nil if there is no more.
func run(s string, from int, figures []figure) ([]figure, int) {
	figures = figures[:0]
	var between byte
	for i := from; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		c, d := classify(r)
		if r == '*' && i+1 < len(s) && s[i+1] == '*' {
			c = other // what is hidden already
		}
		switch c {
		case numeral, cross:
			f := figure{digit: d, before: between, script: script(r), from: i, to: i + size}
			if n := len(figures); n > 0 && between == 0 {
				switch last := figures[n-1]; {
				case d == 'X' || last.digit == 'X':
					f.before = crossed
				case last.script != f.script:
					f.before = scripted
				}
			}
			figures, between = append(figures, f), 0
		case joint:
			between = stronger(between, d)
		case unseen:
		case other:
			if len(figures) >= shortest {
				return figures, i
			}
			figures, between = figures[:0], 0
		}
		i += size
	}
	if len(figures) < shortest {
		return nil, len(s)
	}
	return figures, len(s)
}

// stronger is what a sequence of joints counts as: a hyphen with spaces is a hyphen,
// and so is a comma.
func stronger(a, b byte) byte {
	switch {
	case a == b || soft(a) && !soft(b):
		return a
	case soft(b) && !soft(a):
		return b
	case soft(a):
		return anyJoint
	}
	for _, j := range [...]byte{'-', '.', ' '} {
		if a == j || b == j {
			return j
		}
	}
	return 0
}

// script tells apart the kinds of digits that people do not mix within a number
// without meaning to: 三13900000000 is a three and a telephone.
func script(r rune) uint8 {
	switch {
	case r < utf8.RuneSelf || r >= '０' && r <= '９':
		return 0
	case r == '〇' || r == '○' || r >= 0x4e00 && r <= 0x9fff:
		return 1
	}
	return 2
}

// group is a stretch of figures that nothing parts.
type group struct {
	from, to int // figures
	before   byte
}

func groups(figures []figure) []group {
	var out []group
	for i, f := range figures {
		if i == 0 || f.before != 0 {
			out = append(out, group{from: i, before: f.before})
		}
		out[len(out)-1].to = i + 1
	}
	return out
}

// read returns the figures as ASCII.
func read(figures []figure) string {
	b := make([]byte, len(figures))
	for i, f := range figures {
		b[i] = f.digit
	}
	return string(b)
}

// dates finds the days of the calendar that stand on their own in a run, 2026-01-02,
// 2026.1.2 and 20260102, as ranges of figures. Where one of two numbers ends is not in
// the middle of a day.
func dates(run string, all []group) [][2]int {
	var out [][2]int
	for i := 0; i < len(all); i++ {
		g := all[i]
		switch year := run[g.from:g.to]; {
		case len(year) == 8 && century(year) && validDay(year[4:6], year[6:]):
			out = append(out, [2]int{g.from, g.to})
		case len(year) == 4 && century(year) && i+2 < len(all) && all[i+1].before == all[i+2].before && (all[i+1].before == '-' || all[i+1].before == '.' || all[i+1].before == '/'):
			if month, day := all[i+1], all[i+2]; validDay(run[month.from:month.to], run[day.from:day.to]) {
				out = append(out, [2]int{g.from, day.to})
				i += 2
			}
		}
	}
	return out
}

func century(s string) bool { return s[:2] == "19" || s[:2] == "20" }

func validDay(month, day string) bool {
	n := func(s string) int {
		if len(s) == 1 && digits(s) {
			return int(s[0] - '0')
		}
		if len(s) == 2 && digits(s) {
			return int(s[0]-'0')*10 + int(s[1]-'0')
		}
		return 0
	}
	return n(month) >= 1 && n(month) <= 12 && n(day) >= 1 && n(day) <= 31
}

// halves reports whether a range begins or ends in the middle of a day.
func halves(days [][2]int, from, to int) bool {
	return slices.ContainsFunc(days, func(d [2]int) bool { return from > d[0] && from < d[1] || to > d[0] && to < d[1] })
}

// onlyDays reports whether a range is nothing but days.
func onlyDays(days [][2]int, from, to int) bool {
	for _, d := range days {
		if d[0] == from && d[1] <= to {
			from = d[1]
		}
	}
	return from == to
}

// touches reports whether a day stands in a range, or part of one.
func touches(days [][2]int, from, to int) bool {
	return slices.ContainsFunc(days, func(d [2]int) bool { return from < d[1] && to > d[0] })
}

package masking

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// In what groups people write the digits of a number; the last width stands for what
// is left. Where the groups are parted by what sentences and lists are made with, they
// must be one of these, or all of one width.
var (
	identityForms  = [][]int{{6, 8, 0}, {6, 4, 4, 0}, {6, 4, 2, 2, 0}, {6, 8, 3, 0}, {6, 0}, {14, 0}, {3, 3, 8, 0}, {3, 3, 4, 4, 0}, {2, 2, 2, 8, 0}, {2, 2, 2, 4, 2, 2, 0}}
	oldForms       = [][]int{{6, 6, 3}, {6, 9}, {12, 3}, {6, 2, 2, 2, 3}, {3, 3, 6, 3}, {3, 4, 8}}
	cardForms      = [][]int{{4, 4, 4, 0}, {6, 0}, {6, 4, 4, 0}, {6, 8, 0}, {3, 4, 0}}
	telephoneForms = [][]int{{3, 4, 4}, {3, 8}, {7, 4}, {4, 4, 3}, {3, 3, 5}, {3, 2, 2, 2, 2}, {3, 4, 2, 2}, {3, 3, 3, 2}}
)

// widths are how many figures the groups of a range have; what is only of another
// script or an X parts none.
func (r *reader) widths(from, to int) []int {
	out := []int{1}
	for _, f := range r.figures[from+1 : to] {
		if f.before == 0 || f.before == scripted || f.before == crossed {
			out[len(out)-1]++
			continue
		}
		out = append(out, 1)
	}
	return out
}

// formed reports whether groups are of one of the forms.
func formed(widths []int, forms [][]int) bool {
	return slices.ContainsFunc(forms, func(form []int) bool {
		if len(form) != len(widths) {
			return false
		}
		for i, n := range form {
			if n != 0 && widths[i] != n {
				return false
			}
		}
		return true
	})
}

// even reports whether groups are all of one width of one, two or four, but the first
// or the last, which may be shorter. By threes amounts are written, and lists of rooms.
func even(widths []int) bool {
	n := slices.Max(widths)
	if n > 4 || n == 3 || len(widths) < 3 {
		return false
	}
	short := 0
	for i, w := range widths {
		if w < n {
			if i > 0 && i < len(widths)-1 {
				return false
			}
			short++
		}
	}
	return short < 2
}

// softly reports whether something that sentences and lists are made with parts the
// figures of a range, and whether it is the same everywhere.
func (r *reader) softly(from, to int) (softly, alike bool) {
	var first byte
	alike = true
	for _, f := range r.figures[from+1 : to] {
		if f.before == 0 || f.before == scripted || f.before == crossed {
			continue
		}
		softly = softly || soft(f.before)
		alike = alike && (first == 0 || first == f.before)
		first = f.before
	}
	return softly, alike
}

// bracketed reports whether nothing but brackets, white space and hyphens part the
// figures of a range, (138)1234-5678.
func (r *reader) bracketed(from, to int) bool {
	return !slices.ContainsFunc(r.figures[from+1:to], func(f figure) bool { return f.before == '.' || soft(f.before) && f.before != '(' })
}

// together reports whether the groups from i up to j may be one number.
func (r *reader) together(i, j int, forms [][]int) bool {
	if j == i+1 {
		return true
	}
	if j == i+2 && r.groups[i+1].before == '.' && strings.ContainsRune(r.text[r.figures[r.groups[i].to-1].to:r.figures[r.groups[i+1].from].from], '.') {
		return false // a decimal fraction
	}
	if r.list(i, j) {
		return false
	}
	from, to := r.groups[i].from, r.groups[j-1].to
	parted, broad := r.groups[i+1].before, true
	same := (i == 0 || r.groups[i].before != parted) && (j == len(r.groups) || r.groups[j].before != parted)
	glued := i > 0 && r.groups[i].before == scripted || j < len(r.groups) && r.groups[j].before == scripted
	for k, g := range r.groups[i:j] {
		if k > 0 && g.before == scripted && glued {
			return false // more digits of mixed scripts follow, or stand before
		}
		broad = broad && g.to-g.from >= 3
		same = same && (k == 0 || g.before == parted)
	}
	if softly, alike := r.softly(from, to); softly {
		if r.partOfCode(from, to) {
			return false
		}
		w := r.widths(from, to)
		for _, code := range [...]string{"86", "0086", "0"} { // of the country, before a telephone
			if len(w) > 1 && len(code) == w[0] && r.digits[from:from+w[0]] == code && to-from == 11+w[0] {
				if code == "0" && soft(r.figures[from+1].before) {
					return false
				}
				w = w[1:]
				break
			}
		}
		if len(w) == 2 && listing(r.figures[to-w[1]].before) {
			return false // two numbers beside one another
		}
		return (len(w) == 1 || formed(w, forms)) && (alike || r.bracketed(from, to)) || same && even(w)
	}
	return broad || same
}

// listing reports whether a joint is one that stands between two numbers before it
// stands within one.
func listing(j byte) bool { return j == ',' || j == ';' || j == pauseJoint || j == anyJoint }

// partOfCode reports whether a range begins or ends within a code of letters and digits,
// as one of credit: 91539900MA…
func (r *reader) partOfCode(from, to int) bool {
	if r.figures[from].before == crossed {
		return true
	}
	after, _ := utf8.DecodeRuneInString(r.text[r.figures[to-1].to:])
	if latin(after) {
		return true
	}
	before := r.text[:r.figures[from].from]
	code := strings.TrimRightFunc(before, latin)
	if len(code) == len(before) {
		return false
	}
	c, _ := utf8.DecodeLastRuneInString(code)
	is, _ := classify(c)
	return is == numeral
}

func latin(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }

// listed reports whether a range is such a list, whole.
func (r *reader) listed(from, to int) bool {
	i := slices.IndexFunc(r.groups, func(g group) bool { return g.from == from })
	j := slices.IndexFunc(r.groups, func(g group) bool { return g.to == to })
	return i >= 0 && j > i && r.list(i, j+1)
}

// list reports whether the groups from i up to j are numbers one beside the other and
// not one number: such as go up, as those of houses, rooms or weeks do (five or more of
// up to three digits, or three or more by small steps), and round ones with something
// between that lists and measures are made with, as in 1350*2200*180.
func (r *reader) list(i, j int) bool {
	if j-i < 3 {
		return false
	}
	last, near, low, rising, round := -1, true, true, true, true
	for k, g := range r.groups[i:j] {
		s := r.digits[g.from:g.to]
		if len(s) > 4 || !digits(s) || s[0] == '0' || k > 0 && g.before == scripted {
			return false
		}
		n, _ := strconv.Atoi(s) // up to four digits
		near, low, rising = near && (k == 0 || n-last <= 50), low && n < 1000, rising && n > last
		round, last = round && len(s) > 1 && n%10 == 0 && (k == 0 || soft(g.before)), n
	}
	return rising && (near || low && j-i >= 5) || round
}

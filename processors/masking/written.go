package masking

import (
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// Somebody writes a citizen's number into a remark, a telephone into an address, a
// card into a reason. Where the element's mask decides what is shown and the element
// has none, such numbers are shown in their partial form, and the text around them as
// it is: in every view but those that are clear by the catalogue's word, and in every
// Place.
//
//	identity number  18 or 15 figures with a day of birth in their place, or 17 of the 18
//	telephone        1[3-9] and nine digits, also behind what is dialled before it
//	bank card        16 to 19 digits of an issuer of cards, with their check digit (Luhn)
//
// They are found in any digits (character.go), with anything in between but letters and
// units, in the groups that people write them in (grouping.go), and some within longer
// digits (buried.go). What else a text holds stays: numbers of houses, days, areas,
// money (amount.go), coordinates, lists, credit codes and numbers of documents. In the
// number of a document only an identity number is looked for, since of its other digits
// nobody knows what they are. Where it is not clear a number is hidden.

// screen returns the mask that hides the numbers of persons in texts of an element.
func screen(e *schemas.Element) mask {
	all := schemas.ScreeningOf(e.Kind) == schemas.ScreensNumbers
	return func(v schemas.Value, _ time.Time) (schemas.Value, bool) {
		if v.Kind() != schemas.KindString {
			return v, v.IsNull()
		}
		s := v.Str()
		if !long(s) {
			return v, true
		}
		if hidden := written(s, all); hidden != s {
			return schemas.Text(hidden), true
		}
		return v, true
	}
}

// written hides the numbers of persons that stand in a text; without all only those
// of identity. It is repeated until nothing changes, since what is still shown of
// one number must not complete another.
func written(s string, all bool) string {
	for {
		next := writtenOnce(s, all)
		if next == s {
			return s
		}
		s = next
	}
}

func writtenOnce(s string, all bool) string {
	var out strings.Builder
	var room [64]figure
	done := 0
	for at := 0; at < len(s); {
		figures, next := run(s, at, room[:0])
		if figures == nil {
			break
		}
		for _, n := range (&reader{text: s, figures: figures, digits: read(figures), whole: whole(s, figures)}).numbers(all) {
			from, to := figures[n.from].from, figures[n.to-1].to
			if from < done {
				continue // swallowed by what stood before
			}
			out.WriteString(s[done:from])
			out.WriteString(n.shown)
			done = to
			if n.identity {
				more := tail(s[done:])
				out.WriteString(strings.Repeat("*", more))
				done += more
			}
		}
		at = max(next, done)
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

// whole reports whether the figures are all of the text.
func whole(s string, figures []figure) bool {
	return figures[0].from == 0 && figures[len(figures)-1].to == len(s)
}

// tail is how much stands glued behind an identity number that a longer number is made
// of, as B1 behind that of a disability card: a letter or two, or a letter and a digit.
func tail(s string) int {
	n := 0
	for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] >= 'A' && s[n] <= 'Z' || s[n] >= 'a' && s[n] <= 'z') {
		n++
	}
	if n > 2 {
		return 0
	}
	return n
}

func (r *reader) numbers(all bool) []number {
	r.groups = r.apart(groups(r.figures))
	r.days = dates(r.digits, r.groups)
	r.identities()
	for _, softly := range [...]bool{false, true} {
		r.sequences(17, 17, softly, identityForms, r.shortIdentity(all))
		if all {
			r.sequences(16, 19, softly, cardForms, r.card)
		}
		r.sequences(15, 15, softly, oldForms, r.shortIdentity(all))
		if all {
			r.sequences(11, 15, softly, telephoneForms, r.telephone)
		}
		if !r.soft {
			break
		}
	}
	if all {
		r.buried()
	}
	slices.SortFunc(r.found, func(a, b number) int { return a.from - b.from })
	return r.found
}

// identities finds identity numbers: anywhere in a stretch of digits; over several
// stretches where it begins and ends with them, or with one of them and the check
// digit holds.
func (r *reader) identities() {
	const n = 18
	for from := 0; from+n <= len(r.figures); from++ {
		to := from + n
		s := r.digits[from:to]
		if !identityAt(s) || !r.free(from, to) {
			continue
		}
		_, err := identifier.ParseCitizen(s)
		left, right := r.begins(from), to == len(r.figures) || r.figures[to].before != 0
		softly, alike := r.softly(from, to)
		switch {
		case softly && (!left || !right || halves(r.days, from, to) || !province(s) || !alike && err != nil || (!alike || err != nil) && !formed(r.widths(from, to), identityForms)):
			continue
		case r.glued(from, to):
			if _, notUSCC := identifier.ParseUSCC(s); notUSCC == nil && err != nil && left && right {
				continue // an enterprise's code of nothing but digits
			}
		case halves(r.days, from, to), r.listed(from, to), !left && !right, (!left || !right) && err != nil:
			continue
		}
		first, last := from, to
		for first > 0 && r.figures[first].before == 0 && r.free(first-1, first) {
			first--
		}
		for last < len(r.figures) && (r.figures[last].before == 0 || r.figures[last].before == 'x') {
			last++
		}
		r.add(number{first, last, strings.Repeat("*", from-first) + idNumber(s) + strings.Repeat("*", last-to), true})
		from = last - 1
	}
}

func (r *reader) begins(at int) bool { return r.figures[at].before != 0 || at == 0 }

// glued reports whether nothing parts the figures of a range, but that the last may be X.
func (r *reader) glued(from, to int) bool {
	for i := from + 1; i < to; i++ {
		if b := r.figures[i].before; b != 0 && (b != 'x' || i != to-1) {
			return false
		}
	}
	return true
}

// sequences offers to take each range of whole stretches of so many digits that people
// may have written as one number, from left to right: one stretch; several of three
// digits and more; or all that are parted in one and the same way. What is parted
// softly is offered when all else was.
func (r *reader) sequences(least, most int, softly bool, forms [][]int, take func(from, to int, s string) string) {
	for i := 0; i < len(r.groups); i++ {
		for j := i + 1; j <= len(r.groups); j++ {
			from, to := r.groups[i].from, r.groups[j-1].to
			if to-from > most {
				break
			}
			if to-from < least || !r.free(from, to) {
				continue
			}
			s := r.digits[from:to]
			if !digits(s) {
				continue
			}
			shown := take(from, to, s)
			if shown == "" {
				continue
			}
			if is, _ := r.softly(from, to); is != softly {
				r.soft = r.soft || is
				continue
			}
			if r.together(i, j, forms) && !onlyDays(r.days, from, to) {
				r.add(number{from: from, to: to, shown: shown})
				i = j - 1
				break
			}
		}
	}
}

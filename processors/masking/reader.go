package masking

import "slices"

// number is a number of a person in a run, and what is shown in its place.
type number struct {
	from, to int // figures
	shown    string
	identity bool
}

// reader looks for numbers in one run of figures.
type reader struct {
	text    string
	figures []figure
	digits  string // of the figures, in ASCII
	whole   bool   // the run is the whole text
	soft    bool   // something that sentences are made with parts what may be a number
	groups  []group
	days    [][2]int
	found   []number
	taken   []bool // figures of what was found; nil: none
}

// add notes a number that was found.
func (r *reader) add(n number) {
	if r.taken == nil {
		r.taken = make([]bool, len(r.figures))
	}
	for i := n.from; i < n.to; i++ {
		r.taken[i] = true
	}
	r.found = append(r.found, n)
}

// free reports whether no figure of a range is part of what was found.
func (r *reader) free(from, to int) bool {
	return r.taken == nil || !slices.Contains(r.taken[from:to], true)
}

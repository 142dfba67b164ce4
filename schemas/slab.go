package schemas

// Slab gives out values for records that live only until its next Reset, so
// that a step which builds and drops records by the million makes no garbage.
// A nil Slab gives out memory of its own each time. Not for concurrent use.
type Slab struct {
	values  []Value
	records []Record
}

// Reset takes back all that was given out. No record built from it may be used
// any more, but the strings that it held may.
func (s *Slab) Reset() {
	clear(s.values)
	clear(s.records)
	s.values, s.records = s.values[:0], s.records[:0]
}

// Values gives out n null values.
func (s *Slab) Values(n int) []Value {
	if s == nil {
		return make([]Value, n)
	}
	var out []Value
	s.values, out = give(s.values, n)
	return out
}

// Records gives out n zero records.
func (s *Slab) Records(n int) []Record {
	if s == nil {
		return make([]Record, n)
	}
	var out []Record
	s.records, out = give(s.records, n)
	return out
}

// give cuts n items off the free end of a slab. One that is too small is left to
// those who hold parts of it, and the next one is larger.
func give[T any](slab []T, n int) (rest, out []T) {
	at := len(slab)
	if n > cap(slab)-at {
		slab, at = make([]T, 0, max(256, n, 2*cap(slab))), 0
	}
	slab = slab[:at+n]
	return slab, slab[at : at+n : at+n]
}

package processors

// Arena hands out memory for records, which must live until the transaction
// ends, in pieces of large blocks. It is of one worker.
type Arena struct{ free []byte }

// Copy returns a copy of b.
func (a *Arena) Copy(b []byte) []byte {
	if len(b) > cap(a.free)-len(a.free) {
		a.free = make([]byte, 0, max(64<<10, len(b)))
	}
	n := len(a.free)
	a.free = append(a.free, b...)
	return a.free[n:len(a.free):len(a.free)]
}

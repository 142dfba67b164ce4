package resolve

import "github.com/yiyuan-bus/yiyuan/schemas"

// scratch is memory that the parts of a stage use for the entity in hand.
type scratch struct {
	buffer []byte
	slab   schemas.Slab // of decoded rows and records to write
	arena  arena
}

// arena hands out memory for records, which must live until the transaction
// ends, in pieces of large blocks.
type arena struct{ free []byte }

// copy returns a copy of b.
func (a *arena) copy(b []byte) []byte {
	if len(b) > cap(a.free)-len(a.free) {
		a.free = make([]byte, 0, max(64<<10, len(b)))
	}
	n := len(a.free)
	a.free = append(a.free, b...)
	return a.free[n:len(a.free):len(a.free)]
}

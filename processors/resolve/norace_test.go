//go:build !race

package resolve_test

// raced says whether the race detector is on.
const raced = false

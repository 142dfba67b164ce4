//go:build !race

package simulation

// runs is how many seeds TestSimulation runs by itself: what fits into a few
// minutes on two cores.
const runs = 300

// raced says whether the race detector is on.
const raced = false

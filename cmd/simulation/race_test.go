//go:build race

package simulation

// runs is how many seeds TestSimulation runs by itself: what fits into a few
// minutes on two cores, where the race detector makes each run five times as slow.
const runs = 120

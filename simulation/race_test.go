//go:build race

package simulation

// runs is how many seeds TestSimulation runs by itself, where the race detector
// makes each run ten times as slow: enough for races to show, beside TestEveryFaultHappens, which goes every way that there is.
const runs = 12

// raced says whether the race detector is on.
const raced = true

//go:build !race

package simulation

// runs is how many seeds TestSimulation runs by itself.
const runs = 500

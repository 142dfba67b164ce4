package simulation

import (
	"os"
	"testing"
	"time"
)

func TestSkeleton(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		began := time.Now()
		out := run(t, seed, mutant{})
		t.Logf("seed %d: %v, settled %v, %d bytes, %v", seed, time.Since(began), out.settled, len(out.lines), out.fired)
		os.WriteFile("/tmp/w/sim.jsonl", out.lines, 0o600)
	}
}

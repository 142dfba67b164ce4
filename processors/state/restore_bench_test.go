package state_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// BenchmarkRestore writes dossiers of a head and four claims of 400 bytes, in an
// order of no order, as a restore does: partitions side by side.
func BenchmarkRestore(b *testing.B) {
	const partitions, claims = 4, 4
	value := bytes.Repeat([]byte("0123456789abcdef"), 25)
	s, err := state.Open(state.Options{Dir: b.TempDir()})
	must(b, err)
	defer s.Close()
	b.ReportAllocs()
	b.ResetTimer()
	var wait sync.WaitGroup
	for n := range int32(partitions) {
		wait.Go(func() {
			p := s.Partition("step", n)
			order := rand.New(rand.NewPCG(uint64(n), 1)).Perm(b.N / partitions)
			key := make([]byte, 0, 64)
			load, done := p.Loader(), 0
			for _, i := range order {
				for c := range 1 + claims {
					key = fmt.Appendf(key[:0], "kc%018d", i)
					v := value
					if c == 0 {
						v = value[:120]
					} else {
						key = fmt.Appendf(key, "GA%02d\x00self\x00row-%d", c, i)
					}
					load.Set(key, v)
				}
				done++
				load.Reach(int64(done), time.Unix(0, 0))
				if load.Full() {
					must(b, load.Commit())
				}
			}
			must(b, load.Commit())
			load.Close()
		})
	}
	wait.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "dossiers/s")
}

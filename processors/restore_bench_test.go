package processors_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/state"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// BenchmarkRestore starts a step without local state whose changelog holds b.N
// dossiers of so many claims of 100 bytes and a head of 120: from the start of
// the process until the last partition's state is current. On the cluster named
// by YIYUAN_TEST_KAFKA, if there is one.
func BenchmarkRestore(b *testing.B) {
	where, kafka := somewhere(b, "restore")
	for _, claims := range []int{0, 4} {
		b.Run(fmt.Sprintf("claims=%d/%s", claims, where), func(b *testing.B) {
			k := kafka
			k.Prefix += fmt.Sprintf("%d-%d.", claims, b.N)
			restore(b, k, claims)
		})
	}
}

func restore(b *testing.B, k bustest.Kafka, claims int) {
	b.Helper()
	o := k.Open(b, nil)
	step := stepOf(func() (processors.Stage, error) { return copying{}, nil })
	if err := o.Ensure(b.Context(), append(processors.Specs(step), contract.Spec{Topic: "in"}, contract.Spec{Topic: "out"})...); err != nil {
		b.Fatal(err)
	}
	value := bytes.Repeat([]byte("0123456789abcdef"), 8)
	var records []bus.Record
	flush := func() {
		if err := o.Append(b.Context(), records...); err != nil {
			b.Fatal(err)
		}
		records = records[:0]
	}
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(b.N) {
		person := fmt.Sprintf("%018d", i)
		home := bus.PartitionOf([]byte(person), partitions)
		records = append(records, bus.Record{Topic: contract.State("count"), Partition: home, Key: []byte("kh\x12" + person), Value: value[:120]})
		for c := range claims {
			records = append(records, bus.Record{
				Topic: contract.State("count"), Partition: home, Key: fmt.Appendf(nil, "kc\x12%sGA%02d\x00self\x00%s", person, c, person), Value: value[:100],
			})
		}
		if len(records) > 20_000 {
			flush()
		}
	}
	flush()
	s, err := state.Open(state.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	ends, err := o.EndOffsets(b.Context(), contract.State("count"))
	if err != nil {
		b.Fatal(err)
	}
	timeStep(b, o, step, s, func() bool {
		short := false
		for p, end := range ends[contract.State("count")] {
			at, _, _, err := s.Partition("count", p).Position()
			if err != nil {
				b.Fatal(err)
			}
			short = short || at < end
		}
		return short
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "dossiers/s")
	b.ReportMetric(float64(b.N*(1+claims))/b.Elapsed().Seconds(), "records/s")
}

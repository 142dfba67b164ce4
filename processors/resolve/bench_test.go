package resolve_test

import (
	"fmt"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// claimsOf returns the claims that route makes of story lines.
func claimsOf(b *testing.B, c *stagetest.City, lines ...string) []bus.Record {
	b.Helper()
	var batch []bus.Record
	for _, line := range lines {
		r, err := c.Change(line)
		if err != nil {
			b.Fatal(err)
		}
		batch = append(batch, r)
	}
	out, err := c.Route.Process(batch...)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

func only(records []bus.Record, topic contract.Topic) []bus.Record {
	var out []bus.Record
	for _, r := range records {
		if r.Topic == topic {
			out = append(out, r)
		}
	}
	return out
}

// BenchmarkResolve measures one claim through resolve.person, state in memory:
// a person of whom eight departments know, one batch of 100 persons a time.
func BenchmarkResolve(b *testing.B) {
	benchmarks := []struct {
		name   string
		change func(person string, n int) string
	}{
		{"golden", func(p string, n int) string { return fmt.Sprintf("GA01 GMSFHM=%s XM=张三%d", p, n) }},
		{"rules", func(p string, n int) string { return fmt.Sprintf("YB01 GMSFHM=%s ZGYBZTDM=%d", p, n) }},
		{"embed", func(p string, n int) string {
			return fmt.Sprintf("GA03 HPHM=云Z%s HPZLDM=02 SYRGMSFHM=%s CLXH=型号%d", p[12:17], p, n)
		}},
		{"nothing", func(p string, n int) string {
			return fmt.Sprintf("ZJ02 GMSFHM=%s TYSHXYDM=91539900MADE00011B JCJS=%d000", p, n+1)
		}},
	}
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			c := newCity(b)
			var rounds [2][]bus.Record
			for i := range 100 {
				p := fmt.Sprintf("53990219850312%03dX", i)
				known := claimsOf(b, c, "GA01 GMSFHM="+p+" XM=张三 CSRQ=1985-03-12 ZXBZ=1", "GA02 GMSFHM="+p+" DJH=J1", "YB01 GMSFHM="+p+" XM=张三",
					"RS01 GMSFHM="+p+" TYSHXYDM=91539900MADE00011B XM=张三", "RS02 GMSFHM="+p, "ZJ02 GMSFHM="+p+" TYSHXYDM=91539900MADE00011B",
					"GA03 HPHM=云Z"+p[12:17]+" HPZLDM=02 SYRGMSFHM="+p, "JY01 XJH=X"+p+" GMSFHM="+p+" XM=张三")
				if _, err := c.Resolve["person"].Process(only(known, "claims.person")...); err != nil {
					b.Fatal(err)
				}
			}
			for i := range 100 {
				p := fmt.Sprintf("53990219850312%03dX", i)
				for n := range rounds {
					rounds[n] = append(rounds[n], only(claimsOf(b, c, bm.change(p, n)), "claims.person")...)
				}
			}
			d := c.Resolve["person"]
			b.ReportAllocs()
			emitted, n := 0, 0
			for b.Loop() {
				n++
				// Sequences only count within a source: another source each round.
				batch := resourced(b, c, rounds[n%2], n)
				out, err := d.Process(batch...)
				if err != nil {
					b.Fatal(err)
				}
				emitted += len(out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*100), "ns/claim")
			b.ReportMetric(float64(emitted)/float64(n*100), "records/claim")
		})
	}
}

// BenchmarkAggregate measures one employee's change of an enterprise that has
// 10,000: the rows are not loaded.
func BenchmarkAggregate(b *testing.B) {
	c := newCity(b)
	for from := 0; from < 10_000; from += 1000 {
		var lines []string
		for i := range 1000 {
			lines = append(lines, fmt.Sprintf("RS01 GMSFHM=53990219850312%04d TYSHXYDM=91539900MADE00011B XM=张三 CBZTDM=1", from+i))
		}
		if _, err := c.Resolve["enterprise"].Process(only(claimsOf(b, c, lines...), "claims.enterprise")...); err != nil {
			b.Fatal(err)
		}
	}
	var rounds [2][]bus.Record
	for n := range rounds {
		rounds[n] = only(claimsOf(b, c, fmt.Sprintf("RS01 GMSFHM=539902198503120077 TYSHXYDM=91539900MADE00011B CBZTDM=%d", n+1)), "claims.enterprise")
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		if _, err := c.Resolve["enterprise"].Process(resourced(b, c, rounds[n%2], n)...); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStart measures making a stage: compiling authority, rules and views.
func BenchmarkStart(b *testing.B) {
	cat := newCity(b).Catalogue
	keys := newKeys(b)
	for b.Loop() {
		t := resolve.New(cat, codec.New(codec.NewMemory()), keys, "person")
		if _, err := t.Stage(); err != nil {
			b.Fatal(err)
		}
	}
}

// resourced returns the claims as if they came from the n-th source.
func resourced(b *testing.B, c *stagetest.City, claims []bus.Record, n int) []bus.Record {
	b.StopTimer()
	defer b.StartTimer()
	w, err := c.Codec.Writer(b.Context(), "claims.person-value", contract.ClaimLayout)
	if err != nil {
		b.Fatal(err)
	}
	out := make([]bus.Record, len(claims))
	for i, r := range claims {
		rec, err := c.Decode(r.Value)
		if err != nil {
			b.Fatal(err)
		}
		one, err := claim.Parse(rec)
		if err != nil {
			b.Fatal(err)
		}
		one.Source = fmt.Sprint("s", n)
		if r.Value, err = w.Append(nil, one.Record()); err != nil {
			b.Fatal(err)
		}
		out[i] = r
	}
	return out
}

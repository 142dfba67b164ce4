package route_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

var start = time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)

func newCity(t testing.TB) *stagetest.City {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.New("intl", map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := stagetest.NewCity(cat, start, func(c *codec.Codec) processors.Step { return route.New(cat, c, keys) }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestStories runs testdata/*.txt. Commands:
//
//	city                begin anew
//	change              one change a line, one batch; prints what was emitted
//	raw [header=…]      a record as it stands: topic, key and value (hex:… or text) a line
//	advance by=…        move the clock, fire timers
//	state               how many keys are remembered
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		c := newCity(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "city":
				c = newCity(t)
				return ""
			case "state":
				return fmt.Sprintln(c.Route.Keys())
			case "advance":
				by, err := time.ParseDuration(d.CmdArgs[0].Vals[0])
				if err != nil {
					d.Fatalf(t, "%v", err)
				}
				if err := c.Advance(c.Now().Add(by)); err != nil {
					d.Fatalf(t, "%v", err)
				}
			case "change", "raw":
				var batch []bus.Record
				for line := range strings.SplitSeq(d.Input, "\n") {
					r, err := c.Change(line)
					if d.Cmd == "raw" {
						r, err = rawRecord(line), nil
					}
					if err != nil {
						d.Fatalf(t, "%s: %v", line, err)
					}
					batch = append(batch, r)
				}
				if err := c.Take(batch...); err != nil {
					d.Fatalf(t, "%v", err)
				}
			default:
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			return show(t, c)
		})
	})
}

// rawRecord reads "topic key op pos value".
func rawRecord(line string) bus.Record {
	f := strings.Fields(line)
	r := bus.Record{Topic: contract.Topic(f[0]), Key: []byte(strings.ReplaceAll(f[1], `\x01`, "\x01")), Time: start}
	if f[1] == "-" {
		r.Key = nil
	}
	if f[2] != "-" {
		r.Headers = append(r.Headers, bus.Header{Key: "op", Value: []byte(f[2])})
	}
	if f[3] != "-" {
		r.Headers = append(r.Headers, bus.Header{Key: "pos", Value: []byte(f[3])})
	}
	if len(f) > 4 {
		r.Value = []byte(strings.ReplaceAll(f[4], "_", "\x00"))
	}
	return r
}

// show prints claims with the row they carry, other records with their columns
// and version.
func show(t *testing.T, c *stagetest.City) string {
	var b strings.Builder
	for _, r := range c.Drain() {
		if !strings.HasPrefix(string(r.Topic), "claims.") {
			if v := r.Header("ver"); v != nil {
				fmt.Fprintf(&b, "v%s ", bytes.TrimLeft(v, "0"))
			}
			b.WriteString(c.Render([]bus.Record{r}, nil, "digest", "at", "row_key"))
			continue
		}
		rec, err := c.Decode(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		m, err := claim.Parse(rec)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s %s/%s %s", r.Topic, r.Key, m.Dataset, m.Role, m.Row)
		if m.Retract {
			b.WriteString(" retracted\n")
			continue
		}
		row, err := c.Decode([]byte(m.Value))
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(stagetest.Text(row) + "\n")
	}
	if b.Len() == 0 {
		return fmt.Sprintln("-")
	}
	return b.String()
}

// A failing registry stops the step; it never makes a row bad.
func TestRegistryDown(t *testing.T) {
	c := newCity(t)
	r, err := c.Change("SC02 TYSHXYDM=91539900MADE00011B LRH=L1 LRRQ=2026-02-01")
	if err != nil {
		t.Fatal(err)
	}
	down := &failing{Registry: c.Registry}
	keys, err := keyring.New("intl", map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	d, err := stagetest.NewDriver(route.New(c.Catalogue, codec.New(down), keys), start)
	if err != nil {
		t.Fatal(err)
	}
	down.down = true
	if _, err := d.Process(r); err == nil {
		t.Fatal("Process with a registry that is down succeeds")
	}
	down.down = false
	out, err := d.Process(r)
	if err != nil || len(out) == 0 || out[0].Topic == contract.Quarantine {
		t.Fatalf("Process after the registry is back: %d records, %v", len(out), err)
	}
}

func BenchmarkRoute(b *testing.B) {
	benchmarks := []struct {
		name string
		line func(i, n int) string
	}{
		{"changed", func(i, n int) string {
			return fmt.Sprintf("GA01 GMSFHM=53990219850312%03dX XM=张三%d CSRQ=1985-03-12", i, n)
		}},
		{"moved", func(i, n int) string {
			return fmt.Sprintf("GA03 HPHM=云Z%05d HPZLDM=02 SYRGMSFHM=53990219850312%03dX CLXH=型号", i, n)
		}},
		{"same", func(i, _ int) string {
			return fmt.Sprintf("GA01 GMSFHM=53990219850312%03dX XM=张三 CSRQ=1985-03-12", i)
		}},
	}
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			c := newCity(b)
			var rounds [2][]bus.Record
			for n := range rounds {
				for i := range 100 {
					r, err := c.Change(bm.line(i, n))
					if err != nil {
						b.Fatal(err)
					}
					rounds[n] = append(rounds[n], r)
				}
			}
			b.ReportAllocs()
			n, emitted := 0, 0
			for b.Loop() {
				batch := rounds[n%2]
				for i := range batch { // sequences only count within a source
					batch[i].Headers[1].Value = fmt.Appendf(nil, "s%d@%s", n, schemas.Sequence{Major: 1})
				}
				out, err := c.Route.Process(batch...)
				if err != nil {
					b.Fatal(err)
				}
				n++
				emitted += len(out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*100), "ns/change")
			b.ReportMetric(float64(emitted)/float64(n*100), "records/change")
		})
	}
}

type failing struct {
	codec.Registry
	down bool
}

func (f *failing) Schema(ctx context.Context, id int) (string, error) {
	if f.down {
		return "", errors.New("registry down")
	}
	return f.Registry.Schema(ctx, id)
}

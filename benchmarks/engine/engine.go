// Package engine is the job of that name: resolve alone, from claims to golden records, findings and one view, against Kafka Streams (streams),
// goka (goka, a module of its own) and a bare exactly-once copy, on the same claims (testdata). ../README.md says how it measures.
package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
)

// contest is the job: everybody over the same claims.
type contest struct{ *site.Bench }

// Run compares resolve.person with a bare exactly-once copy of as many records and bytes, on the embedded broker and on Kafka, and with
// Kafka Streams and goka on Kafka, and adds the rows. It is an error if anybody's results are wrong.
func Run(ctx context.Context, b *site.Bench) error { return contest{b}.run(ctx) }

// run compares resolve.person with a bare exactly-once copy of as many
// records and bytes, on the embedded broker and on Kafka.
func (b contest) run(ctx context.Context) error {
	rounds, c := b.Rounds, crowd{persons: b.Persons}
	if b.Quick {
		rounds, c = 1, crowd{persons: min(5000, b.Persons)}
	}
	lines := []string{"embedded"}
	if b.Kafka != "" {
		lines = append(lines, "Kafka 4.1")
	} else {
		b.Say("engine: no YIYUAN_TEST_KAFKA: the lines on real Kafka are left out")
	}
	runs := map[string][]*engineRun{}
	for round := range rounds {
		for _, line := range lines {
			r, err := b.on(ctx, line, c, round)
			if err != nil {
				return fmt.Errorf("on %s: %w", line, err)
			}
			runs[line] = append(runs[line], r)
		}
	}
	for _, line := range lines {
		b.Add(engineRow(line, c, runs[line]))
		if line == "embedded" {
			continue // the peers run on Kafka alone
		}
		for _, p := range b.peers() {
			b.Add(peerRow(p, line, c, runs[line]))
		}
	}
	if b.Kafka == "" {
		return nil
	}
	if err := b.recoveries(ctx, c); err != nil {
		return fmt.Errorf("recovery: %w", err)
	}
	return b.large(ctx, c, runs[lines[len(lines)-1]])
}

// large runs ours over many more persons than its caches hold, if it was asked
// to, and sets that beside the runs before.
func (b contest) large(ctx context.Context, small crowd, runs []*engineRun) (err error) {
	if b.Many == 0 {
		return nil
	}
	c := crowd{persons: b.Many}
	s, err := b.newEngineSite(ctx, "Kafka 4.1", b.Kafka, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	r := &engineRun{}
	if err := s.timeOurs(ctx, r, len(runs), ""); err != nil {
		return err
	}
	var rate []float64
	for _, one := range runs {
		rate = append(rate, one.ours.rate())
	}
	b.Add(table.Row{
		What: fmt.Sprintf("resolve, %s claims, %s persons", table.Count(c.events()), table.Count(c.persons)), Broker: s.Name,
		Figure: table.Count(r.ours.rate()) + " claims/s", Limit: fmt.Sprintf("ours with %s persons: %s claims/s", table.Count(small.persons), table.Count(table.Median(rate))),
		Ratio: fmt.Sprintf("%.2f", r.ours.rate()/table.Median(rate)), Goal: ">= 0.80",
		More: fmt.Sprintf("CPU %.1f us a claim, peak RSS %d MiB", r.ours.used.CPU.Seconds()*1e6/float64(r.ours.records), r.ours.used.Peak>>20),
	})
	return nil
}

func engineRow(line string, c crowd, runs []*engineRun) table.Row {
	var rate, limit, ratio, cpu []float64
	var peak, limitPeak int64
	for _, r := range runs {
		perClaim := float64(r.out.records) / float64(c.events())
		rate = append(rate, r.ours.rate())
		limit = append(limit, r.limit.rate()/perClaim)
		ratio = append(ratio, r.ours.rate()*perClaim/r.limit.rate())
		cpu = append(cpu, r.ours.used.CPU.Seconds()*1e6/float64(r.ours.records))
		peak, limitPeak = max(peak, r.ours.used.Peak), max(limitPeak, r.limit.used.Peak)
	}
	out := runs[0].out
	control := ""
	if len(runs) > 1 {
		control = fmt.Sprintf("; A/A control: round 2 at %.2f of round 1", rate[1]/rate[0])
	}
	return table.Row{
		What:   fmt.Sprintf("resolve, %s claims, %s persons", table.Count(c.events()), table.Count(c.persons)),
		Broker: line,
		Figure: fmt.Sprintf("%s claims/s (%s)", table.Count(table.Median(rate)), table.Spread(rate)),
		Limit:  fmt.Sprintf("exactly-once copy of the %s records it writes, %.0f MB: %s claims/s worth", table.Count(out.records), float64(out.bytes)/1e6, table.Count(table.Median(limit))),
		Ratio:  fmt.Sprintf("%.2f", table.Median(ratio)),
		Goal:   ">= 0.40 of the copy",
		More: fmt.Sprintf("%.1f records out a claim; CPU %.1f us a claim, peak RSS %d MiB; copy: peak RSS %d MiB%s; digest %s, %s findings open as planted",
			float64(out.records)/float64(c.events()), table.Median(cpu), peak>>20, limitPeak>>20, control, out.digest(), table.Count(len(out.open))),
	}
}

func (b contest) on(ctx context.Context, line string, c crowd, round int) (_ *engineRun, err error) {
	brokers, stop, err := b.Broker(ctx, line)
	if err != nil {
		return nil, err
	}
	defer stop()
	s, err := b.newEngineSite(ctx, line, brokers, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	r := &engineRun{peers: map[string]*peerRun{}}
	parts := []func() error{
		func() error { return s.timeOurs(ctx, r, round, "limit.from") },
		func() error { return s.timeLimit(ctx, r) },
	}
	for _, p := range b.peers() {
		if p.program != nil && line != "embedded" {
			parts = append(parts, func() error { return s.timePeer(ctx, p, r) })
		}
	}
	if round%2 == 1 { // in turns: the broker has not always just served the same
		parts = append(parts[2:], parts[:2]...)
	}
	for _, part := range parts {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

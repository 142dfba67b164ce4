package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// stepsRun is one run of route and resolve and of its limit.
type stepsRun struct {
	changes int64
	seconds float64
	used    process.Usage
	out     *site.Written
	limit   site.Copied
}

// steps measures route and resolve on the embedded broker and on real Kafka, in
// turns.
func (b bench) steps(ctx context.Context) error {
	rounds, p := b.Rounds, site.People{Size: "city", Blocks: 2 * site.WholeBlocks}
	if b.Quick {
		rounds, p = 1, site.People{Size: "tiny"}
	}
	lines := []string{"embedded"}
	if b.Kafka != "" {
		lines = append(lines, "Kafka 4.1")
	} else {
		b.Say("steps: no YIYUAN_TEST_KAFKA: the line on real Kafka is left out")
	}
	runs := map[string][]*stepsRun{}
	var digest string
	for round := range rounds {
		for _, line := range lines {
			r, err := b.stepsOn(ctx, line, p, round)
			if err != nil {
				return fmt.Errorf("on %s: %w", line, err)
			}
			// The same rows must come to the same claims and golden records
			// whatever the broker and the order.
			if digest == "" {
				digest = r.out.Digest
			} else if digest != r.out.Digest {
				return fmt.Errorf("on %s: golden records and claims have digest %s, before %s", line, r.out.Digest, digest)
			}
			runs[line] = append(runs[line], r)
		}
	}
	for _, line := range lines {
		b.Add(stepsRow(line, runs[line]))
	}
	return nil
}

func stepsRow(line string, runs []*stepsRun) table.Row {
	var rate, limit, ratio, cpu, megabytes []float64
	var peak, limitPeak int64
	for _, r := range runs {
		rate = append(rate, float64(r.changes)/r.seconds)
		megabytes = append(megabytes, float64(r.out.Bytes)/r.seconds/1e6)
		limit = append(limit, float64(r.changes)/r.limit.Seconds)
		ratio = append(ratio, r.limit.Seconds/r.seconds)
		cpu = append(cpu, r.used.CPU.Seconds())
		peak, limitPeak = max(peak, r.used.Peak), max(limitPeak, r.limit.Peak)
	}
	r := runs[0]
	return table.Row{
		What:   "route + resolve, " + table.Count(r.changes) + " changes",
		Broker: line,
		Figure: fmt.Sprintf("%s changes/s (%s), %.1f MB/s written", table.Count(table.Median(rate)), table.Spread(rate), table.Median(megabytes)),
		Limit: fmt.Sprintf("exactly-once copy of the same %s records, %.0f MB: %s changes/s worth (%s rec/s)",
			table.Count(r.out.Records), float64(r.out.Bytes)/1e6, table.Count(table.Median(limit)), table.Count(float64(r.out.Records)/r.limit.Seconds)),
		Ratio: fmt.Sprintf("%.2f", table.Median(ratio)),
		Goal:  ">= 0.40 of the copy",
		More: fmt.Sprintf("%.1f records out a change; CPU %.0f s (%.0f us a change), peak RSS %d MiB; copy: CPU %.0f s, %d MiB; digest %s, %s golden records, %s findings open as planted",
			float64(r.out.Records)/float64(r.changes), table.Median(cpu), table.Median(cpu)*1e6/float64(r.changes), peak>>20, r.limit.CPU, limitPeak>>20,
			r.out.Digest, table.Count(r.out.Golden["person"]+r.out.Golden["enterprise"]), table.Count(len(r.out.Open))),
	}
}

func (b bench) stepsOn(ctx context.Context, line string, p site.People, round int) (_ *stepsRun, err error) {
	brokers, stop, err := b.Broker(ctx, line)
	if err != nil {
		return nil, err
	}
	defer stop()
	s, err := b.deploy(ctx, line, brokers)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	began := time.Now()
	r := &stepsRun{}
	if r.changes, err = s.Produce(ctx, p); err != nil {
		return nil, err
	}
	b.Say("steps on %s: %s changes in raw topics after %s", line, table.Count(r.changes), site.Since(began))
	if err := s.timeSteps(ctx, r, p, round); err != nil {
		return nil, err
	}
	b.Say("steps on %s: resolved after %.1f s, CPU %.1f s", line, r.seconds, r.used.CPU.Seconds())
	return r, s.timeCopy(ctx, r)
}

// timeSteps runs the steps from the moment they start until nothing is left for
// them to take, then lets rules that wait a few seconds have their say and
// checks what was written.
func (s deployment) timeSteps(ctx context.Context, r *stepsRun, p site.People, round int) error {
	job, err := s.Run(ctx, "processors", "step running")
	if err != nil {
		return err
	}
	defer job.Stop() //nolint:errcheck // told of below where it matters
	start, err := job.Logged(ctx, "step running")
	if err != nil {
		return err
	}
	before := job.Usage()
	if s.Bench.Profile != "" {
		go func() {
			file := filepath.Join(s.Bench.Profile, fmt.Sprintf("%s-%d.pprof", strings.Fields(s.Name)[0], round))
			if err := site.Keep(ctx, "http://"+s.Admin+"/debug/pprof/profile?seconds=25", file); err != nil {
				s.Bench.Say("no profile: %v", err)
			}
		}()
	}
	if err := s.Settled(ctx, 5*time.Minute, job.Alive); err != nil {
		return err
	}
	r.seconds = time.Since(start).Seconds()
	r.used = job.Usage()
	r.used.CPU -= before.CPU
	if s.Bench.Profile != "" {
		if err := site.Keep(ctx, "http://"+s.Admin+"/metrics", filepath.Join(s.Bench.Profile, fmt.Sprintf("%s-%d.metrics", strings.Fields(s.Name)[0], round))); err != nil {
			return err
		}
	}
	planted, err := s.Planted(p)
	if err != nil {
		return err
	}
	known, err := s.occurring(ctx)
	if err != nil {
		return err
	}
	// Rules about what is absent wait some seconds before they believe it.
	var found *site.Written
	err = process.Await(ctx, 30*time.Second, time.Second, "all rules have spoken", func() (bool, error) {
		found, err = s.Sink(ctx, "", contract.Findings)
		return err == nil && found.Check(planted, known) == nil, err
	})
	if err != nil {
		if found != nil {
			err = errors.Join(err, found.Check(planted, known))
		}
		return err
	}
	for _, w := range job.Warnings() {
		s.Bench.Say("warned: %s", w)
	}
	return job.Stop()
}

// occurring tells which entities any claim is about.
func (s deployment) occurring(ctx context.Context) (func(entity, key string) bool, error) {
	seen := map[string]bool{}
	for _, e := range s.Catalogue.Entities {
		err := s.Bus.Replay(ctx, contract.Claims(e.ID), func(r bus.Record) error {
			seen[e.ID+" "+string(r.Key)] = true
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read claims of %q: %w", e.ID, err)
		}
	}
	return func(entity, key string) bool { return seen[entity+" "+key] }, nil
}

// timeCopy reads and checks what the steps wrote, and runs the limit over the
// very same records.
func (s deployment) timeCopy(ctx context.Context, r *stepsRun) error {
	const from, to = "limit.in", "limit.out"
	forever := contract.Spec{Retention: -1}
	in, out := forever, forever
	in.Topic, out.Topic = from, to
	if err := s.Bus.Ensure(ctx, in, out); err != nil {
		return err
	}
	var err error
	if r.out, err = s.Sink(ctx, from, s.Outputs()...); err != nil {
		return err
	}
	child, err := process.Self(ctx, "child-copy", "-brokers", s.Brokers, "-from", s.Prefix+from, "-to", s.Prefix+to, "-group", s.Prefix+"limit",
		"-records", strconv.FormatInt(r.out.Records, 10))
	if err != nil {
		return err
	}
	defer child.Stop() //nolint:errcheck // it holds nothing
	if err := child.Answer(ctx, 3*time.Minute, &r.limit); err != nil {
		return err
	}
	s.Bench.Say("steps on %s: limit %.1f s for the same %s records, %.0f MB; digest %s", s.Name, r.limit.Seconds, table.Count(r.out.Records), float64(r.out.Bytes)/1e6, r.out.Digest)
	return nil
}

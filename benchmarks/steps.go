package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// stepsRun is one run of route and resolve and of its limit.
type stepsRun struct {
	changes int64
	seconds float64
	used    usage
	out     *written
	limit   copied
}

// steps measures route and resolve on the embedded broker and on real Kafka, in
// turns.
func (b *bench) steps(ctx context.Context) error {
	rounds, p := b.rounds, people{size: "city", blocks: 2 * wholeBlocks}
	if b.quick {
		rounds, p = 1, people{size: "tiny"}
	}
	lines := []string{"embedded"}
	if b.kafka != "" {
		lines = append(lines, "Kafka 4.1")
	} else {
		b.say("steps: no YIYUAN_TEST_KAFKA: the line on real Kafka is left out")
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
				digest = r.out.digest
			} else if digest != r.out.digest {
				return fmt.Errorf("on %s: golden records and claims have digest %s, before %s", line, r.out.digest, digest)
			}
			runs[line] = append(runs[line], r)
		}
	}
	for _, line := range lines {
		b.table.add(b, stepsRow(line, runs[line]))
	}
	return nil
}

func stepsRow(line string, runs []*stepsRun) row {
	var rate, limit, ratio, cpu, megabytes []float64
	var peak, limitPeak int64
	for _, r := range runs {
		rate = append(rate, float64(r.changes)/r.seconds)
		megabytes = append(megabytes, float64(r.out.bytes)/r.seconds/1e6)
		limit = append(limit, float64(r.changes)/r.limit.Seconds)
		ratio = append(ratio, r.limit.Seconds/r.seconds)
		cpu = append(cpu, r.used.cpu.Seconds())
		peak, limitPeak = max(peak, r.used.peak), max(limitPeak, r.limit.Peak)
	}
	r := runs[0]
	return row{
		what:   "route + resolve, " + count(r.changes) + " changes",
		broker: line,
		figure: fmt.Sprintf("%s changes/s (%s), %.1f MB/s written", count(median(rate)), spread(rate), median(megabytes)),
		limit: fmt.Sprintf("exactly-once copy of the same %s records, %.0f MB: %s changes/s worth (%s rec/s)",
			count(r.out.records), float64(r.out.bytes)/1e6, count(median(limit)), count(float64(r.out.records)/r.limit.Seconds)),
		ratio: fmt.Sprintf("%.2f", median(ratio)),
		goal:  ">= 0.40 of the copy",
		more: fmt.Sprintf("%.1f records out a change; CPU %.0f s (%.0f us a change), peak RSS %d MiB; copy: CPU %.0f s, %d MiB; digest %s, %s golden records, %s findings open as planted",
			float64(r.out.records)/float64(r.changes), median(cpu), median(cpu)*1e6/float64(r.changes), peak>>20, r.limit.CPU, limitPeak>>20,
			r.out.digest, count(r.out.golden["person"]+r.out.golden["enterprise"]), count(len(r.out.open))),
	}
}

func (b *bench) stepsOn(ctx context.Context, line string, p people, round int) (_ *stepsRun, err error) {
	brokers, stop, err := b.brokers(ctx, line)
	if err != nil {
		return nil, err
	}
	defer stop()
	s, err := b.newSite(ctx, line, brokers)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	began := time.Now()
	r := &stepsRun{}
	if r.changes, err = s.produce(ctx, p); err != nil {
		return nil, err
	}
	b.say("steps on %s: %s changes in raw topics after %s", line, count(r.changes), since(began))
	if err := s.timeSteps(ctx, r, p, round); err != nil {
		return nil, err
	}
	b.say("steps on %s: resolved after %.1f s, CPU %.1f s", line, r.seconds, r.used.cpu.Seconds())
	return r, s.timeCopy(ctx, r)
}

// timeSteps runs the steps from the moment they start until nothing is left for
// them to take, then lets rules that wait a few seconds have their say and
// checks what was written.
func (s *site) timeSteps(ctx context.Context, r *stepsRun, p people, round int) error {
	job, err := s.run(ctx, "processors", "step running")
	if err != nil {
		return err
	}
	defer job.stop() //nolint:errcheck // told of below where it matters
	start, err := job.logged(ctx, "step running")
	if err != nil {
		return err
	}
	before := job.usage()
	if s.b.profile != "" {
		go func() {
			file := filepath.Join(s.b.profile, fmt.Sprintf("%s-%d.pprof", strings.Fields(s.name)[0], round))
			if err := keep(ctx, "http://"+s.admin+"/debug/pprof/profile?seconds=25", file); err != nil {
				s.b.say("no profile: %v", err)
			}
		}()
	}
	if err := s.settled(ctx, 5*time.Minute, job.alive); err != nil {
		return err
	}
	r.seconds = time.Since(start).Seconds()
	r.used = job.usage()
	r.used.cpu -= before.cpu
	if s.b.profile != "" {
		if err := keep(ctx, "http://"+s.admin+"/metrics", filepath.Join(s.b.profile, fmt.Sprintf("%s-%d.metrics", strings.Fields(s.name)[0], round))); err != nil {
			return err
		}
	}
	planted, err := s.planted(p)
	if err != nil {
		return err
	}
	known, err := s.occurring(ctx)
	if err != nil {
		return err
	}
	// Rules about what is absent wait some seconds before they believe it.
	var found *written
	err = await(ctx, 30*time.Second, time.Second, "all rules have spoken", func() (bool, error) {
		found, err = s.sink(ctx, "", contract.Findings)
		return err == nil && found.check(planted, known) == nil, err
	})
	if err != nil {
		if found != nil {
			err = errors.Join(err, found.check(planted, known))
		}
		return err
	}
	for _, w := range job.warnings() {
		s.b.say("warned: %s", w)
	}
	return job.stop()
}

// occurring tells which entities any claim is about.
func (s *site) occurring(ctx context.Context) (func(entity, key string) bool, error) {
	seen := map[string]bool{}
	for _, e := range s.cat.Entities {
		err := s.bus.Replay(ctx, contract.Claims(e.ID), func(r bus.Record) error {
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
func (s *site) timeCopy(ctx context.Context, r *stepsRun) error {
	const from, to = "limit.in", "limit.out"
	forever := contract.Spec{Retention: -1}
	in, out := forever, forever
	in.Topic, out.Topic = from, to
	if err := s.bus.Ensure(ctx, in, out); err != nil {
		return err
	}
	var err error
	if r.out, err = s.sink(ctx, from, s.outputs()...); err != nil {
		return err
	}
	child, err := self(ctx, "child-copy", "-brokers", s.brokers, "-from", s.prefix+from, "-to", s.prefix+to, "-group", s.prefix+"limit",
		"-records", strconv.FormatInt(r.out.records, 10))
	if err != nil {
		return err
	}
	defer child.stop() //nolint:errcheck // it holds nothing
	if err := child.answer(ctx, 3*time.Minute, &r.limit); err != nil {
		return err
	}
	s.b.say("steps on %s: limit %.1f s for the same %s records, %.0f MB; digest %s", s.name, r.limit.Seconds, count(r.out.records), float64(r.out.bytes)/1e6, r.out.digest)
	return nil
}

// keep writes what an operator's page says into a file.
func keep(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("keep %q: %w", file, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("keep %q: %w", file, err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("keep %q: %w", file, err)
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("keep %q: %w", file, err)
	}
	_, err = io.Copy(f, res.Body)
	return errors.Join(err, f.Close())
}

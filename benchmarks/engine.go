package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// warmUp is the share of the input that is not timed: connections, the first
// transactions, a virtual machine's compilation, caches. The same for all.
const warmUp = 0.2

// pace is how fast a group went through the timed part of a topic.
type pace struct {
	records int64 // timed
	seconds float64
	used    usage // CPU over the timed part; peak of the whole run
}

func (p pace) rate() float64 { return float64(p.records) / p.seconds }

// pace watches the offsets that a group commits until it has committed all.
func (s *site) pace(ctx context.Context, p *process, group string, from contract.Topic, want int64, limit time.Duration) (pace, error) {
	var began, ended time.Time
	var first int64
	var before usage
	err := await(ctx, limit, 10*time.Millisecond, group+" has taken everything", func() (bool, error) {
		n, err := s.taken(ctx, group, from)
		if err == nil && n < want {
			err = p.alive()
		}
		if err != nil {
			return false, err
		}
		if now := time.Now(); began.IsZero() && float64(n) >= warmUp*float64(want) {
			began, first, before = now, n, p.usage()
		} else {
			ended = now
		}
		return n >= want, nil
	})
	if err != nil {
		return pace{}, p.blame(err)
	}
	if first >= want || !ended.After(began) {
		return pace{}, fmt.Errorf("%s took everything at once: the input is too small to time", group)
	}
	used := p.usage()
	used.cpu -= before.cpu
	return pace{want - first, ended.Sub(began).Seconds(), used}, nil
}

// taken is how many records a group has committed.
func (s *site) taken(ctx context.Context, group string, from contract.Topic) (int64, error) {
	offsets, err := s.bus.Committed(ctx, group)
	if err != nil {
		return 0, fmt.Errorf("ask how far %s is: %w", group, err)
	}
	var n int64
	for _, at := range offsets[from] {
		n += at
	}
	return n, nil
}

// engineRun is one round: everybody over the same input.
type engineRun struct {
	ours, limit pace
	out         *verdict
	peers       map[string]*peerRun // by group; those that were run
}

// engine compares resolve.person with a bare exactly-once copy of as many
// records and bytes, on the embedded broker and on Kafka.
func (b *bench) engine(ctx context.Context) error {
	rounds, c := b.rounds, crowd{persons: b.persons}
	if b.quick {
		rounds, c = 1, crowd{persons: min(5000, b.persons)}
	}
	lines := []string{"embedded"}
	if b.kafka != "" {
		lines = append(lines, "Kafka 4.1")
	} else {
		b.say("engine: no YIYUAN_TEST_KAFKA: the lines on real Kafka are left out")
	}
	runs := map[string][]*engineRun{}
	for round := range rounds {
		for _, line := range lines {
			r, err := b.engineOn(ctx, line, c, round)
			if err != nil {
				return fmt.Errorf("on %s: %w", line, err)
			}
			runs[line] = append(runs[line], r)
		}
	}
	for _, line := range lines {
		b.table.add(b, engineRow(line, c, runs[line]))
		if line == "embedded" {
			continue // the peers run on Kafka alone
		}
		for _, p := range b.peers() {
			b.table.add(b, peerRow(p, line, c, runs[line]))
		}
	}
	if b.kafka == "" {
		return nil
	}
	if err := b.recoveries(ctx, c); err != nil {
		return fmt.Errorf("recovery: %w", err)
	}
	return b.large(ctx, c, runs[lines[len(lines)-1]])
}

// large runs ours over many more persons than its caches hold, if it was asked
// to, and sets that beside the runs before.
func (b *bench) large(ctx context.Context, small crowd, runs []*engineRun) (err error) {
	if b.many == 0 {
		return nil
	}
	c := crowd{persons: b.many}
	s, err := b.newEngineSite(ctx, "Kafka 4.1", b.kafka, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	r := &engineRun{}
	if err := s.timeOurs(ctx, r, len(runs), ""); err != nil {
		return err
	}
	var rate []float64
	for _, one := range runs {
		rate = append(rate, one.ours.rate())
	}
	b.table.add(b, row{
		what: fmt.Sprintf("resolve, %s claims, %s persons", count(c.events()), count(c.persons)), broker: s.name,
		figure: count(r.ours.rate()) + " claims/s", limit: fmt.Sprintf("ours with %s persons: %s claims/s", count(small.persons), count(median(rate))),
		ratio: fmt.Sprintf("%.2f", r.ours.rate()/median(rate)), goal: ">= 0.80",
		more: fmt.Sprintf("CPU %.1f us a claim, peak RSS %d MiB", r.ours.used.cpu.Seconds()*1e6/float64(r.ours.records), r.ours.used.peak>>20),
	})
	return nil
}

func engineRow(line string, c crowd, runs []*engineRun) row {
	var rate, limit, ratio, cpu []float64
	var peak, limitPeak int64
	for _, r := range runs {
		perClaim := float64(r.out.records) / float64(c.events())
		rate = append(rate, r.ours.rate())
		limit = append(limit, r.limit.rate()/perClaim)
		ratio = append(ratio, r.ours.rate()*perClaim/r.limit.rate())
		cpu = append(cpu, r.ours.used.cpu.Seconds()*1e6/float64(r.ours.records))
		peak, limitPeak = max(peak, r.ours.used.peak), max(limitPeak, r.limit.used.peak)
	}
	out := runs[0].out
	control := ""
	if len(runs) > 1 {
		control = fmt.Sprintf("; A/A control: round 2 at %.2f of round 1", rate[1]/rate[0])
	}
	return row{
		what:   fmt.Sprintf("resolve, %s claims, %s persons", count(c.events()), count(c.persons)),
		broker: line,
		figure: fmt.Sprintf("%s claims/s (%s)", count(median(rate)), spread(rate)),
		limit:  fmt.Sprintf("exactly-once copy of the %s records it writes, %.0f MB: %s claims/s worth", count(out.records), float64(out.bytes)/1e6, count(median(limit))),
		ratio:  fmt.Sprintf("%.2f", median(ratio)),
		goal:   ">= 0.40 of the copy",
		more: fmt.Sprintf("%.1f records out a claim; CPU %.1f us a claim, peak RSS %d MiB; copy: peak RSS %d MiB%s; digest %s, %s findings open as planted",
			float64(out.records)/float64(c.events()), median(cpu), peak>>20, limitPeak>>20, control, out.digest(), count(len(out.open))),
	}
}

func (b *bench) engineOn(ctx context.Context, line string, c crowd, round int) (_ *engineRun, err error) {
	brokers, stop, err := b.brokers(ctx, line)
	if err != nil {
		return nil, err
	}
	defer stop()
	s, err := b.newEngineSite(ctx, line, brokers, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
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

// startOurs starts our engine on its state.
func (s *engineSite) startOurs(ctx context.Context, profile string) (*process, error) {
	return self(ctx, "child-engine", "--brokers", s.brokers, "--prefix", s.prefix, "--dir", filepath.Join(s.dir, "state"), "--profile", profile)
}

// timeOurs runs our engine, holds what it wrote against the truth and writes the
// same records to the topic `to`, if it is not "", for the limit.
func (s *engineSite) timeOurs(ctx context.Context, r *engineRun, round int, to contract.Topic) error {
	profile := ""
	if s.b.profile != "" {
		profile = filepath.Join(s.b.profile, fmt.Sprintf("engine-%s-%d.pprof", strings.Fields(s.name)[0], round))
	}
	p, err := s.startOurs(ctx, profile)
	if err != nil {
		return err
	}
	defer p.stop() //nolint:errcheck // told of below where it matters
	if r.ours, err = s.pace(ctx, p, resolve.Name("person"), contract.Claims("person"), int64(s.crowd.events()), 10*time.Minute); err != nil {
		return err
	}
	s.b.say("engine on %s: ours %s claims/s, CPU %.1f us a claim, peak RSS %d MiB", s.name, count(r.ours.rate()), r.ours.used.cpu.Seconds()*1e6/float64(r.ours.records), r.ours.used.peak>>20)
	for _, w := range p.warnings() {
		s.b.say("warned: %s", w)
	}
	if err := p.stop(); err != nil {
		return err
	}
	if to != "" {
		if err := s.bus.Ensure(ctx, contract.Spec{Topic: to, Retention: -1}); err != nil {
			return fmt.Errorf("make the limit's topic: %w", err)
		}
	}
	r.out, err = s.judge(ctx, ourOutlets(), string(to))
	if err != nil {
		return fmt.Errorf("ours is wrong: %w", err)
	}
	for t, n := range r.out.by {
		s.b.say("engine on %s: ours wrote %s records to %s", s.name, count(n), t)
	}
	return nil
}

func ourOutlets() outlets {
	return outlets{
		golden: contract.Resolved("person"), shown: contract.Shared(asked), findings: contract.Findings,
		beside: []contract.Topic{contract.Shared("person.explain"), contract.Quarantine, contract.State(resolve.Name("person"))},
	}
}

// timeLimit copies what ours wrote.
func (s *engineSite) timeLimit(ctx context.Context, r *engineRun) error {
	if err := s.bus.Ensure(ctx, contract.Spec{Topic: "limit.to", Retention: -1}); err != nil {
		return fmt.Errorf("make the limit's topic: %w", err)
	}
	p, err := self(ctx, "child-copy", "--brokers", s.brokers, "--from", s.prefix+"limit.from", "--to", s.prefix+"limit.to",
		"--group", s.prefix+"limit", "--records", strconv.FormatInt(r.out.records, 10))
	if err != nil {
		return err
	}
	defer p.stop() //nolint:errcheck // it holds nothing
	if r.limit, err = s.pace(ctx, p, "limit", "limit.from", r.out.records, 5*time.Minute); err != nil {
		return err
	}
	var whole copied
	if err := p.answer(ctx, 10*time.Second, &whole); err != nil {
		return err
	}
	r.limit.used.peak = whole.Peak
	s.b.say("engine on %s: the limit copies %s records/s", s.name, count(r.limit.rate()))
	return nil
}

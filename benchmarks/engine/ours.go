package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// startOurs starts our engine on its state.
func (s *engineSite) startOurs(ctx context.Context, profile string) (*process.Process, error) {
	return process.Self(ctx, "child-engine", "--brokers", s.Brokers, "--prefix", s.Prefix, "--dir", filepath.Join(s.Dir, "state"), "--profile", profile)
}

// timeOurs runs our engine, holds what it wrote against the truth and writes the
// same records to the topic `to`, if it is not "", for the limit.
func (s *engineSite) timeOurs(ctx context.Context, r *engineRun, round int, to contract.Topic) error {
	profile := ""
	if s.Bench.Profile != "" {
		profile = filepath.Join(s.Bench.Profile, fmt.Sprintf("engine-%s-%d.pprof", strings.Fields(s.Name)[0], round))
	}
	p, err := s.startOurs(ctx, profile)
	if err != nil {
		return err
	}
	defer p.Stop() //nolint:errcheck // told of below where it matters
	if r.ours, err = s.pace(ctx, p, resolve.Name("person"), contract.Claims("person"), int64(s.crowd.events()), 10*time.Minute); err != nil {
		return err
	}
	s.Bench.Say("engine on %s: ours %s claims/s, CPU %.1f us a claim, peak RSS %d MiB", s.Name, table.Count(r.ours.rate()), r.ours.used.CPU.Seconds()*1e6/float64(r.ours.records), r.ours.used.Peak>>20)
	for _, w := range p.Warnings() {
		s.Bench.Say("warned: %s", w)
	}
	if err := p.Stop(); err != nil {
		return err
	}
	if to != "" {
		if err := s.Bus.Ensure(ctx, contract.Spec{Topic: to, Retention: -1}); err != nil {
			return fmt.Errorf("make the limit's topic: %w", err)
		}
	}
	r.out, err = s.judge(ctx, ourOutlets(), string(to))
	if err != nil {
		return fmt.Errorf("ours is wrong: %w", err)
	}
	for t, n := range r.out.by {
		s.Bench.Say("engine on %s: ours wrote %s records to %s", s.Name, table.Count(n), t)
	}
	return nil
}

func ourOutlets() outlets {
	return outlets{
		golden: contract.Resolved("person"), shown: contract.Shared(site.Asked), findings: contract.Findings,
		beside: []contract.Topic{contract.Shared("person.explain"), contract.Quarantine, contract.State(resolve.Name("person"))},
	}
}

// timeLimit copies what ours wrote.
func (s *engineSite) timeLimit(ctx context.Context, r *engineRun) error {
	if err := s.Bus.Ensure(ctx, contract.Spec{Topic: "limit.to", Retention: -1}); err != nil {
		return fmt.Errorf("make the limit's topic: %w", err)
	}
	p, err := process.Self(ctx, "child-copy", "--brokers", s.Brokers, "--from", s.Prefix+"limit.from", "--to", s.Prefix+"limit.to",
		"--group", s.Prefix+"limit", "--records", strconv.FormatInt(r.out.records, 10))
	if err != nil {
		return err
	}
	defer p.Stop() //nolint:errcheck // it holds nothing
	if r.limit, err = s.pace(ctx, p, "limit", "limit.from", r.out.records, 5*time.Minute); err != nil {
		return err
	}
	var whole site.Copied
	if err := p.Answer(ctx, 10*time.Second, &whole); err != nil {
		return err
	}
	r.limit.used.Peak = whole.Peak
	s.Bench.Say("engine on %s: the limit copies %s records/s", s.Name, table.Count(r.limit.rate()))
	return nil
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// contender is an engine that can be killed and started again.
type contender struct {
	name    string
	group   string
	state   string // folder
	outlets outlets
	start   func(context.Context) (*process.Process, error)
}

// recovery is how long a contender took, each time from exec to the next
// offsets it commits.
type recovery struct {
	killed time.Duration // after kill -9 under load
	warm   time.Duration // after it was stopped, with its state
	cold   time.Duration // without: all of it comes from the changelog
}

// restored is how many dossiers a second came back: what starting takes anyhow
// does not count. Where restoring cannot be told from starting there is no
// figure, and it is 0.
func (r recovery) restored(persons int) float64 {
	restoring := r.cold - r.warm
	if restoring < r.warm/5 {
		return 0
	}
	return float64(persons) / restoring.Seconds()
}

// words says the same with the times behind it.
func (r recovery) words(persons int) string {
	rate := "restoring is lost in the time to start"
	if n := r.restored(persons); n > 0 {
		rate = table.Count(n) + " dossiers/s"
	}
	return fmt.Sprintf("%s (exec to the next commit %.2f s, with local state %.2f s)", rate, r.cold.Seconds(), r.warm.Seconds())
}

// recoveries measures ours and the peer on Kafka, one after the other over the
// same input.
func (b contest) recoveries(ctx context.Context, c crowd) (err error) {
	s, err := b.newEngineSite(ctx, "Kafka 4.1", b.Kafka, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	ours, err := s.recover(ctx, contender{
		name: "ours", group: resolve.Name("person"), state: filepath.Join(s.Dir, "state"), outlets: ourOutlets(),
		start: func(ctx context.Context) (*process.Process, error) { return s.startOurs(ctx, "") },
	})
	if err != nil {
		return fmt.Errorf("ours: %w", err)
	}
	killed := table.Row{
		What: fmt.Sprintf("resolve, kill -9 at half of %s claims, exec to the next commit, local state", table.Count(c.events())), Broker: s.Name,
		Figure: fmt.Sprintf("%.2f s", ours.killed.Seconds()), Goal: "<= 3 s, <= 1/3 of Kafka Streams", More: "every result right after it",
	}
	restored := table.Row{
		What: fmt.Sprintf("resolve, local state deleted, %s dossiers back from the changelog", table.Count(c.persons)), Broker: s.Name,
		Figure: ours.words(c.persons), Goal: ">= 200,000 dossiers/s",
	}
	if p := b.kafkaStreams(); p.program != nil {
		args, err := s.readyPeer(ctx, p)
		if err != nil {
			return err
		}
		peer, err := s.recover(ctx, contender{
			name: "Kafka Streams", group: p.group, state: s.peerState(p), outlets: p.outlets(),
			start: func(ctx context.Context) (*process.Process, error) { return p.start(ctx, args) },
		})
		if err != nil {
			return fmt.Errorf("kafka streams: %w", err)
		}
		killed.Limit = fmt.Sprintf("Kafka Streams: %.2f s", peer.killed.Seconds())
		killed.Ratio = fmt.Sprintf("%.2f", ours.killed.Seconds()/peer.killed.Seconds())
		restored.Limit = "Kafka Streams: " + peer.words(c.persons)
		if theirs := peer.restored(c.persons); theirs > 0 {
			restored.Ratio = fmt.Sprintf("%.1f", ours.restored(c.persons)/theirs)
		}
	}
	b.Add(killed)
	b.Add(restored)
	return nil
}

// recover kills a contender in the middle of its work, lets it finish, starts
// it with and without its state, and holds what it wrote against the truth.
func (s *engineSite) recover(ctx context.Context, c contender) (r recovery, err error) {
	topic := contract.Claims("person")
	all, err := s.given(ctx)
	if err != nil {
		return r, err
	}
	p, err := c.start(ctx)
	if err != nil {
		return r, err
	}
	reach := func(p *process.Process, want int64, limit time.Duration) error {
		return p.Blame(process.Await(ctx, limit, 5*time.Millisecond, c.name+" goes on", func() (bool, error) {
			n, err := s.taken(ctx, c.group, topic)
			if err == nil && n < want {
				err = p.Alive()
			}
			return n >= want, err
		}))
	}
	if err := reach(p, all/2, 10*time.Minute); err != nil {
		return r, errors.Join(err, p.Stop())
	}
	p.Kill() // it has just committed
	at, err := s.taken(ctx, c.group, topic)
	if err != nil {
		return r, err
	}
	if at >= all {
		return r, fmt.Errorf("%s was done before it could be killed: the input is too small", c.name)
	}
	if p, err = c.start(ctx); err != nil {
		return r, err
	}
	err = reach(p, at+1, 2*time.Minute)
	r.killed = time.Since(p.Began)
	if err = errors.Join(err, reach(p, all, 10*time.Minute), p.Stop()); err != nil {
		return r, err
	}
	for _, way := range []struct {
		clear bool
		took  *time.Duration
	}{{false, &r.warm}, {true, &r.cold}} {
		if way.clear {
			if err := os.RemoveAll(c.state); err != nil {
				return r, fmt.Errorf("delete local state: %w", err)
			}
		}
		if err := s.repeat(ctx); err != nil {
			return r, err
		}
		if all, err = s.given(ctx); err != nil {
			return r, err
		}
		if p, err = c.start(ctx); err != nil {
			return r, err
		}
		err = reach(p, all, 5*time.Minute)
		*way.took = time.Since(p.Began)
		if err = errors.Join(err, p.Stop()); err != nil {
			return r, err
		}
	}
	s.Bench.Say("engine on %s: %s back %s after kill -9, %s with state, %s without", s.Name, c.name, r.killed, r.warm, r.cold)
	if _, err := s.judge(ctx, c.outlets, ""); err != nil {
		return r, fmt.Errorf("wrong after it was killed: %w", err)
	}
	return r, nil
}

// given is how many claims there are, repeated ones too.
func (s *engineSite) given(ctx context.Context) (int64, error) {
	ends, err := s.Bus.EndOffsets(ctx, contract.Claims("person"))
	if err != nil {
		return 0, fmt.Errorf("count the claims: %w", err)
	}
	var n int64
	for _, end := range ends[contract.Claims("person")] {
		n += end
	}
	return n, nil
}

// repeat writes one claim a partition once more, which changes nothing.
func (s *engineSite) repeat(ctx context.Context) error {
	claims, rows, err := s.writers(ctx)
	if err != nil {
		return err
	}
	partitions, err := s.Bus.Partitions(ctx, contract.Claims("person"))
	if err != nil {
		return fmt.Errorf("count partitions: %w", err)
	}
	var again []bus.Record
	for j, seen := 0, map[int32]bool{}; len(again) < partitions && j < s.crowd.events(); j++ {
		r, err := s.claim(j, claims, rows)
		if err != nil {
			return err
		}
		if to := bus.PartitionOf(r.Key, partitions); !seen[to] {
			seen[to] = true
			again = append(again, r)
		}
	}
	return s.Bus.Append(ctx, again...)
}

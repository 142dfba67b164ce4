package connectors

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// That a first complete copy of a dataset has been published is said behind it in every
// partition of its raw topic, since rules that speak of absence wait for it. A source
// says in its status which datasets it has brought as a whole. Of several sources of a
// dataset the last to get there says that the dataset is complete: each looks for the
// others after its own word is committed, so one of them sees all. It is said again at
// each start, which changes nothing where it is known.

// lookPause and lookRest are how long a source waits, at first and at the most, before
// it looks again whether the others have brought their part.
const (
	lookPause = 2 * time.Second
	lookRest  = time.Minute
)

// completes adds what a batch completes to the datasets, of those that a source feeds,
// that it has brought as a whole. A source that is read again has brought them before.
func completes(fed []*schemas.Dataset, have []string, b Batch, rereading bool) []string {
	if b.CaughtUp.IsZero() || b.Held != "" || rereading {
		return have
	}
	out := have[:len(have):len(have)]
	for _, d := range fed {
		if !slices.Contains(out, d.ID) && !slices.Contains(b.Awaited, d.ID) {
			out = append(out, d.ID)
		}
	}
	return out
}

// awaits are the datasets for which the promise of CaughtUp does not hold after a batch.
// What has begun to come in is waited for until the source has caught up with it: the
// last CaughtUp is of a time when nothing of it was there.
func awaits(have []string, b Batch, rereading bool) []string {
	if !b.CaughtUp.IsZero() && b.Held == "" && !rereading {
		return b.Awaited
	}
	return union(have, b.Awaited)
}

// joined are the datasets that are awaited when a session begins: those that were, and
// those that the source feeds since, which an earlier CaughtUp knows nothing of.
func joined(s contract.SourceStatus, fed []string) []string {
	var out []string
	for _, id := range s.Datasets {
		anew := len(fed) > 0 && !slices.Contains(fed, id)
		if anew || slices.Contains(s.Awaited, id) {
			out = append(out, id)
		}
	}
	return out
}

// completeness is what a runner has said of its datasets' being complete.
type completeness struct {
	*voice
	bus       *bus.Bus
	announced map[string]bool // datasets of which it has said that they are complete
	looked    int             // of how many it looked last whether they are
	look      time.Time       // when it looks again
	lookWait  time.Duration
}

func newCompleteness(v *voice, b *bus.Bus) *completeness {
	return &completeness{voice: v, bus: b, announced: map[string]bool{}}
}

// announce says of datasets that are complete that they are, once in the life of a
// runner. After an error it looks at once when it is called again.
func (c *completeness) announce(ctx context.Context) error {
	err := c.lookAndSay(ctx)
	if err != nil {
		c.look = time.Time{} // a source that fails at this says so until it has passed
	}
	return err
}

func (c *completeness) lookAndSay(ctx context.Context) error {
	var open []string
	for _, d := range c.cfg.Datasets {
		if slices.Contains(c.status.Complete, d.ID) && !c.announced[d.ID] {
			open = append(open, d.ID)
		}
	}
	if len(open) == 0 || time.Now().Before(c.look) && len(open) == c.looked {
		return nil
	}
	ready, err := complete(ctx, c.bus, open)
	if err != nil {
		return err
	}
	if c.lookWait = min(max(2*c.lookWait, lookPause), lookRest); len(open) != c.looked {
		c.lookWait = lookPause
	}
	c.looked, c.look = len(open), time.Now().Add(c.lookWait)
	if len(ready) == 0 {
		return nil
	}
	records, err := completions(ctx, c.bus, ready)
	if err != nil {
		return err
	}
	next := c.status
	next.At, next.Announced = 0, union(next.Announced, ready)
	if err := c.commit(ctx, records, next); err != nil {
		return err
	}
	for _, id := range ready {
		c.announced[id] = true
	}
	c.log.Info("first complete copy is published", "datasets", ready)
	return nil
}

// complete returns those of the datasets that every source which feeds them has brought
// as a whole. Sources that are retired bring nothing more, nor do those of but.
func complete(ctx context.Context, b *bus.Bus, datasets []string, but ...string) ([]string, error) {
	sources, err := statuses(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("look for the sources of %v: %w", datasets, err)
	}
	var out []string
	for _, id := range datasets {
		whole, all := false, true
		for name, s := range sources {
			if !slices.Contains(s.Datasets, id) {
				continue
			}
			has := slices.Contains(s.Complete, id)
			whole = whole || has
			all = all && (has || s.State == contract.StateRetired || slices.Contains(but, name))
		}
		if whole && all {
			out = append(out, id)
		}
	}
	return out, nil
}

// completions are the records that say of datasets that they are complete.
func completions(ctx context.Context, b *bus.Bus, datasets []string) ([]bus.Record, error) {
	var out []bus.Record
	for _, id := range datasets {
		topic := contract.Raw(id)
		n, err := b.Partitions(ctx, topic)
		if err != nil {
			return nil, fmt.Errorf("say that %q is complete: %w", id, err)
		}
		for i := range n {
			c := contract.Completion{Dataset: id, Partition: i, Of: n}
			out = append(out, bus.Record{
				Topic: topic, Partition: int32(i), Key: c.Key(), Headers: []bus.Header{{Key: contract.ControlHeader, Value: c.Append(nil)}},
			})
		}
	}
	return out, nil
}

func union(have, more []string) []string {
	out := have[:len(have):len(have)]
	for _, id := range more {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// withoutIt are the records that say of a source's datasets that they are complete where
// nothing but this source, which is given up, was waited for.
func withoutIt(ctx context.Context, b *bus.Bus, name string, s contract.SourceStatus) ([]bus.Record, error) {
	ready, err := complete(ctx, b, s.Datasets, name)
	if err != nil {
		return nil, err
	}
	return completions(ctx, b, ready)
}

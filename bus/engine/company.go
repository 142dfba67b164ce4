package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
)

// How often a worker looks whether members that read other topics have gone, for how many
// session timeouts it does, and how long it takes to leave a group at the most. A member
// that is dead is out of the group within one timeout; a rebalance takes another.
const (
	companyEvery = 200 * time.Millisecond
	companyFor   = 3
	leaving      = 2 * time.Second
)

// errMixed says that a member was given what is not its own to read: others in the group
// read other topics, or did when the group was last balanced.
var errMixed = errors.New("members of the group read different topics")

// company is who else is in the group of a worker. Whoever is there with another
// catalogue reads other topics. The group balances each topic by itself among those who
// read it, so that partition p of two inputs would be two workers'; and Kafka gives a
// static member that comes back what it had, whatever it wants to read now. So a worker
// takes its own elder out, and joins only once nobody else reads other topics. What it
// sees may be old by the time it joins: a session that is given what is not its own
// leaves, and it looks again. Not for concurrent use.
type company struct {
	engine *Engine
	cfg    Transaction
	since  time.Time // others have been there, zero = they are not
	others []string  // who they were when last seen
}

// wait returns when the worker may join, or a *StepError if others stay.
func (c *company) wait(ctx context.Context) error {
	waits := false
	for {
		elder, others, err := c.look(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			c.engine.link.Log.Debug("members of a group were not told", "group", c.cfg.Group, "error", err)
			return nil // the session will tell what it is
		}
		if elder != "" {
			c.engine.leave(ctx, c.cfg, elder)
		}
		if len(others) == 0 {
			return nil
		}
		c.others = others
		if !waits {
			waits = true
			gauge, began := c.engine.metrics.waiting.WithLabelValues(c.cfg.Group), time.Now()
			gauge.Inc()
			c.engine.link.Log.Warn("步骤等待：同组还有进程读别的主题（另一目录或另一版本），等它们退出 / a step waits for members of its group that read other topics, of another catalogue or build, to leave",
				"step", c.cfg.Group, "members", others, "at_most", c.limit())
			defer func() {
				gauge.Dec()
				c.engine.link.Log.Info("a step waits for no other member any more", "step", c.cfg.Group, "waited", time.Since(began).Round(time.Millisecond))
			}()
		}
		if err := c.mixed(); err != nil {
			return err
		}
		if err := kafka.Pause(ctx, companyEvery); err != nil {
			return err
		}
	}
}

func (c *company) limit() time.Duration { return companyFor * c.engine.link.Config.SessionTimeout }

// ended takes note of how a session ended, and returns a *StepError if the group has been
// mixed for too long.
func (c *company) ended(err error, lasted time.Duration) error {
	mixed := errors.Is(err, errMixed)
	if !mixed || lasted > c.limit() {
		c.since, c.others = time.Time{}, nil
	}
	if !mixed {
		return nil
	}
	return c.mixed()
}

// mixed takes note that others read other topics, and returns a *StepError once that
// has been so for longer than anybody who is dead is in the group.
func (c *company) mixed() error {
	if c.since.IsZero() {
		c.since = time.Now()
	}
	if time.Since(c.since) <= c.limit() {
		return nil
	}
	who := strings.Join(c.others, ", ")
	if who == "" {
		who = "未看到是谁 / not seen who"
	}
	return &StepError{fmt.Errorf("步骤 %q 的同组进程读别的主题，等了 %v 仍在（%s）：停下运行另一目录或另一版本的进程 / step %q: %w, and have for %v (%s): stop the processes that run another catalogue or build: %w",
		c.cfg.Group, c.limit(), who, c.cfg.Group, errMixed, c.limit(), who, kafka.ErrConfig)}
}

// look returns the id of the worker's own elder, if that reads other topics, and the names
// of others that do. While a group is being balanced nobody says what anybody reads.
func (c *company) look(ctx context.Context) (elder string, others []string, err error) {
	link := c.engine.link
	name := link.Config.Prefix + c.cfg.Group
	described, err := link.Admin.DescribeGroups(ctx, name)
	if err != nil {
		return "", nil, fmt.Errorf("describe group %q: %w", c.cfg.Group, err)
	}
	g := described[name]
	if errors.Is(g.Err, kerr.GroupIDNotFound) {
		return "", nil, nil
	}
	if g.Err != nil {
		return "", nil, fmt.Errorf("describe group %q: %w", c.cfg.Group, g.Err)
	}
	ours := slices.Sorted(slices.Values(link.Names(c.cfg.From)))
	for _, m := range g.Members {
		meta, ok := m.Join.AsConsumer()
		if !ok || len(meta.Topics) == 0 || slices.Equal(slices.Sorted(slices.Values(meta.Topics)), ours) {
			continue
		}
		switch {
		case m.InstanceID == nil:
			others = append(others, m.ClientID)
		case *m.InstanceID == c.engine.instance(c.cfg):
			elder = m.MemberID
		default:
			others = append(others, *m.InstanceID)
		}
	}
	slices.Sort(others)
	return elder, others, nil
}

// instance is the name of a worker in its group, the same over restarts.
func (e *Engine) instance(cfg Transaction) string {
	return e.link.Config.Prefix + cfg.Group + "." + cfg.Member
}

// leave takes a member out of its group: a static one stays there, when its client is
// closed, for its session timeout. Whatever it still has open it cannot commit any more,
// since the group takes offsets from its members only. If it cannot be taken out, it
// stays for that long.
func (e *Engine) leave(ctx context.Context, cfg Transaction, member string) {
	if member == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
	defer cancel()
	id := e.instance(cfg)
	req, m := kmsg.NewPtrLeaveGroupRequest(), kmsg.NewLeaveGroupRequestMember()
	m.MemberID, m.InstanceID = member, &id // who has taken the name since is another member, and stays
	req.Group, req.MemberID, req.Members = e.link.Config.Prefix+cfg.Group, member, append(req.Members, m)
	if _, err := req.RequestWith(ctx, e.link.Plain); err != nil {
		e.link.Log.Debug("group was not left", "group", cfg.Group, "member", cfg.Member, "error", err)
	}
}

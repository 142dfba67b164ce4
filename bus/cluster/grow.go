package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// ErrBusy says that a step is at work, or has work left.
var ErrBusy = errors.New("step is not at rest")

// AtRest returns ErrBusy if a group has members or has not read all there is of
// its topics.
func (a *Admin) AtRest(ctx context.Context, group string, topics ...contract.Topic) error {
	if err := a.Stopped(ctx, group); err != nil {
		return err
	}
	ends, err := a.EndOffsets(ctx, topics...)
	if err != nil {
		return err
	}
	committed, err := a.Committed(ctx, group)
	if err != nil {
		return err
	}
	for t, partitions := range ends {
		for p, end := range partitions {
			if at := committed[t][p]; at < end {
				return fmt.Errorf("步骤 %q 还没读完 %s/%d(%d 至 %d)，让它处理完再停 / step %q has not read all of %s/%d (%d of %d), let it finish first: %w",
					group, t, p, at, end, group, t, p, at, end, ErrBusy)
			}
		}
	}
	return nil
}

// Stopped returns ErrBusy if one of the groups has members.
func (a *Admin) Stopped(ctx context.Context, groups ...string) error {
	names := make([]string, len(groups))
	for i, group := range groups {
		names[i] = a.link.Config.Prefix + group
	}
	described, err := a.link.Admin.DescribeGroups(ctx, names...)
	if err != nil {
		return fmt.Errorf("describe groups %q: %w", groups, err)
	}
	for i, group := range groups {
		if g := described[names[i]]; g.Err == nil && len(g.Members) > 0 {
			return fmt.Errorf("步骤 %q 还有 %d 个成员，先停下所有进程，并等会话超时 / step %q has %d members, stop all processes and let their sessions time out: %w",
				group, len(g.Members), group, len(g.Members), ErrBusy)
		}
	}
	return nil
}

// AwaitStopped waits until none of the groups has members, for as long as one that has gone
// can still be counted (it may have gone while its group was being balanced), and then
// returns ErrBusy. Waiting is told if that is not at once.
func (a *Admin) AwaitStopped(ctx context.Context, waiting func(), groups ...string) error {
	for limit := time.Now().Add(3 * a.link.Config.SessionTimeout); ; {
		err := a.Stopped(ctx, groups...)
		if !errors.Is(err, ErrBusy) || time.Now().After(limit) {
			return err
		}
		waiting()
		waiting = func() {}
		if err := kafka.Pause(ctx, 500*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the processes to stop: %w", err)
		}
	}
}

// Grow raises the number of partitions of a topic to n and waits until all of
// them can be written to. What is in the topic stays where it is.
func (a *Admin) Grow(ctx context.Context, t contract.Topic, n int) error {
	have, err := a.Partitions(ctx, t)
	if err != nil || have == n {
		return err
	}
	grown, err := a.link.Admin.UpdatePartitions(ctx, n, a.link.Name(t))
	if err != nil {
		return fmt.Errorf("grow %q: %w", t, err)
	}
	if r, err := grown.On(a.link.Name(t), nil); err != nil || r.Err != nil && !errors.Is(r.Err, kerr.InvalidPartitions) {
		return fmt.Errorf("grow %q to %d partitions: %w", t, n, errors.Join(err, r.Err))
	}
	if err := a.await(ctx, []string{a.link.Name(t)}, true); err != nil {
		return err
	}
	if !t.Fenced() {
		return nil
	}
	// Our own producer must know of them, too; only a topic that it has written to
	// is one that it keeps up with.
	if _, _, err := a.link.Fence(ctx, t, []int32{0}); err != nil {
		return err
	}
	for {
		if _, _, err := a.link.Plain.PartitionLeader(a.link.Name(t), int32(n-1)); err == nil {
			return nil
		}
		a.link.Plain.ForceMetadataRefresh()
		if err := kafka.Pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the partitions of %q: %w", t, err)
		}
	}
}

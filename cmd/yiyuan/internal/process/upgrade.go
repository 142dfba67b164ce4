package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// upgrade makes a bus of an earlier build this one's, before anything else is done on
// it, and marks it: there is no way back. A bus that is new is only marked.
//
// What the earlier build wrote bears the time of its source as Kafka's, so claims and
// rejections of a moment ago may be old enough to be deleted. Retention of those topics
// is lifted first, and set again once all they then held is older than it by any clock.
// Every part may be done again: whoever starts next goes on with what is not marked.
func (a *Process) upgrade(ctx context.Context, specs []contract.Spec) error {
	mark, known, err := Mark(ctx, a.Bus)
	if err != nil {
		return err
	}
	if known {
		return a.retain(ctx, mark, specs, time.Now())
	}
	mark = contract.Mark{Format: contract.Format}
	if have, err := a.Bus.Examine(ctx, contract.Sources); err != nil {
		return err
	} else if len(have) > 0 {
		if mark.Lifted, err = a.lift(ctx, specs, time.Now()); err != nil {
			return err
		}
		a.Log.Warn("bus of an earlier build upgraded, no way back", "format", contract.Format, "retention_lifted", slices.Sorted(maps.Keys(mark.Lifted)))
	}
	if err := a.Bus.Ensure(ctx, contract.BusSpec); err != nil {
		return err
	}
	return a.writeMark(ctx, mark)
}

// Dated reports whether a topic's records went by the time of their source.
func Dated(t contract.Topic) bool {
	return t == contract.Quarantine || strings.HasPrefix(string(t), string(contract.Claims("")))
}

// lift keeps what is in dated topics, and says until when it must.
func (a *Process) lift(ctx context.Context, specs []contract.Spec, now time.Time) (map[contract.Topic]int64, error) {
	lifted := map[contract.Topic]int64{}
	for _, s := range specs {
		if !Dated(s.Topic) {
			continue
		}
		switch err := a.Bus.Retain(ctx, s.Topic, -1); {
		case errors.Is(err, cluster.ErrNoTopic):
			continue
		case err != nil:
			return nil, fmt.Errorf("升级前须解除主题 %q 的保留期限：请授予本程序 AlterConfigs 权限，或由管理员设 retention.ms=-1 后再启动 / "+
				"before the upgrade the retention of topic %q must be lifted: grant this principal AlterConfigs: %w", s.Topic, s.Topic, err)
		}
		lifted[s.Topic] = now.Add(s.Retention).UnixMilli()
	}
	return lifted, nil
}

// retain sets retention again where its time has come.
func (a *Process) retain(ctx context.Context, mark contract.Mark, specs []contract.Spec, now time.Time) error {
	if mark.Format > contract.Format {
		return fmt.Errorf("本总线已由更新的版本升级（格式 %d），本版本（格式 %d）不能再用：请运行新版本 / "+
			"this bus was upgraded by a newer build (format %d), this build (format %d) cannot use it: run the newer one: %w", mark.Format, contract.Format, mark.Format, contract.Format, bus.ErrConfig)
	}
	changed := false
	for _, s := range specs {
		until, ok := mark.Lifted[s.Topic]
		if !ok || now.UnixMilli() < until {
			continue
		}
		if err := a.Bus.Retain(ctx, s.Topic, s.Retention); err != nil {
			return fmt.Errorf("set the retention of topic %q again: %w", s.Topic, err)
		}
		a.Log.Info("retention set again after the upgrade", "topic", s.Topic)
		delete(mark.Lifted, s.Topic)
		changed = true
	}
	if !changed {
		return nil
	}
	return a.writeMark(ctx, mark)
}

// retainLater looks once an hour whether a lifted retention is to be set again.
func (a *Process) retainLater(ctx context.Context) error {
	atIntervals(ctx, time.Hour, func() {
		mark, _, err := Mark(ctx, a.Bus)
		if err == nil {
			err = a.retain(ctx, mark, wiring.Topics(a.Catalogue, a.Steps), time.Now())
		}
		if err != nil && ctx.Err() == nil {
			a.Log.Error("retention could not be set again after the upgrade, trying again in an hour", "error", err)
		}
	})
	return nil
}

// Mark reads how the bus is marked; known is false if it is not.
func Mark(ctx context.Context, b *bus.Bus) (mark contract.Mark, known bool, err error) {
	if _, err := b.Partitions(ctx, contract.Bus); errors.Is(err, cluster.ErrNoTopic) {
		return mark, false, nil
	}
	err = b.Replay(ctx, contract.Bus, func(r bus.Record) error {
		if string(r.Key) != contract.MarkKey || r.Value == nil {
			return nil
		}
		mark, known = contract.Mark{}, true
		return json.Unmarshal(r.Value, &mark)
	})
	if err != nil {
		return mark, false, fmt.Errorf("read the mark of the bus: %w", err)
	}
	return mark, known, nil
}

func (a *Process) writeMark(ctx context.Context, mark contract.Mark) error {
	if err := a.inscribe(ctx, contract.MarkKey, mark); err != nil {
		return fmt.Errorf("mark the bus: %w", err)
	}
	return nil
}

package main

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
func (a *app) upgrade(ctx context.Context, specs []contract.Spec) error {
	mark, known, err := readMark(ctx, a.bus)
	if err != nil {
		return err
	}
	if known {
		return a.retain(ctx, mark, specs, time.Now())
	}
	mark = contract.Mark{Format: contract.Format}
	if have, err := a.bus.Examine(ctx, contract.Sources); err != nil {
		return err
	} else if len(have) > 0 {
		if mark.Lifted, err = a.lift(ctx, specs, time.Now()); err != nil {
			return err
		}
		a.log.Warn("bus of an earlier build upgraded, no way back", "format", contract.Format, "retention_lifted", slices.Sorted(maps.Keys(mark.Lifted)))
	}
	if err := a.bus.Ensure(ctx, contract.BusSpec); err != nil {
		return err
	}
	return a.writeMark(ctx, mark)
}

// dated reports whether a topic's records went by the time of their source.
func dated(t contract.Topic) bool {
	return t == contract.Quarantine || strings.HasPrefix(string(t), string(contract.Claims("")))
}

// lift keeps what is in dated topics, and says until when it must.
func (a *app) lift(ctx context.Context, specs []contract.Spec, now time.Time) (map[contract.Topic]int64, error) {
	lifted := map[contract.Topic]int64{}
	for _, s := range specs {
		if !dated(s.Topic) {
			continue
		}
		switch err := a.bus.Retain(ctx, s.Topic, -1); {
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
func (a *app) retain(ctx context.Context, mark contract.Mark, specs []contract.Spec, now time.Time) error {
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
		if err := a.bus.Retain(ctx, s.Topic, s.Retention); err != nil {
			return fmt.Errorf("set the retention of topic %q again: %w", s.Topic, err)
		}
		a.log.Info("retention set again after the upgrade", "topic", s.Topic)
		delete(mark.Lifted, s.Topic)
		changed = true
	}
	if !changed {
		return nil
	}
	return a.writeMark(ctx, mark)
}

// retainLater looks once an hour whether a lifted retention is to be set again.
func (a *app) retainLater(ctx context.Context) error {
	atIntervals(ctx, time.Hour, func() {
		mark, _, err := readMark(ctx, a.bus)
		if err == nil {
			err = a.retain(ctx, mark, wiring.Topics(a.cat, a.steps), time.Now())
		}
		if err != nil && ctx.Err() == nil {
			a.log.Error("retention could not be set again after the upgrade, trying again in an hour", "error", err)
		}
	})
	return nil
}

func readMark(ctx context.Context, b *bus.Bus) (mark contract.Mark, known bool, err error) {
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

func (a *app) writeMark(ctx context.Context, mark contract.Mark) error {
	value, err := json.Marshal(mark)
	if err != nil {
		return fmt.Errorf("mark the bus: %w", err)
	}
	if err := a.bus.Append(ctx, bus.Record{Topic: contract.Bus, Partition: bus.ByKey, Key: []byte(contract.MarkKey), Value: value}); err != nil {
		return fmt.Errorf("mark the bus: %w", err)
	}
	return nil
}

// checkUpgrade tells what the next start does, or what the last has still to do.
func checkUpgrade(ctx context.Context, b *bus.Bus, landed bool) []finding {
	const check = "kafka.upgrade"
	mark, known, err := readMark(ctx, b)
	switch {
	case err != nil:
		return []finding{unanswered(check, err)}
	case !known && landed:
		return []finding{warning(check, "总线由较早版本建立；下次启动将升级：先解除 claims.* 与 quarantine 的保留期限，再改用代理时间；之后不能退回旧版本 / "+
			"this bus was made by an earlier build; the next start upgrades it: retention of claims.* and quarantine is lifted, then the broker's time used; there is no way back",
			"先停止旧版本的全部进程并备份，再启动 / stop every process of the earlier build and make a backup, then start: yiyuan run")}
	case !known:
		return nil
	case mark.Format > contract.Format:
		return []finding{problemFound(check, fmt.Sprintf("总线已升级到格式 %d / the bus was upgraded to format %d", mark.Format, mark.Format), "运行更新的版本 / run the newer build")}
	}
	var found []finding
	for _, t := range slices.Sorted(maps.Keys(mark.Lifted)) {
		until := time.UnixMilli(mark.Lifted[t]).UTC().Format(time.DateOnly)
		found = append(found, fine(check, fmt.Sprintf("主题 %s 的保留期限因升级而解除，%s 后自动恢复 / the retention of %s is lifted for the upgrade and set again by itself after %s", t, until, t, until)))
	}
	return found
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
)

// Transact runs one worker exactly once until ctx ends: the records it reads,
// the records it emits and its state changes take effect together or not at
// all. It returns only ctx's error or a *StepError; whatever Kafka says
// otherwise, it drops the open work, closes the client, and goes on with a new
// one: what Kafka refuses to take, for a setting of a topic or a right that is
// missing, holds this worker up until somebody has mended it, and is told. Members of
// the group that read other topics are waited for, for longer than one that is dead
// stays in it.
func (e *Engine) Transact(ctx context.Context, cfg Transaction, w Worker) error {
	cfg = cfg.withDefaults()
	if err := e.copartitioned(ctx, cfg); err != nil {
		return &StepError{err}
	}
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 100*time.Millisecond, 5*time.Second
	still := &standing{engine: e, cfg: cfg}
	defer func() { still.over(time.Now()) }()
	group, pace := &company{engine: e, cfg: cfg}, newPacer(cfg)
	for {
		if err := group.wait(ctx); err != nil {
			return err
		}
		began := time.Now()
		err := e.session(ctx, cfg, w, still, pace)
		w.Abort()
		w.Release()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := group.ended(err, time.Since(began)); err != nil {
			return err
		}
		var step *StepError
		if errors.As(err, &step) {
			return err
		}
		if time.Since(began) > time.Minute {
			retry.Reset()
		}
		e.metrics.commits.WithLabelValues(cfg.Group, "lost").Inc()
		if !still.refused(err, time.Now()) {
			e.link.Log.Warn("session lost, opening a new one", "group", cfg.Group, "member", cfg.Member, "error", err)
		}
		if err := kafka.Pause(ctx, retry.NextBackOff()); err != nil {
			return err
		}
	}
}

// copartitioned refuses inputs that would put one key's records and state on
// different workers.
func (e *Engine) copartitioned(ctx context.Context, cfg Transaction) error {
	want, err := e.admin.Partitions(ctx, cfg.Changelog)
	if err != nil {
		return err
	}
	for _, t := range cfg.From {
		n, err := e.admin.Partitions(ctx, t)
		if err != nil {
			return err
		}
		if n == want {
			continue
		}
		do, english := e.admin.LeadsOut(t)
		if n < want {
			do = "改分区数没有做完，或该主题重建过：停止全部进程，运行 yiyuan repartition 改为 " + strconv.Itoa(want) + " 个"
			english = "a change of their number was not finished, or the topic was made anew: stop all processes and run yiyuan repartition to " + strconv.Itoa(want)
		}
		return fmt.Errorf("步骤 %[1]q 的输入 %[2]q 有 %[3]d 个分区，应为 %[5]d，与状态 %[4]q 一样：%[6]s / input %[2]q of step %[1]q has %[3]d partitions instead of the %[5]d of its state %[4]q: %[7]s: %[8]w",
			cfg.Group, t, n, cfg.Changelog, want, do, english, kafka.ErrConfig)
	}
	return nil
}

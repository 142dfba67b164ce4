package engine

import (
	"context"
	"errors"
	"fmt"
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
		if n != want {
			return fmt.Errorf("步骤 %q 的输入 %q 有 %d 个分区，状态 %q 有 %d 个，必须一样 / input %q of step %q has %d partitions, its state %q has %d, they must agree: %w",
				cfg.Group, t, n, cfg.Changelog, want, t, cfg.Group, n, cfg.Changelog, want, kafka.ErrConfig)
		}
	}
	return nil
}

package processors

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Repartition raises the number of partitions of a step's input and of its state
// to n, and moves what the state keeps to the partitions where its keys' records
// go from then on. The step must be at rest: all its processes stopped, all its
// input read, nobody writing to it. It may be broken off and called again at any
// point; until it has finished the step refuses to start, since its input has
// fewer partitions than its state.
//
//	state grows -> what moves is copied, and what each partition has -> mark -> its old place is emptied -> input grows -> mark goes
func Repartition(ctx context.Context, b *bus.Bus, s Step, n int, log *slog.Logger) error {
	m := mover{bus: b, step: s, to: n, log: log, state: contract.State(s.Name)}
	if s.Home == nil || len(s.From) != 1 {
		return fmt.Errorf("步骤 %q 不能改分区数 / step %q cannot be repartitioned: %w", s.Name, s.Name, bus.ErrConfig)
	}
	var err error
	if m.from, err = b.Partitions(ctx, s.From[0]); err != nil {
		return err
	}
	have, err := b.Partitions(ctx, m.state)
	if err != nil {
		return err
	}
	switch {
	case have == n && m.from == n:
		return nil
	case n < have || n < m.from:
		return fmt.Errorf("步骤 %q 有 %d 个分区，只能增加 / step %q has %d partitions, their number can only be raised: %w", s.Name, have, s.Name, have, bus.ErrConfig)
	case have != m.from && have != n:
		return fmt.Errorf("步骤 %q 改为 %d 个分区还没有做完，先做完它 / repartitioning %q to %d is not finished, finish that first: %w", s.Name, have, s.Name, have, bus.ErrConfig)
	}
	if err := b.AtRest(ctx, s.Name, s.From...); err != nil {
		return err
	}
	if err := b.Grow(ctx, m.state, n); err != nil {
		return err
	}
	return m.move(ctx)
}

// mover moves the state of a step from so many partitions to more.
type mover struct {
	bus      *bus.Bus
	step     Step
	state    contract.Topic
	from, to int
	log      *slog.Logger
	batch    []bus.Record
}

// kindMoved is the state key that says that all has been copied.
const kindMoved = 'm'

func (m *mover) move(ctx context.Context) error {
	marked := false
	mark := []byte{kindMoved}
	err := m.bus.Replay(ctx, m.state, func(r bus.Record) error {
		if bytes.Equal(r.Key, mark) {
			marked = r.Value != nil
		}
		return nil
	})
	if err != nil {
		return err
	}
	// Once old places are being emptied nothing may be copied from them any more.
	if !marked {
		copied, err := m.each(ctx, func(r *bus.Record, home int32) bus.Record {
			return bus.Record{Topic: m.state, Partition: home, Key: r.Key, Value: r.Value}
		})
		if err != nil {
			return err
		}
		if err := m.share(ctx); err != nil {
			return err
		}
		if err := m.bus.Append(ctx, bus.Record{Topic: m.state, Key: mark, Value: binary.AppendUvarint(nil, uint64(m.to))}); err != nil {
			return err
		}
		m.log.Info("state copied", "step", m.step.Name, "records", copied, "partitions", m.to)
	}
	emptied, err := m.each(ctx, func(r *bus.Record, _ int32) bus.Record {
		return bus.Record{Topic: m.state, Partition: r.Partition, Key: r.Key}
	})
	if err != nil {
		return err
	}
	m.log.Info("old places emptied", "step", m.step.Name, "records", emptied)
	if err := m.bus.Grow(ctx, m.step.From[0], m.to); err != nil {
		return err
	}
	return m.bus.Append(ctx, bus.Record{Topic: m.state, Key: mark})
}

// each appends what make makes of every record that is not at home, in order.
func (m *mover) each(ctx context.Context, make func(r *bus.Record, home int32) bus.Record) (count int, err error) {
	err = m.bus.Replay(ctx, m.state, func(r bus.Record) error {
		home := m.home(r.Key)
		if int(r.Partition) >= m.from || home < 0 || home == r.Partition {
			return nil
		}
		m.batch = append(m.batch, make(&r, home))
		if count++; len(m.batch) < 10_000 {
			return nil
		}
		return m.flush(ctx)
	})
	if err != nil {
		return count, fmt.Errorf("repartition %q: %w", m.step.Name, err)
	}
	return count, m.flush(ctx)
}

// share copies what is the same in every partition into those that are added.
func (m *mover) share(ctx context.Context) error {
	err := m.bus.Replay(ctx, m.state, func(r bus.Record) error {
		if int(r.Partition) >= m.from || !m.common(r.Key) {
			return nil
		}
		for to := m.from; to < m.to; to++ {
			m.batch = append(m.batch, bus.Record{Topic: m.state, Partition: int32(to), Key: r.Key, Value: r.Value})
		}
		if len(m.batch) < 10_000 {
			return nil
		}
		return m.flush(ctx)
	})
	if err != nil {
		return fmt.Errorf("repartition %q: %w", m.step.Name, err)
	}
	return m.flush(ctx)
}

// common reports whether a state key is about no record.
func (m *mover) common(key []byte) bool {
	about, timer := m.about(key)
	return about != nil && m.step.Common != nil && m.step.Common(about, timer)
}

// about returns what a state key is about: a stage's own key, or that of a timer; nil
// if neither.
func (m *mover) about(key []byte) (about []byte, timer bool) {
	switch {
	case len(key) > 0 && key[0] == kindOwn:
		return key[1:], false
	case len(key) > 0 && key[0] == kindWaking:
		return key[1:], true
	case len(key) > 9 && key[0] == kindTimer:
		return key[9:], true
	}
	return nil, false
}

func (m *mover) flush(ctx context.Context) error {
	err := m.bus.Append(ctx, m.batch...)
	m.batch = m.batch[:0]
	return err
}

// home is the partition that a state key belongs to, -1 if it stays where it is.
func (m *mover) home(key []byte) int32 {
	about, timer := m.about(key)
	if about == nil {
		return -1
	}
	owner := m.step.Home(about, timer)
	if owner == nil {
		return -1
	}
	return bus.PartitionOf(owner, m.to)
}

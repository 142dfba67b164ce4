package process

import (
	"context"
	"errors"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// ReadHistory reads which catalogues came into force, the oldest first, none where the
// topic is not there. read is Bus.Replay, or Bus.Peek for who only looks.
func ReadHistory(ctx context.Context, b *bus.Bus, read func(context.Context, contract.Topic, func(bus.Record) error) error) ([]contract.Applied, error) {
	if _, err := b.Partitions(ctx, contract.Catalogues); errors.Is(err, cluster.ErrNoTopic) {
		return nil, nil
	}
	var f contract.InForce
	var past []contract.Applied
	err := read(ctx, contract.Catalogues, func(r bus.Record) error {
		took, err := takeApplied(&f, r)
		if took {
			past = append(past, f.Applied)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the catalogues that came into force: %w", err)
	}
	return past, nil
}

// InForce returns the catalogue that is in force after those that came into it: the last.
func InForce(past []contract.Applied) contract.InForce {
	if len(past) == 0 {
		return contract.InForce{}
	}
	return contract.LastOf(past[len(past)-1], len(past))
}

// ReadInForce reads which catalogue is in force. read is as of ReadHistory.
func ReadInForce(ctx context.Context, b *bus.Bus, read func(context.Context, contract.Topic, func(bus.Record) error) error) (contract.InForce, error) {
	past, err := ReadHistory(ctx, b, read)
	return InForce(past), err
}

// takeApplied goes on by one record and reports whether it took effect.
func takeApplied(f *contract.InForce, r bus.Record) (bool, error) {
	if string(r.Key) != contract.CatalogueKey || r.Value == nil {
		return false, nil
	}
	applied, err := contract.ParseApplied(r.Value)
	if err != nil {
		return false, err
	}
	applied.Taken = r.Taken
	return f.Take(applied), nil
}

package process

import (
	"context"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// ReadHistory reads which catalogues came into force, the oldest first. read is as of ReadInForce.
func ReadHistory(ctx context.Context, read func(context.Context, contract.Topic, func(bus.Record) error) error) ([]contract.Applied, error) {
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
		return nil, fmt.Errorf("read the catalogues of before: %w", err)
	}
	return past, nil
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
	return f.Take(applied), nil
}

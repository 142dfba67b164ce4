package process

import (
	"context"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/lineage"
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

// remember tells the catalogue of this process what was in force before it.
func (a *Process) remember(ctx context.Context) error {
	past, err := ReadHistory(ctx, a.Bus.Replay)
	if err != nil {
		return err
	}
	a.Catalogue.Lineage = lineage.Of(a.Catalogue, past, func(p contract.Applied) (*schemas.Catalogue, error) { return LoadInForce(contract.InForce{Applied: p}) })
	return nil
}

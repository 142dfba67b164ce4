package process

import (
	"context"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// successors are the catalogues that come into force behind the one that this process runs.
type successors struct{ of *Process }

// Follow implements gateway.Successors.
func (s successors) Follow(ctx context.Context, took func(version string, next *schemas.Catalogue)) error {
	told := s.of.Catalogue.Lineage.Step
	return s.of.persist(ctx, "catalogues that come into force", func(ctx context.Context) error {
		var f contract.InForce
		return s.of.Bus.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{contract.Catalogues}}, func(_ context.Context, records []bus.Record) error {
			for i := range records {
				newer, err := takeApplied(&f, records[i])
				if err != nil {
					return err
				}
				if step := f.Begun() - 1; newer && step > told {
					told = step
					next, _ := LoadInForce(f) // one of another build: nothing is known of it
					took(f.Version, next)
				}
			}
			return nil
		})
	})
}

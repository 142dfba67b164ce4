package route

import (
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// goneDatasets returns the views of each dataset that the catalogue has no more at all, by its id.
func goneDatasets(cat *schemas.Catalogue, keys masking.Keys) map[string]masking.Withdrawn {
	out := map[string]masking.Withdrawn{}
	for _, v := range cat.Lineage.Gone() {
		if _, err := cat.Dataset(v.Owner); v.Dataset != nil && err != nil {
			out[v.Owner] = masking.WithdrawnOf(cat, v.Owner, keys)
		}
	}
	return out
}

// withdrawAll takes back what stands of a row of a dataset that the catalogue has no
// more. The row is kept: the dataset may return.
func (s *stage) withdrawAll(tx processors.Tx, c *change, left masking.Withdrawn, last, next image) error {
	if !last.live || !left.Any() {
		return nil
	}
	s.out = s.out[:0]
	if err := s.withdraw(c, left, last, s.headers(c, next.version)); err != nil {
		return err
	}
	s.store(tx, next)
	s.flush(tx)
	return nil
}

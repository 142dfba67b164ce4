package route

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// gone are the ids of the views of datasets that the catalogue has no more, sorted.
func gone(cat *schemas.Catalogue) []string {
	var out []string
	for _, views := range cat.Lineage.Withdrawn {
		for _, v := range views {
			if v.Dataset != nil {
				out = append(out, v.ID)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// withdraw adds to s.out that nothing stands any more of a row in the views that the
// catalogue had under which it was last published, and that this one has not.
func (s *stage) withdraw(c *change, left masking.Withdrawn, last image, headers []bus.Header) error {
	for _, v := range left.Since(processors.CatalogueOf(last.edition)) {
		key, err := v.Key(processors.KeyVersion(last.edition, s.keys), string(c.Key))
		if err != nil {
			return err
		}
		s.out = append(s.out, bus.Record{Topic: v.Topic, Partition: bus.ByKey, Key: []byte(key), Time: c.Time, Headers: headers})
	}
	return nil
}

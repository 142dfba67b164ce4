package lineage

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// comings follows which datasets came, left and came back, from the catalogue of now
// backwards. One that cannot be read any more is not taken to have lacked a dataset: what
// stands would be given up for it.
type comings struct {
	now    *schemas.Catalogue
	absent map[schemas.LinkName]int
	back   map[string]time.Time
	lost   map[string]*schemas.Dataset
}

// before takes the catalogue that came into force as the i-th, nil if it cannot be read.
func (c *comings) before(i int, past []contract.Applied, cat *schemas.Catalogue) {
	if cat == nil {
		return
	}
	for _, d := range c.now.Datasets {
		name := schemas.LinkName{Dataset: d.ID}
		_, err := cat.Dataset(d.ID)
		last, away := c.absent[name]
		switch {
		case err != nil && !away:
			c.absent[name] = i
		case err == nil && away && last+1 < len(past):
			c.back[d.ID] = past[last+1].Taken
		}
	}
	for _, d := range cat.Datasets {
		if _, err := c.now.Dataset(d.ID); err != nil && c.lost[d.ID] == nil {
			c.lost[d.ID] = d
		}
	}
}

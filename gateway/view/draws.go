package view

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// drawsOf finds which fields of an entity's view are made of which datasets, under any
// of its tables of authority.
func drawsOf(v *schemas.View, e *schemas.Entity) map[string][]string {
	draws := map[string][]string{}
	from := func(dataset, field string) {
		if !slices.Contains(draws[dataset], field) {
			draws[dataset] = append(draws[dataset], field)
		}
	}
	for _, table := range e.Authority {
		for name, candidates := range table.Sources {
			for _, c := range candidates {
				from(c.Dataset, name)
				for golden := range c.Columns {
					from(c.Dataset, golden)
				}
				for golden := range c.Constant {
					from(c.Dataset, golden)
				}
			}
		}
	}
	for _, embed := range v.Embed {
		from(embed.Dataset.ID, embed.Dataset.ID)
	}
	return draws
}

package route

import (
	"bytes"
	"slices"

	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// What leaves the catalogue leaves nothing behind. A row of a dataset that the catalogue
// has no more becomes what a deletion leaves: what it said of entities is retracted, its
// views and its mark in refused are taken back, its content is forgotten, and its key and
// version are for a week. That a copy of it is complete is forgotten too. When the dataset
// comes back its sources bring it anew. What was published of it before it left is of
// nobody, whether or not the step has run in the meantime, and so is what lies in the raw
// topic from before it came back.

// goneDatasets returns how to read what is kept of the datasets that the catalogue has no
// more, by the id of each: the entities that there still are, the views that it had.
func (s *stage) goneDatasets(cat *schemas.Catalogue, c *codec.Codec) (map[string]*dataset, error) {
	out := make(map[string]*dataset, len(cat.Lineage.Lost))
	for id, d := range cat.Lineage.Lost {
		was := *d
		was.Views = nil
		was.Links = slices.DeleteFunc(slices.Clone(d.Links), func(l schemas.Link) bool { _, err := cat.Entity(l.Entity); return err != nil })
		one := &dataset{Dataset: &was, prefix: append([]byte(id), 0), reader: c.Reader(d.Layout), left: masking.WithdrawnOf(cat, id, s.keys), lost: true}
		if err := s.link(one, cat, c); err != nil {
			return nil, err
		}
		out[id] = one
	}
	return out, nil
}

// of returns the dataset that a state key is of. One of which no catalogue is known any
// more has nothing but its id.
func (s *stage) of(id string) *dataset {
	if d := s.datasets[contract.Raw(id)]; d != nil {
		return d
	}
	if d := s.gone[id]; d != nil {
		return d
	}
	return &dataset{Dataset: &schemas.Dataset{ID: id}, prefix: append([]byte(id), 0), lost: true, unknown: true}
}

// void reports whether what is kept of a dataset, of an edition, is of nobody.
func (s *stage) void(d *dataset, edition []byte) bool {
	return d.lost || !bytes.Equal(edition, s.edition) && s.lineage.Void(schemas.LinkName{Dataset: d.ID}, processors.CatalogueOf(edition))
}

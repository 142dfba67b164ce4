package resolve

import (
	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// Check compiles everything that the steps of a catalogue would compile, and so
// finds what is wrong with rules, authority tables and masks before they run.
func Check(cat *schemas.Catalogue, keys masking.Keys) error {
	c := codec.New(codec.NewMemory())
	for _, e := range cat.Entities {
		if _, err := newStage(cat, c, keys, e.ID); err != nil {
			return err
		}
	}
	return nil
}

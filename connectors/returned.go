package connectors

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// returned is the status of a source at the beginning of a session in which some of its
// datasets have left the catalogue and come back since it last spoke: the steps hold
// nothing of them any more. fed are the datasets that it fed until then.
func returned(s contract.SourceStatus, fed []string, cat *schemas.Catalogue) contract.SourceStatus {
	if cat == nil {
		return s
	}
	said := s
	void := func(id string) bool { return said.Void(&cat.Lineage, id) }
	s.Complete = slices.DeleteFunc(slices.Clone(s.Complete), void)
	s.Announced = slices.DeleteFunc(slices.Clone(s.Announced), void)
	var back []string
	for _, id := range s.Datasets {
		if slices.Contains(s.Returned, id) || void(id) && (slices.Contains(fed, id) || slices.Contains(s.Left, id)) {
			back = append(back, id)
		}
	}
	if s.Position == "" && !s.Stop { // it is read from the beginning
		s.Awaited, back = union(s.Awaited, back), nil
	}
	if s.Resync != nil && len(back) > len(s.Returned) { // what it has read again by now went with them
		again := *s.Resync
		again.Step = contract.ResyncAsked
		s.Resync = &again
	}
	s.Returned, s.Catalogue = back, cat.Period()
	s.Awaited = union(s.Awaited, back)
	return s
}

// delivered are the datasets that have returned and of which, after a batch, nothing has
// come yet. A source that can be read again is to be.
func delivered(back []string, cfg Config, b Batch) []string {
	if cfg.Reread.Cannot == "" {
		return back
	}
	return slices.DeleteFunc(slices.Clone(back), func(id string) bool {
		return slices.ContainsFunc(b.Changes, func(c schemas.Change) bool { return c.Dataset.ID == id })
	})
}

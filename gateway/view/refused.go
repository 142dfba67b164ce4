package view

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/gateway/refusal"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Refused returns which rows behind the granted fields of a key's record were sent
// anew and refused, or may have been, one mark a dataset. What the caller was granted nothing of is
// not told.
func (v *View) Refused(book *refusal.Book, key string, granted []string) []refusal.Mark {
	if book.Empty() || len(granted) == 0 {
		return nil
	}
	if v.Dataset != nil {
		return book.Row(v.Dataset.ID, refusal.Digest(v.keys.Digest(contract.RefusedRowLabel(v.Dataset.ID), key)))
	}
	marks := book.About(refusal.Digest(v.keys.Digest(contract.RefusedSubjectLabel(v.Owner), key)))
	return slices.DeleteFunc(marks, func(m refusal.Mark) bool {
		return !slices.ContainsFunc(v.draws[m.Dataset], func(f string) bool { return slices.Contains(granted, f) })
	})
}

package gateway

import (
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Reads returns every topic whose records a gateway reads: those it keeps in memory, see
// folds, and those of all views. Of others it asks only how far they reach.
func Reads(cat *schemas.Catalogue) []contract.Topic {
	var out []contract.Topic
	for _, f := range folds(nil, nil, nil, nil, nil) { // their methods are named, not called
		out = append(out, f.Topic)
	}
	for _, v := range cat.Views() {
		out = append(out, contract.Shared(v.ID))
	}
	return out
}

package masking

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// rule is one masking rule. kinds lists the element kinds it understands, nil
// for all of them.
type rule struct {
	kinds []string
	to    []schemas.Type // what its output may be
	make  func(spec) (mask, error)
}

// rules is the table of all rules by their id in the catalogue.
var rules = map[string]rule{
	"partial":  {kinds: partialKinds, to: text, make: makePartial},
	"district": {kinds: []string{"address", "region"}, to: text, make: makeDistrict},
	"band":     {kinds: []string{"amount", "count", "date"}, to: text, make: makeBand},
	"year":     {kinds: []string{"date", "timestamp"}, to: []schemas.Type{schemas.String, schemas.Long}, make: makeYear},
	"age":      {kinds: []string{"date"}, to: text, make: makeAge},
	"surname":  {kinds: []string{"person_name"}, to: text, make: makeSurname},
	"suppress": {to: anyType, make: makeSuppress},
	maskToken:  {to: text, make: makeToken},
	"digest":   {to: []schemas.Type{schemas.Bytes}, make: makeDigest},
	"present":  {to: text, make: makePresent},
}

var (
	text    = []schemas.Type{schemas.String}
	anyType = []schemas.Type{schemas.String, schemas.Long, schemas.Date, schemas.Timestamp, schemas.Boolean, schemas.Double, schemas.Decimal, schemas.Bytes}
)

// Rules returns the ids of all masking rules, sorted.
func Rules() []string {
	ids := make([]string, 0, len(rules))
	for id := range rules {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}

func compile(id string, s spec) (mask, error) {
	r, ok := rules[id]
	switch {
	case !ok:
		return nil, fmt.Errorf("mask %q is unknown, the rules are %q: %w", id, Rules(), ErrRefused)
	case r.kinds != nil && !slices.Contains(r.kinds, s.element.Kind):
		return nil, fmt.Errorf("mask %q does not fit element %q of kind %q: %w", id, s.element.ID, s.element.Kind, ErrRefused)
	case !slices.Contains(r.to, s.to.Type):
		return nil, fmt.Errorf("mask %q cannot fill a column of type %s: %w", id, s.to.Type, ErrRefused)
	case !s.to.Nullable && id != "present":
		return nil, fmt.Errorf("mask %q needs a nullable column, for the values it drops: %w", id, ErrRefused)
	case s.view.Only == "verify" && id != "digest":
		return nil, fmt.Errorf("mask %q is not a digest in a view for verification only: %w", id, ErrRefused)
	}
	m, err := r.make(s)
	if err != nil || !schemas.Spelled(s.element.Kind) || id == schemas.MaskPresent || id == schemas.MaskSuppress {
		return m, err
	}
	// Two spellings of one name look the same behind a mask, or it would tell them apart.
	return func(v schemas.Value, now time.Time) (schemas.Value, bool) {
		return m(element.Normal(s.element, v), now)
	}, nil
}

package masking

import (
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// TestByPlaces: the masks of which schemas.ByPlaces says that they go by the names of
// districts and towns are those whose result hangs on them.
func TestByPlaces(t *testing.T) {
	t.Parallel()
	const address = "云岭市岭东区东关街道人民路12号"
	here := city(t).City
	there := here
	there.Name = "云山市"
	there.Regions = nil
	for _, kind := range schemas.Kinds() {
		e := &schemas.Element{ID: kind, Kind: kind, Type: schemas.KindType(kind), Scale: 2}
		v := schemas.Text(address)
		if e.Type != schemas.String {
			continue // no kind but text names a place
		}
		for _, rule := range schemas.MaskRules() {
			show := func(c schemas.City) string {
				t.Helper()
				m, err := compile(rule.ID, spec{
					element: e, from: schemas.Column{Name: "A", Type: e.Type}, to: schemas.Column{Name: "A", Type: rule.Type, Nullable: true},
					field: "A", view: &schemas.View{ID: "T01.test"}, city: c, keys: ring(t),
				})
				if err != nil {
					return err.Error()
				}
				shown, _ := m(v, time.Time{})
				return element.Render(&schemas.Element{Type: rule.Type}, shown)
			}
			if differs := show(here) != show(there); differs != schemas.ByPlaces(rule.ID, e) {
				t.Errorf("%s of kind %s: hangs on the names of places %v, ByPlaces says %v", rule.ID, kind, differs, schemas.ByPlaces(rule.ID, e))
			}
		}
	}
}

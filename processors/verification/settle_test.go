package verification

import (
	"testing"
	"time"

	"cel.dev/cel-go/common/types"
	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/processors/authority"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// What silence settles is what the whole expression comes to, for every rule of
// the sample city over rows of any content.
func TestSilenceSettlesWhatEvaluationFinds(t *testing.T) {
	cat := city(t)
	answers := map[bool]int{}
	for _, e := range cat.Entities {
		s, err := Compile(cat, e, ring(t))
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			d := anyDossier(t, s, e)
			golden := authority.Golden{}
			if e.Layout != nil {
				golden.Values = make([]schemas.Value, len(e.Layout.Columns))
			}
			v := s.Evaluator()
			v.in = &Subject{Dossier: d, Golden: golden, Now: time.UnixMilli(1772416800000)}
			for _, one := range s.cases {
				for _, x := range []*expression{one.when, one.until} {
					if x == nil {
						continue
					}
					short, ok := v.settle(x)
					answers[ok]++
					if !ok {
						continue
					}
					whole, _, err := x.free.Eval(v)
					if err != nil && isAbsent(err) {
						whole, err = types.NullValue, nil
					}
					if err != nil || short.Equal(whole) != types.True {
						t.Fatalf("%s: settled to %v, the whole expression to %v, %v", one.name, short, whole, err)
					}
				}
			}
		})
	}
	if answers[true] < answers[false] {
		t.Errorf("settled %d of %d: most should be", answers[true], answers[true]+answers[false])
	}
}

// anyDossier draws rows of a few datasets.
func anyDossier(t *rapid.T, s *Set, e *schemas.Entity) *claim.Dossier {
	d := &claim.Dossier{Entity: e, Key: "539902198503120013", Aggregates: make([]schemas.Value, len(e.Aggregates))}
	for i := range d.Aggregates {
		d.Aggregates[i] = schemas.Int(rapid.Int64Range(0, 3).Draw(t, "sum"))
	}
	for _, x := range s.variables {
		if x.kind != rowsVariable || rapid.IntRange(0, 2).Draw(t, x.name) > 0 {
			continue
		}
		values := make([]schemas.Value, len(x.dataset.Layout.Columns))
		for i, c := range x.dataset.Layout.Columns {
			n := rapid.IntRange(0, 4).Draw(t, c.Name)
			switch {
			case n == 4 && c.Nullable:
			case c.Type == schemas.String:
				values[i] = schemas.Text([]string{"0", "1", "3", "20", "40"}[n])
			case c.Type == schemas.Date:
				values[i] = schemas.Int(20500 + int64(n)*20)
			default:
				values[i] = schemas.Int(int64(n))
			}
		}
		d.Put(claim.NewRow(claim.Claim{Role: x.roles[0], Row: "R"}, x.dataset, schemas.NewRecord(x.dataset.Layout, values)))
	}
	return d
}

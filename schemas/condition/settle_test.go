package condition

import (
	"testing"
	"time"

	"cel.dev/cel-go/common/types"
	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// named is a variable of rows, as the rules of an entity name it.
type named struct {
	name    string
	dataset *schemas.Dataset
	role    string
}

// speaking returns the variables of rows of an entity's rules.
func speaking(cat *schemas.Catalogue, e *schemas.Entity) []named {
	var out []named
	seen := map[string]bool{}
	for _, d := range cat.Datasets {
		for _, l := range d.Links {
			if l.Entity != e.ID {
				continue
			}
			for _, name := range []string{d.ID + "_" + l.Role, d.ID} {
				if (l.Role != "" || name == d.ID) && !seen[name] {
					seen[name] = true
					out = append(out, named{name, d, l.Role})
				}
			}
		}
	}
	return out
}

// What silence settles is what the whole expression comes to, for every rule of
// the sample city over rows of any content.
func TestSilenceSettlesWhatEvaluationFinds(t *testing.T) {
	cat := city(t)
	answers := map[bool]int{}
	for _, e := range cat.Entities {
		rows := speaking(cat, e)
		var declared []Variable
		for _, n := range rows {
			declared = append(declared, Rows(n.name, n.dataset))
		}
		var sums []schemas.Column
		for _, a := range e.Aggregates {
			sums = append(sums, schemas.Column{Name: a.Name, Type: schemas.Long})
		}
		declared = append(declared, Golden("golden", e), Numbers("agg", e.ID, sums), String("key"), Timestamp("now"), Timestamp("today"))
		env, err := NewEnv(&cat.Calendar, declared...)
		if err != nil {
			t.Fatal(err)
		}
		expressions := rulesOf(t, env, cat, e)
		rapid.Check(t, func(t *rapid.T) {
			known := &facts{rows: map[int]int{}}
			for i, n := range rows {
				drawn := anyRows(t, n)
				known.values, known.rows[i], known.size = append(known.values, List(drawn, all)), len(drawn), known.size+len(drawn)
			}
			counts := make([]schemas.Value, len(sums))
			for i := range counts {
				counts[i] = schemas.Int(rapid.Int64Range(0, 3).Draw(t, "sum"))
			}
			now := time.UnixMilli(1772416800000)
			known.values = append(known.values, Cells(make([]schemas.Value, len(e.Layout.Columns))), Cells(counts), Text("539902198503120013"), Time(now), Time(schemas.Midnight(now)))
			v := env.Evaluator()
			v.Over(known)
			for text, x := range expressions {
				short, ok := v.settle(x)
				answers[ok]++
				if !ok {
					continue
				}
				whole, err := x.run(x.free, v)
				if err != nil || short.Equal(whole) != types.True {
					t.Fatalf("%s: settled to %v, the whole expression to %v, %v", text, short, whole, err)
				}
			}
		})
	}
	if answers[true] < answers[false] {
		t.Errorf("settled %d of %d: most should be", answers[true], answers[true]+answers[false])
	}
}

// rulesOf compiles what the rules of an entity say.
func rulesOf(t *testing.T, env *Env, cat *schemas.Catalogue, e *schemas.Entity) map[string]*Expression {
	t.Helper()
	out := map[string]*Expression{}
	for _, r := range cat.Rules {
		if r.Entity != e.ID {
			continue
		}
		for _, c := range r.Cases {
			out[c.When] = compile(t, env, c.When)
			if c.Until != "" {
				x, err := env.Compile(c.Until, Moment, nil)
				if err != nil {
					t.Fatal(err)
				}
				out[c.Until] = x
			}
		}
	}
	if len(out) == 0 {
		t.Logf("entity %s has no rules", e.ID)
	}
	return out
}

// anyRows draws no row or one of any content, of most datasets none.
func anyRows(t *rapid.T, n named) []*said {
	if rapid.IntRange(0, 2).Draw(t, n.name) > 0 {
		return nil
	}
	values := make([]schemas.Value, len(n.dataset.Layout.Columns))
	for i, c := range n.dataset.Layout.Columns {
		k := rapid.IntRange(0, 4).Draw(t, c.Name)
		switch {
		case k == 4 && c.Nullable:
		case c.Type == schemas.String:
			values[i] = schemas.Text([]string{"0", "1", "3", "20", "40"}[min(k, 4)])
		case c.Type == schemas.Date:
			values[i] = schemas.Int(20500 + int64(k)*20)
		default:
			values[i] = schemas.Int(int64(k))
		}
	}
	return []*said{{dataset: n.dataset, key: "R", role: n.role, values: values}}
}

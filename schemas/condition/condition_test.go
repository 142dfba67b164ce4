package condition

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

func city(t testing.TB) *schemas.Catalogue {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func dataset(t testing.TB, cat *schemas.Catalogue, id string) *schemas.Dataset {
	t.Helper()
	d, err := cat.Dataset(id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// said is a row of a test.
type said struct {
	dataset   *schemas.Dataset
	key, role string
	values    []schemas.Value
}

func (s *said) Layout() *schemas.Layout { return s.dataset.Layout }

func (s *said) Normal(i int) schemas.Value {
	if i < 0 || i >= len(s.values) {
		return schemas.Null
	}
	return element.Normal(s.dataset.Fields[i].Element, s.values[i])
}

func (s *said) Origin() (key, role string, at int64) { return s.key, s.role, 1 }

func all(*said) bool { return true }

// row makes a row of texts.
func row(t testing.TB, d *schemas.Dataset, key string, fields map[string]string) *said {
	t.Helper()
	r := &said{dataset: d, key: key, values: make([]schemas.Value, len(d.Fields))}
	for name, text := range fields {
		i := d.Layout.Index(name)
		var err error
		if r.values[i], err = element.Parse(d.Fields[i].Element, text); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// facts are the variables of a test, in order.
type facts struct {
	values []Value
	rows   map[int]int // how many, by variable
	size   int
}

func (f *facts) Value(i int) Value { return f.values[i] }
func (f *facts) Len() int          { return f.size }
func (f *facts) Silent(i int) bool { return f.rows[i] == 0 }

var clock = time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)

// bench is an environment of rows of GA01, WJ02 and RS01, and what is known: one row of
// GA01, none of WJ02, many of RS01.
func bench(t testing.TB) (*Env, *facts) {
	t.Helper()
	cat := city(t)
	ga, wj, rs := dataset(t, cat, "GA01"), dataset(t, cat, "WJ02"), dataset(t, cat, "RS01")
	env, err := NewEnv(&cat.Calendar, Rows("GA01", ga), Rows("WJ02", wj), Rows("RS01", rs), String("key"), Timestamp("now"), Timestamp("today"))
	if err != nil {
		t.Fatal(err)
	}
	persons := []*said{row(t, ga, "K", map[string]string{"XM": "张三", "CSRQ": "1985-03-12", "XBDM": "1"})}
	var insured []*said
	for range 200 {
		insured = append(insured, row(t, rs, "R", map[string]string{"XM": "no such overload 张三"}))
	}
	return env, &facts{
		values: []Value{List(persons, all), List([]*said{}, all), List(insured, all), Text("539902198503120013"), Time(clock), Time(schemas.Midnight(clock))},
		rows:   map[int]int{0: 1, 2: len(insured)}, size: 1 + len(insured),
	}
}

func compile(t testing.TB, env *Env, text string) *Expression {
	t.Helper()
	x, err := env.Compile(text, Bool, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return x
}

// TestExpressions holds the functions of the environment to examples, one row of
// GA01 and no row of WJ02 being known.
func TestExpressions(t *testing.T) {
	tests := []struct {
		expression string
		want       bool
	}{
		{`id_ok("539902198503120013") && !id_ok("539902198503120012") && !id_ok("x") && !id_ok(null)`, true},
		{`uscc_ok("91539900MADE00011B") && !uscc_ok("91539900MADE00012B")`, true},
		{`id_birth("539902198503120012") == GA01[0].CSRQ && id_birth("x") == null`, true},
		{`id_sex("539902198503120013") == "1" && id_sex("539902198503120021") == "2" && id_sex("") == null`, true},
		{`name_norm("阿不都·热合曼") == name_norm("阿不都• 热合曼") && name_norm("Ａｂc（有限）") == "ABC有限" && name_norm(null) == null`, true},
		{"name_norm(\"\ue854\") == name_norm(\"\u9fba\")", true},
		{`days(timestamp("2026-01-31T15:59:59Z"), timestamp("2026-01-31T16:00:00Z")) == 1`, true},
		{`days(timestamp("2026-01-31T16:00:00Z"), 30) == timestamp("2026-03-02T16:00:00Z")`, true},
		{`days(GA01[0].CSRQ, timestamp("1960-01-01T00:00:00Z")) < 0`, true},
		// Where no date lies behind, the last one counts.
		{`days(timestamp("9999-12-31T00:00:00+08:00"), 30) + duration("1s") > timestamp("9999-12-31T00:00:00+08:00")`, true},
		{`days(timestamp("9999-12-31T00:00:00+08:00"), 30) < now`, false},
		{`days(timestamp("0001-01-02T00:00:00Z"), -30) < now`, true},
		{`days(now, 9223372036854775807) > now && days(now, -9223372036854775807) < now`, true},
		{`workdays_after(timestamp("9999-12-31T00:00:00+08:00"), 7) > now && workdays_after(now, 9223372036854775807) > now`, true},
		{`workdays_after(timestamp("2026-02-02T00:00:00+08:00"), 7) == timestamp("2026-02-11T00:00:00+08:00")`, true},
		{`today == timestamp("2026-03-02T00:00:00+08:00") && now > today`, true},
		{`coalesce(GA01[0].HYZKDM, "90") == "90" && coalesce(GA01[0].HYZKDM, GA01[0].MZDM, "01") == "01" && coalesce(GA01[0].XM, "x") == "张三"`, true},
		{`latest(WJ02, "SWRQ") == null && latest(WJ02, "SWRQ").SWRQ == null && first(WJ02) == null && first(GA01).XM == "张三"`, true},
		{`GA01[0]._row == "K" && GA01[0]._role == "" && GA01[0]._at < now`, true},
		{`key == "539902198503120013"`, true},
		// Null compared by order, an absent row and an index that is not there are no contradiction.
		{`latest(WJ02, "SWRQ").SWRQ < now`, false},
		{`WJ02[0].SWRQ < now`, false},
		{`GA01[0].HYZKDM.startsWith("1")`, false},
		{`GA01[0].HYZKDM == null`, true},
		{`GA01[0].HYZKDM != "10"`, true},
	}
	env, known := bench(t)
	v := env.Evaluator()
	v.Over(known)
	for _, tt := range tests {
		if got, err := v.Holds(compile(t, env, tt.expression)); err != nil || got != tt.want {
			t.Errorf("%s is %t, %v, want %t", tt.expression, got, err, tt.want)
		}
	}
}

// TestAbsence pins what cel-go says where something is null or absent: each text that
// isAbsent goes by is provoked, and comes to null.
func TestAbsence(t *testing.T) {
	t.Parallel()
	env, known := bench(t)
	v := env.Evaluator()
	v.Over(known)
	provoked := map[string]string{}
	for _, text := range []string{
		`GA01[0].HYZKDM.startsWith("1")`,                            // a method of null
		`GA01[0].HYZKDM < "2"`,                                      // null by order
		`GA01[0].CSRQ + duration("1s") < latest(GA01, "SWRQ").CSRQ`, // null in arithmetic
		`GA01[1].XM == "x"`,                                         // an index that is not there, in a path
		`GA01.map(g, g.XM)[7] == "x"`,                               // of a list that is computed
		`GA01[0].XM.substring(7) == "x"`,                            // a place behind the text
		`{"a": "b"}["c"] == "b"`,                                    // a key that is not there
		`{"a": "b"}[GA01[0].XM] == "b"`,                             // and one that is read
		`(true ? {"a": 1} : {"b": 1}).c == 1`,                       // as a field
	} {
		x := compile(t, env, text)
		_, _, err := x.free.Eval(v)
		if err != nil {
			for _, begins := range absences {
				if strings.HasPrefix(err.Error(), begins) {
					provoked[begins] = text
				}
			}
		}
		if got, err := v.Holds(x); got || err != nil {
			t.Errorf("%s = %t, %v, want null", text, got, err)
		}
	}
	for _, begins := range absences {
		if begins != "no such attribute(s): " && provoked[begins] == "" {
			t.Errorf("nothing provoked %q: does cel-go still say it?", begins)
		}
	}
	// A variable that the activation does not know.
	if _, _, err := compile(t, env, `key == "x"`).free.Eval(single{}); err == nil || !strings.HasPrefix(err.Error(), "no such attribute(s): ") {
		t.Errorf("an unknown variable: %v", err)
	}
}

// What fails otherwise is a fault that says where and quotes nothing, also where a
// value reads like what cel-go says of absence.
func TestFaults(t *testing.T) {
	t.Parallel()
	env, known := bench(t)
	v := env.Evaluator()
	v.Over(known)
	for text, want := range map[string]EvaluationError{
		`RS01.exists(a, RS01.exists(b, RS01.exists(c, a.XM + b.XM + c.XM == "canary")))`: {Reason: TooExpensive},
		`RS01.exists(a, 1 / (size(RS01) - size(RS01)) == 1)`:                             {Reason: Failed, Line: 1, Column: 18},
		`RS01.exists(a, timestamp(a.XM) < now)`:                                          {Reason: Failed, Line: 1, Column: 25},
		"true &&\n  int(GA01[0].XM) == 1":                                                {Reason: Failed, Line: 2, Column: 6},
	} {
		_, err := v.Holds(compile(t, env, text))
		var got *EvaluationError
		if !errors.As(err, &got) || *got != want {
			t.Errorf("%s: %#v, want %#v", text, err, want)
			continue
		}
		if said := err.Error(); strings.Contains(said, "张三") || errors.Unwrap(err) != nil {
			t.Errorf("%s: the fault quotes a value: %s", text, said)
		}
	}
}

func TestOnRow(t *testing.T) {
	cat := city(t)
	d := dataset(t, cat, "WJ02")
	if f, err := OnRow[*said](&cat.Calendar, d, ""); f != nil || err != nil {
		t.Errorf("OnRow of nothing = %v", err)
	}
	var wrong *CompileError
	if _, err := OnRow[*said](&cat.Calendar, d, `row.NONE == ""`); !errors.As(err, &wrong) || !strings.Contains(wrong.Error(), "1:4: undefined field 'NONE'") {
		t.Errorf("OnRow of an unknown field = %v", err)
	}
	f, err := OnRow[*said](&cat.Calendar, d, `row.CXBZ != "1" && row.SWRQ > timestamp("2026-01-01T00:00:00Z")`)
	if err != nil {
		t.Fatal(err)
	}
	for fields, want := range map[string]bool{"0 2026-02-01": true, "1 2026-02-01": false, "0 2025-02-01": false} {
		state, date, _ := strings.Cut(fields, " ")
		if got := f(row(t, d, "K", map[string]string{"CXBZ": state, "SWRQ": date})); got != want {
			t.Errorf("OnRow on %s = %t, want %t", fields, got, want)
		}
	}
}

// A record never shows itself through CEL.
func TestObjectRedacted(t *testing.T) {
	o := &object{row: row(t, dataset(t, city(t), "RS01"), "K", map[string]string{"XM": "张三"})}
	if got := o.String(); got != "[redacted]" {
		t.Errorf("String = %q", got)
	}
	if o.Equal(types.String("x")) != types.False || o.Equal(o) != types.True {
		t.Error("Equal is not identity")
	}
	var _ cel.Activation = single{}
}

// TestReservedWords: what no dataset may be called is what an expression cannot read as one.
func TestReservedWords(t *testing.T) {
	t.Parallel()
	d := dataset(t, city(t), "GA01")
	reads := func(word string) error {
		e, err := NewEnv(nil, Rows(word, d))
		if err != nil {
			return err
		}
		_, err = e.Compile(word+".exists(r, r.XM == 'a')", Bool, nil)
		return err
	}
	ours := []string{"agg", "golden", "key", "now", "today"} // variables of rules
	for _, word := range format.Reserved {
		if err := reads(word); err == nil && !slices.Contains(ours, word) {
			t.Errorf("%q is reserved, and is read", word)
		}
	}
	for _, word := range []string{"GA01", "int", "string", "map", "list", "type", "size", "all", "has", "math", "rows", "person"} {
		if err := reads(word); err != nil {
			t.Errorf("%q is not reserved, and is not read: %v", word, err)
		}
	}
}

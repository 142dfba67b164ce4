package avro

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

const size = 512 << 10

func parse(t *testing.T, text string, before ...string) *Schema {
	t.Helper()
	s, err := Parse(text, size, before...)
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return s
}

// TestKarapace holds Compatible to the table that another registry is held to.
func TestKarapace(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/karapace.txt")
	if err != nil {
		t.Fatal(err)
	}
	schemas, pairs := map[string]*Schema{}, 0
	named := func(name string) *Schema {
		s := schemas[name]
		if s == nil {
			t.Fatalf("no schema %q", name)
		}
		return s
	}
	field := func(kind string) *Schema {
		return parse(t, fmt.Sprintf(`{"type":"record","name":"Object","fields":[{"name":"field","type":%q}]}`, kind))
	}
	for line := range strings.Lines(string(text)) {
		line, want, ok := strings.Cut(strings.TrimSpace(line), ": ")
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
			continue
		case words[0] == "schema":
			schemas[words[1]] = parse(t, strings.TrimPrefix(line, "schema "+words[1]+" "))
			continue
		case !ok:
			t.Fatalf("line %q says neither yes nor no", line)
		}
		pairs++
		var problems []Error
		if words[1] == "reads" {
			problems = Compatible(named(words[0]), named(words[2]))
		} else {
			before, after := field(words[1]), field(words[3])
			if words[0] != "FORWARD" {
				problems = Compatible(after, before)
			}
			if words[0] != "BACKWARD" {
				problems = append(problems, Compatible(before, after)...)
			}
		}
		if got := len(problems) == 0; got != (want == "yes") {
			t.Errorf("%s = %v, want %s: %v", line, got, want, problems)
		}
	}
	if pairs < 204 {
		t.Errorf("%d pairs, want 204 at least", pairs)
	}
}

// TestAny parses what other systems register.
func TestAny(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`"string"`, `"null"`, `{"type":"string"}`, `{"type":"bytes","logicalType":"decimal","precision":30,"scale":4}`,
		`["null","string",{"type":"map","values":["null","long"]}]`,
		`{"type":"array","items":"int"}`,
		`{"type":{"type":"string","avro.java.string":"String"}}`,
		`{"type":"record","name":"Envelope","namespace":"db.public.t","fields":[
			{"name":"before","type":["null",{"type":"record","name":"Value","fields":[
				{"name":"id","type":"int"},{"name":"at","type":{"type":"long","connect.name":"io.debezium.time.MicroTimestamp"}},
				{"name":"day","type":["null",{"type":"int","logicalType":"date"}],"default":null},
				{"name":"us","type":{"type":"long","logicalType":"timestamp-micros"}}]}],"default":null},
			{"name":"after","type":["null","Value"],"default":null},
			{"name":"op","type":{"type":"enum","name":"Op","symbols":["c","u","d"],"default":"c"}},
			{"name":"hash","type":{"type":"fixed","name":"Hash","size":16,"logicalType":"duration"}},
			{"name":"tags","type":{"type":"map","values":"string"},"default":{}},
			{"name":"n","type":["long","null"],"default":7}],"connect.version":1}`,
		`{"type":"record","name":"List","fields":[{"name":"head","type":"int"},{"name":"tail","type":["null","List"],"default":null}]}`,
		`{"type":"record","name":"D","fields":[{"name":"a","type":["null","string"],"default":"a later branch, as 1.12 has it"}]}`,
	} {
		s := parse(t, text)
		if p := Compatible(s, s); len(p) > 0 {
			t.Errorf("%s does not read itself: %v", text, p)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"type":"array","items":`, 210) + `"int"` + strings.Repeat("}", 210)
	for _, c := range []struct{ text, want string }{
		{`{`, "JSON"},
		{`"strange"`, "not defined"},
		{`{"type":"record","name":"a b","fields":[]}`, "letters"},
		{`{"type":"record","name":"A"}`, "fields"},
		{`{"type":"record","name":"int","fields":[]}`, "primitive"},
		{`{"type":"record","name":"A","fields":[{"name":"x","type":"int"},{"name":"x","type":"int"}]}`, "twice"},
		{`{"type":"record","name":"A","fields":[{"name":"x","type":{"type":"enum","name":"A","symbols":[]}}]}`, "defined twice"},
		{`{"type":"enum","name":"E","symbols":["A","A"]}`, "twice"},
		{`{"type":"enum","name":"E","symbols":["A"],"default":"B"}`, "none of the symbols"},
		{`{"type":"fixed","name":"F"}`, "size"},
		{`["int",["null"]]`, "union"},
		{`["int","int"]`, "twice"},
		{`{"type":"record","name":"A","fields":[{"name":"x","type":"int","default":"1"}]}`, "default"},
		{`{"type":"record","name":"A","fields":[{"name":"x","type":{"type":"map","values":"int"},"default":{"k":null}}]}`, "default"},
		{`{"type":"record","name":"A","fields":[{"name":"x","type":"int","order":"up"}]}`, "ascending, descending or ignore"},
		{`{"a":1,"a":2}`, "twice"},
		{deep, "nested"},
	} {
		_, err := Parse(c.text, size)
		if _, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%.80s) = %v, want an Error with %q", c.text, err, c.want)
		}
	}
}

// TestListsInLists takes nothing for read that was so only while something else was taken to be.
func TestListsInLists(t *testing.T) {
	t.Parallel()
	// A reads W in its first field only if A reads W, and does not in its second; B holds the same first field.
	list := `{"type":"record","name":"ns.N","fields":[{"name":"up","type":%q}]}`
	w := `{"type":"record","name":"w.W","fields":[{"name":"first","type":` + strings.ReplaceAll(list, "%q", `"w.W"`) + `},{"name":"second","type":"string"}]}`
	a := `{"type":"record","name":"a.W","fields":[{"name":"first","type":` + strings.ReplaceAll(list, "%q", `"a.W"`) + `},{"name":"second","type":"int"}]}`
	b := `{"type":"record","name":"b.W","fields":[{"name":"first","type":"ns.N"}]}`
	if p := Compatible(parse(t, `[`+a+`,`+b+`]`), parse(t, w)); len(p) == 0 {
		t.Error("a list whose rows cannot be read is read")
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	city := `{"type":"record","name":"gov.City","fields":[{"name":"n","type":"string"}]}`
	home := `{"type":"record","name":"gov.Home","fields":[{"name":"city","type":"City"}]}`
	if _, err := Parse(home, size); err == nil {
		t.Fatal("a type that is defined nowhere was taken")
	}
	s := parse(t, home, city)
	wider := strings.Replace(city, `"string"`, `["null","string"]`, 1)
	if p := Compatible(parse(t, home, wider), s); len(p) > 0 {
		t.Errorf("a reader of a wider city does not read: %v", p)
	}
	if p := Compatible(s, parse(t, home, wider)); len(p) == 0 {
		t.Error("a reader of a narrower city reads")
	}
}

// TestIntricate compares what would take for ever pair by pair.
func TestIntricate(t *testing.T) {
	t.Parallel()
	tree := func(wrong string) *Schema {
		text := wrong
		for i := range 24 {
			text = fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":["null",%s]},{"name":"b","type":"%s"}]}`, i, text, "int")
		}
		return parse(t, text)
	}
	if p := Compatible(tree(`"string"`), tree(`"long"`)); len(p) == 0 {
		t.Error("a string deep inside reads a long")
	}
	many := func(kind string) *Schema {
		var b strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&b, `,{"type":"record","name":"%s%d","fields":[]}`, kind, i)
		}
		return parse(t, "["+b.String()[1:]+"]")
	}
	if p := Compatible(many("A"), many("B")); len(p) == 0 || !strings.Contains(p[len(p)-1].EN, "intricate") {
		t.Errorf("9 million pairs of types: %d problems, want it said that they are too many", len(p))
	}
	symbols := func(from int) *Schema {
		var b strings.Builder
		for i := range 50_000 {
			fmt.Fprintf(&b, `,"S%d"`, from+i)
		}
		return parse(t, `{"type":"enum","name":"E","symbols":[`+b.String()[1:]+`]}`)
	}
	if p := Compatible(symbols(0), symbols(1)); len(p) != 1 || !strings.Contains(p[0].EN, "lacks S50000 ") {
		t.Errorf("an enum that lacks one of 50000 symbols: %v", p)
	}
}

func FuzzCompatible(f *testing.F) {
	f.Add(`"int"`, `"long"`)
	f.Add(`{"type":"record","name":"L","fields":[{"name":"t","type":["null","L"]}]}`, `{"type":"map","values":["int","null"]}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		x, err := Parse(a, 4096)
		if err != nil {
			return
		}
		if p := Compatible(x, x); len(p) > 0 {
			t.Fatalf("%q does not read itself: %v", a, p)
		}
		if y, err := Parse(b, 4096); err == nil {
			Compatible(x, y)
		}
	})
}

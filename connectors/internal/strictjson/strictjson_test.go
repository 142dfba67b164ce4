package strictjson_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/internal/strictjson"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	tests := map[string]bool{
		`{}`: true, `[]`: true, `1`: true, `"x"`: true, ` {"a":[1,{"b":null}]} `: true, deep(8): true,
		`"[[[[[[[[[[["`: true, `{"a\"[":1}`: true, `"\ud83d\ude00"`: true,
		``: false, `{`: false, `{"a":1,}`: false, `[1 2]`: false, `{} {}`: false, `nul`: false, `01`: false, `NaN`: false,
		deep(9): false, strings.Repeat("[", 1_000_000): false, `{"a":1,"a":2}`: false, `[{"x":{"a":1,"a":2}}]`: false, `{"a":1,"\u0061":2}`: false,
		`1e400000`: false, `{"a":-1e999}`: false, `1e308`: true, `1e-400000`: false, `0e5`: true, `0.00`: true, `{"a":[123456789012345678.25]}`: true,
		`"\ud800"`: false, `{"\udc00":1}`: false, "\"\xff\"": false, "\"\x00\"": false,
	}
	for text, want := range tests {
		err := strictjson.Check([]byte(text), 8)
		if (err == nil) != want || err != nil && !errors.Is(err, strictjson.ErrRefused) {
			t.Errorf("Check(%.40q) = %v, want accepted %v", text, err, want)
		}
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	got, err := strictjson.Object([]byte(`{"s":"x\ny","n":1.30E+17,"b":true,"z":null,"o":{"a":[1]},"l":[2]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []strictjson.Member{
		{Name: "s", Raw: json.RawMessage(`"x\ny"`), Cell: connectors.Text("x\ny")},
		{Name: "n", Raw: json.RawMessage(`1.30E+17`), Cell: connectors.Cell{Text: "1.30E+17", State: connectors.Given, Form: connectors.FormNumber}},
		{Name: "b", Raw: json.RawMessage(`true`), Cell: connectors.Cell{Text: "true", State: connectors.Given, Form: connectors.FormBoolean}},
		{Name: "z", Raw: json.RawMessage(`null`), Cell: connectors.Cell{State: connectors.Null}},
		{Name: "o", Raw: json.RawMessage(`{"a":[1]}`), Nested: true},
		{Name: "l", Raw: json.RawMessage(`[2]`), Nested: true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	for _, text := range []string{`[]`, `1`, `"x"`, `null`} {
		if _, err := strictjson.Object([]byte(text)); !errors.Is(err, strictjson.ErrRefused) {
			t.Errorf("Object(%s) = %v, want ErrRefused", text, err)
		}
	}
}

// FuzzCheck: what is accepted must mean the same to encoding/json.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x",null]}`, `[[[]]]`, `{"a":1,"a":2}`, `"\ud800"`, `1e400`, "\xef\xbb\xbf{}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if strictjson.Check(data, 16) != nil {
			return
		}
		var v any
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("accepted, but encoding/json says %v", err)
		}
		if m, ok := v.(map[string]any); ok {
			members, err := strictjson.Object(data)
			if err != nil || len(members) != len(m) {
				t.Fatalf("%d members, want %d (%v)", len(members), len(m), err)
			}
		}
	})
}

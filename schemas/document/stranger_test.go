package document

import (
	"fmt"
	"testing"

	"github.com/goccy/go-yaml/parser"
)

// A key that a form does not know is told by its place, with those it does and the one that
// was meant, wherever it stands; keys that a file gives itself are not.
func TestStrangers(t *testing.T) {
	text := &Form{Kind: Text}
	inner := &Form{Kind: Mapping, Keys: []Key{{Name: "view", Form: text}, {Name: "fields", Form: &Form{Kind: List, Each: text}}}}
	form := &Form{Kind: Mapping, Keys: []Key{{Name: "id", Form: text}, {Name: "grants", Form: &Form{Kind: List, Each: inner}}, {Name: "names", Form: &Form{Kind: Map, Each: inner}}}}
	file, err := parser.ParseBytes([]byte("id: a\ngrants:\n  - {view: v, felds: [x]}\n  - view: w\nnames:\n  own: {viewx: 1}\nowner: b\n"), 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range form.Strangers(file.Docs[0].Body) {
		got = append(got, fmt.Sprintf("%d:%d %s / %s", e.Line, e.Column, e.Chinese, e.English))
	}
	want := []string{
		`3:15 不认识的项 "felds"，是否想写 fields；可用：view fields / unknown key "felds", did you mean fields? Known: view fields`,
		`6:9 不认识的项 "viewx"，是否想写 view；可用：view fields / unknown key "viewx", did you mean view? Known: view fields`,
		`7:1 不认识的项 "owner"；可用：id grants names / unknown key "owner". Known: id grants names`,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Strangers =\n%q\nwant\n%q", got, want)
	}
}

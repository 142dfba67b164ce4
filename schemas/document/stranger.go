package document

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Strangers are the keys in a value that its form does not know, each with those it does and
// the one that was likely meant.
func (f *Form) Strangers(n ast.Node) (found []*SyntaxError) {
	var pairs []*ast.MappingValueNode
	switch v := n.(type) {
	case *ast.SequenceNode:
		if f.Kind == List {
			for _, item := range v.Values {
				found = append(found, f.Each.Strangers(item)...)
			}
		}
		return found
	case *ast.MappingNode:
		pairs = v.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{v}
	}
	for _, p := range pairs {
		name, form := p.Key.GetToken().Value, f.Each
		if f.Kind == Mapping {
			k := f.Key(name)
			if k == nil {
				found = append(found, f.stranger(p.Key, name))
				continue
			}
			form = k.Form
		}
		if form != nil {
			found = append(found, form.Strangers(p.Value)...)
		}
	}
	return found
}

func (f *Form) stranger(at ast.Node, name string) *SyntaxError {
	known, zh, en := f.Names(), "", "."
	if near := Nearest(name, known, 2+len(name)/3); len(near) > 0 {
		zh, en = "，是否想写 "+near[0], ", did you mean "+near[0]+"?"
	}
	all := strings.Join(known, " ")
	return wrong(at, fmt.Sprintf("不认识的项 %q%s；可用：%s", name, zh, all), fmt.Sprintf("unknown key %q%s Known: %s", name, en, all))
}

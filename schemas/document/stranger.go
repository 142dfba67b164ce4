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
	meant, far := "", 1+len(name)/3
	for _, known := range f.Names() {
		if d := Distance(name, known); d <= far {
			meant, far = known, d-1
		}
	}
	zh, en := "", "."
	if meant != "" {
		zh, en = "，是否想写 "+meant, ", did you mean "+meant+"?"
	}
	all := strings.Join(f.Names(), " ")
	return wrong(at, fmt.Sprintf("不认识的项 %q%s；可用：%s", name, zh, all), fmt.Sprintf("unknown key %q%s Known: %s", name, en, all))
}

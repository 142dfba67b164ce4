package manifest

import (
	"github.com/goccy/go-yaml/ast"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// written returns what a place of a file says, as its form has it: text for what is one
// value, []any, and map[string]any without the keys that say their default. Two places
// that mean the same are equal in it, however they are laid out and commented.
func (n node) written(f *document.Form) any {
	switch v := n.n.(type) {
	case *ast.SequenceNode:
		if f.Kind != document.List {
			return nil
		}
		all := make([]any, 0, len(v.Values))
		for _, item := range v.Values {
			all = append(all, n.with(item).written(f.Each))
		}
		return all
	case *ast.MappingNode:
		return n.writtenPairs(v.Values, f)
	case *ast.MappingValueNode:
		return n.writtenPairs([]*ast.MappingValueNode{v}, f)
	case *ast.StringNode, *ast.LiteralNode, *ast.IntegerNode:
		s, _ := n.text()
		return s
	case *ast.BoolNode, *ast.FloatNode:
		return v.GetToken().Value
	}
	return nil
}

func (n node) writtenPairs(pairs []*ast.MappingValueNode, f *document.Form) any {
	all := make(map[string]any, len(pairs))
	for _, p := range pairs {
		name, form, absent := p.Key.GetToken().Value, f.Each, ""
		if f.Kind == document.Mapping {
			k := f.Key(name)
			if k == nil {
				continue // it is refused
			}
			form, absent = k.Form, k.Default
		}
		if form == nil {
			continue
		}
		if v := n.with(p.Value).written(form); absent == "" || v != any(absent) {
			all[name] = v
		}
	}
	return all
}

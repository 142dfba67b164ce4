package document

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Place returns line and column of a path such as options.tables.ga.t_czrk.columns or
// datasets[1] in a text of YAML: the value's, else of what stands nearest above it. Keys may
// hold dots. 0, 0 is for a text that is no YAML.
func Place(text []byte, path string) (line, column int) {
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil || len(parsed.Docs) == 0 || parsed.Docs[0].Body == nil {
		return 0, 0
	}
	at := ast.Node(nil)
	for n := parsed.Docs[0].Body; n != nil; {
		at, n, path = step(at, n, path)
	}
	if at == nil || at.GetToken() == nil || at.GetToken().Position == nil {
		return 1, 1
	}
	return at.GetToken().Position.Line, at.GetToken().Position.Column
}

// step goes one key or item down: what was found, where it goes on, nil at the end, and
// what is left of the path.
func step(at, n ast.Node, path string) (found, next ast.Node, rest string) {
	switch v := n.(type) {
	case *ast.MappingNode:
		return below(at, v.Values, path)
	case *ast.MappingValueNode:
		return below(at, []*ast.MappingValueNode{v}, path)
	case *ast.SequenceNode:
		for i, item := range v.Values {
			if rest, ok := strings.CutPrefix(path, fmt.Sprintf("[%d]", i)); ok {
				return item, item, strings.TrimPrefix(rest, ".")
			}
		}
	}
	return at, nil, ""
}

func below(at ast.Node, pairs []*ast.MappingValueNode, path string) (found, next ast.Node, rest string) {
	for _, p := range pairs {
		rest, ok := strings.CutPrefix(path, p.Key.GetToken().Value)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return p.Key, p.Value, strings.TrimPrefix(rest, ".")
		}
	}
	return at, nil, ""
}

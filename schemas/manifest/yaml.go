package manifest

import (
	"errors"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// Bounds of one catalogue file: far above any real one, far below what could
// hurt the reader.
const (
	maxFile  = 256 << 10
	maxDepth = 24
)

// node is one place of a YAML file. The zero node stands for something absent.
type node struct {
	file string
	n    ast.Node
	out  *collector
}

// parseYAML reads the one document of a file, refusing what the catalogue has
// no use for: anchors, aliases, merges, tags, duplicate keys.
func parseYAML(name string, data []byte, out *collector) (root node, ok bool) {
	data, unfit := document.One(data)
	bad := func(line, column int, chinese, english string, args ...any) (node, bool) { //nolint:unparam // says and returns in one
		out.add(name, line, column, false, "unreadable", chinese, english, args...)
		return node{}, false
	}
	if len(data) > maxFile {
		return bad(0, 0, "文件超过 256 KiB，请拆分", "the file is larger than 256 KiB, split it")
	}
	if foreign := (*document.EncodingError)(nil); errors.As(unfit, &foreign) {
		said := document.Syntax(foreign)
		return bad(said.Line, said.Column, "%[1]s", "%[2]s", said.Chinese, said.English)
	}
	if line := tooDeep(data); line > 0 {
		return bad(line, 1, "嵌套过深", "nested too deep")
	}
	if second := (*document.SecondError)(nil); errors.As(unfit, &second) {
		out.add(name, second.Line, 1, false, "syntax", document.Chinese, document.English)
		return node{}, false
	}
	defer func() {
		if p := recover(); p != nil {
			root, ok = bad(0, 0, "无法解析 YAML", "the YAML cannot be parsed")
		}
	}()
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		e := document.Syntax(err)
		if m := duplicateKey.FindStringSubmatch(e.English); m != nil {
			out.add(name, e.Line, e.Column, false, "duplicate-key", "键 %[1]q 重复，已在第 %[2]s 行", "key %[1]q stands twice, first on line %[2]s", m[1], m[2])
		} else {
			out.add(name, e.Line, e.Column, false, "syntax", "YAML 语法错误：%[1]s", "YAML syntax: %[2]s", e.Chinese, e.English)
		}
		return node{}, false
	}
	var bodies []ast.Node
	for _, d := range f.Docs {
		if d.Body != nil {
			bodies = append(bodies, d.Body)
		}
	}
	switch len(bodies) {
	case 0:
		return bad(1, 1, "文件是空的", "the file is empty")
	case 1:
	default:
		second := node{file: name, n: bodies[1], out: out}
		second.problem("syntax", document.Chinese, document.English)
		return node{}, false
	}
	root = node{file: name, n: bodies[0], out: out}
	return root, root.plain(0)
}

var duplicateKey = regexp.MustCompile(`^mapping key "(.*)" already defined at \[(\d+):`)

// tooDeep returns the line on which brackets or block indicators nest deeper
// than any catalogue file does, 0 if none: the parser recurses, and a stack
// cannot be caught. Brackets inside text count too, which is harmless.
func tooDeep(data []byte) int {
	depth, line, dashes := 0, 1, 0
	for _, b := range data {
		switch b {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		case '-', '?':
			dashes++
		case '\n':
			line++
			dashes = 0
		}
		if depth > 4*maxDepth || dashes > 400 {
			return line
		}
	}
	return 0
}

// plain refuses the parts of YAML that make a file mean something else than it
// shows.
func (n node) plain(depth int) bool {
	if depth > maxDepth {
		return n.problem("syntax", "嵌套过深", "nested too deep")
	}
	switch v := n.n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return n.problem("syntax", "不支持锚点、别名和合并(& * <<)，请把内容写全", "anchors, aliases and merges (& * <<) are refused, write it out")
	case *ast.TagNode, *ast.DirectiveNode:
		return n.problem("syntax", "不支持标签和指令(! %)", "tags and directives (! %) are refused")
	case *ast.MappingNode:
		ok := true
		for _, e := range v.Values {
			ok = n.with(e).plain(depth) && ok
		}
		return ok
	case *ast.MappingValueNode:
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			return n.with(v.Key).plain(depth)
		}
		switch v.Key.(type) {
		case *ast.StringNode, *ast.IntegerNode, *ast.NullNode, *ast.BoolNode, *ast.FloatNode:
		default:
			return n.with(v.Key).problem("syntax", "键必须是普通文字", "a key must be plain text")
		}
		return n.with(v.Value).plain(depth + 1)
	case *ast.SequenceNode:
		ok := true
		for _, e := range v.Values {
			ok = n.with(e).plain(depth+1) && ok
		}
		return ok
	}
	return true
}

func (n node) with(child ast.Node) node { return node{n.file, child, n.out} }

func (n node) exists() bool { return n.n != nil }

// place returns line and column, 0 for the zero node.
func (n node) place() (line, column int) {
	if n.n == nil {
		return 0, 0
	}
	t := n.n.GetToken()
	switch v := n.n.(type) {
	case *ast.MappingValueNode:
		t = v.Key.GetToken()
	case *ast.MappingNode:
		if !v.IsFlowStyle && len(v.Values) > 0 {
			t = v.Values[0].Key.GetToken()
		}
	case *ast.LiteralNode:
		t = v.Start
	}
	if t == nil || t.Position == nil {
		return 0, 0
	}
	return t.Position.Line, t.Position.Column
}

// problem records an error at the node and returns false.
func (n node) problem(rule, chinese, english string, args ...any) bool {
	line, column := n.place()
	n.out.add(n.file, line, column, false, rule, chinese, english, args...)
	return false
}

// warn records a warning at the node.
func (n node) warn(rule, chinese, english string, args ...any) {
	line, column := n.place()
	n.out.add(n.file, line, column, true, rule, chinese, english, args...)
}

func (n node) items() ([]node, bool) {
	s, ok := n.n.(*ast.SequenceNode)
	if !ok {
		return nil, n.problem("shape", "这里应是列表", "expected a list")
	}
	items := make([]node, len(s.Values))
	for i, v := range s.Values {
		items[i] = n.with(v)
	}
	return items, true
}

// text returns a scalar as it is written. A bare number is taken by its digits
// (539900, 01); what YAML would turn into something else is refused.
func (n node) text() (string, bool) {
	switch v := n.n.(type) {
	case *ast.StringNode:
		return strings.TrimSpace(v.Value), true
	case *ast.LiteralNode:
		return strings.TrimSpace(v.Value.Value), true
	case *ast.IntegerNode:
		return v.GetToken().Value, true
	case *ast.NullNode:
		return "", n.problem("shape", "这里是空的", "this is empty")
	case *ast.BoolNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "", n.problem("shape", "这里应是文字，请加引号: %[1]q", "expected text, quote it: %[1]q", n.n.GetToken().Value)
	}
	return "", n.problem("shape", "这里应是文字", "expected text")
}

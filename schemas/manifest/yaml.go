package manifest

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	yaml "github.com/goccy/go-yaml"
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
	data, twice := document.One(data)
	bad := func(line, column int, chinese, english string, args ...any) (node, bool) { //nolint:unparam // says and returns in one
		out.add(name, line, column, false, "unreadable", chinese, english, args...)
		return node{}, false
	}
	switch {
	case len(data) > maxFile:
		return bad(0, 0, "文件超过 256 KiB, 请拆分", "the file is larger than 256 KiB, split it")
	case !utf8.Valid(data):
		return bad(badUTF8(data), 1, "不是 UTF-8 编码，请另存为 UTF-8", "not UTF-8, save it as UTF-8")
	}
	if line := tooDeep(data); line > 0 {
		return bad(line, 1, "嵌套过深", "nested too deep")
	}
	if second := (*document.SecondError)(nil); errors.As(twice, &second) {
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
		line, column, text := syntaxError(err)
		if m := duplicateKey.FindStringSubmatch(text); m != nil {
			out.add(name, line, column, false, "duplicate-key", "键 %[1]q 重复，已在第 %[2]s 行", "key %[1]q stands twice, first on line %[2]s", m[1], m[2])
		} else {
			out.add(name, line, column, false, "syntax", "YAML 语法错误: %[1]s", "YAML syntax: %[1]s", text)
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

// badUTF8 returns the line of the first byte that is not UTF-8.
func badUTF8(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[size:]
	}
	return line
}

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

func syntaxError(err error) (line, column int, text string) {
	var e yaml.Error
	if !errors.As(err, &e) {
		return 0, 0, firstLine(err.Error())
	}
	if t := e.GetToken(); t != nil && t.Position != nil {
		line, column = t.Position.Line, t.Position.Column
	}
	return line, column, firstLine(e.GetMessage())
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// plain refuses the parts of YAML that make a file mean something else than it
// shows.
func (n node) plain(depth int) bool {
	if depth > maxDepth {
		return n.problem("syntax", "嵌套过深", "nested too deep")
	}
	switch v := n.n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return n.problem("syntax", "不支持锚点、别名和合并(& * <<), 请把内容写全", "anchors, aliases and merges (& * <<) are refused, write it out")
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

// unknown records that name is not one of known, with the nearest of them.
func (n node) unknown(rule, whatChinese, what, name string, known []string) {
	zh, en := hint(name, known)
	n.problem(rule, "%[1]s %[3]q 不存在%[4]s", "unknown %[2]s %[3]q%[5]s", whatChinese, what, name, zh, en)
}

// notAmong is unknown for a set that the language of catalogues closes: all of it is
// said, whatever is near.
func (n node) notAmong(rule, whatChinese, what, name string, set []string) {
	zh, en := "；可用：", ", known: "
	if best := nearest(name, set); best != "" {
		zh, en = "，是否想写 "+best+zh, ", did you mean "+best+"? Known: "
	}
	n.problem(rule, "%[1]s %[3]q 不存在%[4]s%[6]s", "unknown %[2]s %[3]q%[5]s%[6]s", whatChinese, what, name, zh, en, strings.Join(set, " "))
}

// mapping is a YAML mapping whose keys are all known.
type mapping struct {
	node
	names  []string // in order of the file
	keys   map[string]node
	values map[string]node
}

// entries reads a mapping whose keys are names of the catalogue's own.
func (n node) entries() (mapping, bool) {
	m := mapping{node: n, keys: map[string]node{}, values: map[string]node{}}
	var pairs []*ast.MappingValueNode
	switch v := n.n.(type) {
	case *ast.MappingNode:
		pairs = v.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{v}
	default:
		return m, n.problem("shape", "这里应是 键：值 的映射", "expected a mapping (key: value)")
	}
	for _, p := range pairs {
		key := p.Key.GetToken().Value
		if _, twice := m.keys[key]; twice {
			n.with(p.Key).problem("duplicate-key", "键 %[1]q 重复", "key %[1]q stands twice", key)
			continue
		}
		m.names = append(m.names, key)
		m.keys[key], m.values[key] = n.with(p.Key), n.with(p.Value)
	}
	return m, true
}

// fields reads a mapping that may have only the allowed keys.
func (n node) fields(allowed ...string) (mapping, bool) {
	m, ok := n.entries()
	if !ok {
		return m, false
	}
	for _, name := range m.names {
		if !slices.Contains(allowed, name) {
			m.keys[name].unknown("unknown-key", "键", "key", name, allowed)
		}
	}
	return m, true
}

func (m mapping) has(key string) bool { return m.values[key].exists() }

// at returns the value of a key, or the mapping itself if the key is absent, so
// that a message always has a place.
func (m mapping) at(key string) node {
	if v, ok := m.values[key]; ok {
		return v
	}
	return m.node
}

// text returns a text that must be there and not be empty.
func (m mapping) text(key string) string {
	v, ok := m.values[key]
	if !ok {
		m.problem("missing-key", "缺少 %[1]s", "%[1]s is missing", key)
		return ""
	}
	s, ok := v.text()
	if ok && s == "" {
		v.problem("missing-key", "%[1]s 不能为空", "%[1]s must not be empty", key)
	}
	return s
}

// optional returns a text that may be absent.
func (m mapping) optional(key, absent string) string {
	v, ok := m.values[key]
	if !ok {
		return absent
	}
	s, _ := v.text()
	return s
}

// oneOf returns a text that must be one of a set; a key with a default may be absent.
func (m mapping) oneOf(key, absent string, set []string) string {
	if absent != "" && !m.has(key) {
		return absent
	}
	s := m.text(key)
	if s != "" && !slices.Contains(set, s) {
		m.at(key).notAmong("bad-value", key+" 的值", "value of "+key, s, set)
	}
	return s
}

func (m mapping) flag(key string) bool {
	v, ok := m.values[key]
	if !ok {
		return false
	}
	b, ok := v.n.(*ast.BoolNode)
	if !ok {
		return v.problem("bad-value", "%[1]s 只能是 true 或 false", "%[1]s must be true or false", key)
	}
	return b.Value
}

// number returns a whole number of 0 to limit.
func (m mapping) number(key string, absent, limit int) int {
	v, ok := m.values[key]
	if !ok {
		return absent
	}
	if i, isInt := v.n.(*ast.IntegerNode); isInt {
		if n, err := strconv.Atoi(i.GetToken().Value); err == nil && n >= 0 && n <= limit {
			return n
		}
	}
	v.problem("bad-value", "%[1]s 应是 0 到 %[2]d 的整数", "%[1]s must be a whole number of 0 to %[2]d", key, limit)
	return absent
}

func (m mapping) float(key string) *float64 {
	v, ok := m.values[key]
	if !ok {
		return nil
	}
	switch v.n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		if f, err := strconv.ParseFloat(v.n.GetToken().Value, 64); err == nil {
			return &f
		}
	}
	v.problem("bad-value", "%[1]s 应是数字", "%[1]s must be a number", key)
	return nil
}

// list returns the items of a sequence, nil if the key is absent.
func (m mapping) list(key string) []node {
	v, ok := m.values[key]
	if !ok {
		return nil
	}
	return v.items()
}

func (n node) items() []node {
	s, ok := n.n.(*ast.SequenceNode)
	if !ok {
		n.problem("shape", "这里应是列表", "expected a list")
		return nil
	}
	items := make([]node, len(s.Values))
	for i, v := range s.Values {
		items[i] = n.with(v)
	}
	return items
}

// texts returns a list of texts, each once.
func (m mapping) texts(key string) (names []string, at []node) {
	for _, item := range m.list(key) {
		s, ok := item.text()
		if !ok {
			continue
		}
		if slices.Contains(names, s) {
			item.problem("duplicate", "%[1]q 重复", "%[1]q stands twice", s)
			continue
		}
		names, at = append(names, s), append(at, item)
	}
	return names, at
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

// name returns a text that must be a name of the given form.
func (n node) named(form *nameForm) string {
	s, ok := n.text()
	if ok && !form.match(s) {
		n.problem("bad-name", "名称 %[1]q 不合规则: %[2]s", "name %[1]q must match %[2]s", s, form.pattern)
	}
	return s
}

// nameForm is one of the forms names have.
type nameForm struct {
	pattern     string
	first, rest func(byte) bool
	max         int
}

var (
	datasetForm = &nameForm{"[A-Za-z][A-Za-z0-9]*", isLetter, func(b byte) bool { return isLetter(b) || isDigit(b) }, 40}
	fieldForm   = &nameForm{"[A-Za-z][A-Za-z0-9_]*", isLetter, func(b byte) bool { return isLetter(b) || isDigit(b) || b == '_' }, 64}
	lowerForm   = &nameForm{"[a-z][a-z0-9_]*", isLower, func(b byte) bool { return isLower(b) || isDigit(b) || b == '_' }, 40}
	codeForm    = &nameForm{"[A-Za-z][A-Za-z0-9-]*", isLetter, func(b byte) bool { return isLetter(b) || isDigit(b) || b == '-' }, 40}
)

func (f *nameForm) match(s string) bool {
	if s == "" || len(s) > f.max || !f.first(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !f.rest(s[i]) {
			return false
		}
	}
	return true
}

func isLower(b byte) bool  { return 'a' <= b && b <= 'z' }
func isLetter(b byte) bool { return isLower(b) || 'A' <= b && b <= 'Z' }
func isDigit(b byte) bool  { return '0' <= b && b <= '9' }

package grants

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	yamlfile "github.com/goccy/go-yaml/parser"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// most is how many faults are told with their place; of a file with more the first ones
// say enough.
const most = 100

// located puts file, line and column in front of each fault of applications, and of what
// is no YAML; any other error it returns as it is.
func located(path string, text []byte, err error) error {
	if syntax := (*document.SyntaxError)(nil); errors.As(err, &syntax) {
		return document.In(path, "不是合法的 YAML", "not valid YAML", syntax)
	}
	if wrong := misfits(nil); errors.As(err, &wrong) {
		return errors.New(wrong.in(path + ":"))
	}
	var faults access.FaultErrors
	if !errors.As(err, &faults) {
		return err
	}
	text, _ = document.One(text) // it has been read by it
	file, parsed := yamlfile.ParseBytes(text, 0)
	if parsed != nil || len(file.Docs) == 0 {
		return err
	}
	lines := []string{fmt.Sprintf("%d 处错误 / %d problems", len(faults), len(faults))}
	for _, f := range faults[:min(len(faults), most)] {
		line, column := place(file, fmt.Sprintf("$.applications[%d]", f.Application), f.Path)
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %v", path, line, column, f))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// place finds what a path names, or the nearest above it that there is.
func place(file *ast.File, application, path string) (line, column int) {
	whole := application
	if path != "" {
		whole += "." + path
	}
	for {
		if p, err := yaml.PathString(whole); err == nil {
			if n, err := p.FilterFile(file); err == nil && n != nil {
				return start(n)
			}
		}
		if whole == application {
			return 0, 0
		}
		whole = whole[:max(strings.LastIndexAny(whole, ".["), len(application))]
	}
}

// start is where a node begins.
func start(n ast.Node) (line, column int) {
	t := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		t = m.Values[0].Key.GetToken()
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		t = m.Key.GetToken()
	}
	return t.Position.Line, t.Position.Column
}

// misfits are numbers that are none and keys without a value.
type misfits []*document.SyntaxError

func (m misfits) Error() string { return m.in("") }

// in tells the first of them, each on a line with its place.
func (m misfits) in(file string) string {
	lines := []string{fmt.Sprintf("%d 处错误 / %d problems", len(m), len(m))}
	for _, e := range m[:min(len(m), most)] {
		lines = append(lines, fmt.Sprintf("%s%d:%d: %s / %s", file, e.Line, e.Column, e.Chinese, e.English))
	}
	return strings.Join(lines, "\n")
}

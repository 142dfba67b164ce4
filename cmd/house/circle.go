package main

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// arrows of one package: file -> file -> the names that the first takes from the second.
type arrows map[string]map[string]map[string]bool

// circles prints, package by package, the files whose references run in a circle. A reference is the use of a function, type, variable,
// constant or method that another file of the package defines; naming the receiver's type in a method's head is none, because Go lets a
// method stand in another file than its type.
func circles(out *strings.Builder, module string, ours []*unit, units map[string]*unit, due debt, all bool) (bool, error) {
	files := token.NewFileSet()
	compiled := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		u := units[path]
		if u == nil || u.Export == "" {
			return nil, fmt.Errorf("no compiled package %s", path)
		}
		return os.Open(u.Export)
	})
	arrowsOfAll, found, inside, passed := 0, 0, 0, false
	var lines []string
	for _, u := range ours {
		refs, err := references(files, compiled, u)
		if err != nil {
			return false, err
		}
		for _, to := range refs {
			arrowsOfAll += len(to)
		}
		for _, ring := range rings(refs) {
			found++
			passed = !due.of(u.place(module)) || passed
			lines = append(lines, fmt.Sprintf("%6d  %s: %s", len(ring), u.place(module), strings.Join(ring, " ")))
			for _, from := range ring {
				for _, to := range ring {
					if names := refs[from][to]; len(names) > 0 {
						inside++
						if all {
							lines = append(lines, fmt.Sprintf("          %s -> %s: %s", from, to, strings.Join(slices.Sorted(maps.Keys(names)), " ")))
						}
					}
				}
			}
		}
	}
	fmt.Fprintf(out, "files: %d arrows between the files of a package, %d of them in %d circles\n", arrowsOfAll, inside, found)
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	return passed, nil
}

// references reads and type-checks one package.
func references(files *token.FileSet, compiled types.Importer, u *unit) (arrows, error) {
	var parsed []*ast.File
	for _, path := range u.paths() {
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, file)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	check := types.Config{Importer: compiled}
	pkg, err := check.Check(u.ImportPath, files, parsed, info)
	if err != nil {
		return nil, fmt.Errorf("type-check %s: %w", u.ImportPath, err)
	}
	heads := map[*ast.Ident]bool{}
	for _, file := range parsed {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
				ast.Inspect(f.Recv, func(n ast.Node) bool {
					if id, ok := n.(*ast.Ident); ok {
						heads[id] = true
					}
					return true
				})
			}
		}
	}
	refs := arrows{}
	for id, object := range info.Uses {
		if object.Pkg() != pkg || heads[id] || !named(pkg, object) {
			continue
		}
		from, to := filepath.Base(files.Position(id.Pos()).Filename), filepath.Base(files.Position(object.Pos()).Filename)
		if from == to {
			continue
		}
		if refs[from] == nil {
			refs[from] = map[string]map[string]bool{}
		}
		if refs[from][to] == nil {
			refs[from][to] = map[string]bool{}
		}
		refs[from][to][object.Name()] = true
	}
	return refs, nil
}

// named tells a name of the package, or a method of one of its types, from a local name or a field. A method that only an interface
// declares is of the interface's file.
func named(pkg *types.Package, object types.Object) bool {
	if f, ok := object.(*types.Func); ok {
		return f.Origin() != nil
	}
	return object.Parent() == pkg.Scope()
}

// rings are the strongly connected components of more than one file, by Tarjan's algorithm (1972), each sorted, the largest first.
func rings(refs arrows) [][]string {
	index, low, on := map[string]int{}, map[string]int{}, map[string]bool{}
	var stack []string
	var found [][]string
	var visit func(string)
	visit = func(v string) {
		index[v] = len(index) + 1
		low[v] = index[v]
		stack, on[v] = append(stack, v), true
		for _, w := range slices.Sorted(maps.Keys(refs[v])) {
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if on[w] {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		at := slices.Index(stack, v)
		ring := slices.Clone(stack[at:])
		for _, w := range ring {
			on[w] = false
		}
		stack = stack[:at]
		if len(ring) > 1 {
			slices.Sort(ring)
			found = append(found, ring)
		}
	}
	for _, v := range slices.Sorted(maps.Keys(refs)) {
		if index[v] == 0 {
			visit(v)
		}
	}
	slices.SortStableFunc(found, func(a, b []string) int { return len(b) - len(a) })
	return found
}

package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// sourcesPage is the options of every kind of source, from the comments of the
// structs they decode into.
func sourcesPage(root string) (string, error) {
	var b strings.Builder
	b.WriteString(`# 数据源参考 / Sources

每个数据源一个文件,样例见 [deploy/sources](../../deploy/sources)。` + "`yiyuan check --sources DIR`" + ` 可先检查。
One file a source; ` + "`yiyuan check --sources DIR`" + ` checks them without opening anything.

` + "```yaml" + `
source: ga-pg          # 文件名(不含 .yaml);决定位置,用过后不可改 / the file's name; the position hangs on it, never rename
kind: postgres         # ` + strings.Join(kinds(), " ") + `
datasets: [GA01]       # 目录中的数据集 / datasets of the catalogue
options: {}            # 见下 / below
` + "```" + `

时长如 ` + "`500ms` `10s` `24h`" + `,大小如 ` + "`1048576` `512KiB` `1MiB`" + `,口令只能是 ` + "`env:NAME`" + ` 或 ` + "`file:/路径`" + `。
Durations, sizes and secrets are written like these.

`)
	for _, kind := range kinds() {
		files, err := parseFolder(filepath.Join(root, "connectors", kind))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "## %s\n\n", kind)
		for _, f := range files {
			if f.Doc != nil {
				first, _, _ := strings.Cut(f.Doc.Text(), "\n\n")
				b.WriteString(code(kind) + strings.TrimPrefix(oneLine(first), "Package "+kind) + "\n\n")
			}
		}
		defaults := optionDefaults(files)
		for _, s := range optionStructs(files) {
			if s.name == "TableOptions" {
				b.WriteString("每张表 / each table:\n\n")
			}
			var rows [][]string
			for _, o := range s.options {
				value := cmp.Or(code(defaults[o.field]), mark(o.required, "必填 / required"))
				rows = append(rows, []string{code(o.name), o.kind, value, o.comment})
			}
			table(&b, []string{"选项 / option", "类型 / type", "默认 / default", "含义 / meaning"}, rows)
		}
	}
	return b.String(), nil
}

func parseFolder(dir string) ([]*ast.File, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", dir, err)
	}
	slices.Sort(names)
	var out []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("parse source: %w", err)
		}
		out = append(out, f)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no source in %q: run it in the folder of the source tree, or name it by --root", dir)
	}
	return out, nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

type optionStruct struct {
	name    string
	options []option
}

type option struct {
	field, name, kind, comment string
	required                   bool
}

// optionStructs finds the structs whose fields carry the tag option.
func optionStructs(files []*ast.File) []optionStruct {
	var out []optionStruct
	for _, f := range files {
		comments := map[string]string{} // of the struct that is shown instead of one without comments
		var names []string              // of fields and, behind each, of its option
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			body, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			s := optionStruct{name: spec.Name.Name}
			shared := "" // one comment for fields that follow one another
			for _, field := range body.Fields.List {
				if c := oneLine(field.Doc.Text()); c != "" {
					shared = c
				}
				for _, name := range field.Names {
					comments[name.Name] = cmp.Or(comments[name.Name], shared)
					if field.Tag == nil {
						continue
					}
					text, _ := strconv.Unquote(field.Tag.Value) // the parser took it
					tag, rest, _ := strings.Cut(reflect.StructTag(text).Get("option"), ",")
					if tag != "" {
						s.options = append(s.options, option{name.Name, tag, typeText(field.Type), comments[name.Name], rest == "required"})
						names = append(names, name.Name, tag)
					}
				}
			}
			if len(s.options) > 0 {
				for i := range s.options {
					s.options[i].comment = rename(s.options[i].comment, names)
				}
				out = append(out, s)
			}
			return false
		})
	}
	return out
}

// rename puts the options' names where a comment names fields.
func rename(comment string, names []string) string {
	words := strings.Split(comment, " ")
	for i, w := range words {
		bare := strings.TrimRight(w, ",.;:")
		for n := 0; n < len(names); n += 2 {
			if bare == names[n] {
				words[i] = code(names[n+1]) + w[len(bare):]
			}
		}
	}
	return strings.Join(words, " ")
}

func typeText(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.Ident:
		return map[string]string{"string": "text", "int": "number", "int64": "number", "bool": "true/false"}[t.Name]
	case *ast.SelectorExpr:
		return map[string]string{"Duration": "duration", "Size": "size", "Secret": "secret", "Share": "percent", "Absent": "keep/null/list"}[t.Sel.Name]
	case *ast.ArrayType:
		return "list"
	case *ast.MapType:
		return "map"
	}
	return ""
}

// optionDefaults reads the literals of the options structs: what stands there
// before the configuration is decoded over it.
func optionDefaults(files []*ast.File) map[string]string {
	out := map[string]string{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if name, ok := lit.Type.(*ast.Ident); !ok || !strings.EqualFold(name.Name, "options") {
				return true
			}
			for _, e := range lit.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if key, ok := kv.Key.(*ast.Ident); ok {
						out[key.Name] = cmp.Or(out[key.Name], literal(kv.Value))
					}
				}
			}
			return true
		})
	}
	return out
}

// literal writes a constant expression as a configuration would: 2s, 4GiB, csv.
// What is computed is left out; its comment says what it is.
func literal(e ast.Expr) string {
	switch v := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(v.Value); err == nil {
			return s
		}
		return v.Value
	case *ast.Ident:
		if v.Name == "true" || v.Name == "false" {
			return v.Name
		}
	case *ast.SelectorExpr:
		return map[string]string{"Second": "1s", "Minute": "1m", "Hour": "1h"}[v.Sel.Name]
	case *ast.BinaryExpr:
		left, right := literal(v.X), literal(v.Y)
		switch {
		case left == "" || right == "":
		case v.Op == token.MUL:
			return left + strings.TrimPrefix(right, "1")
		case v.Op == token.SHL:
			return left + map[string]string{"10": "KiB", "20": "MiB", "30": "GiB"}[right]
		}
	}
	return ""
}

// errorsPage is the exit codes and the table of problems.
func errorsPage() string {
	var b strings.Builder
	b.WriteString("# 错误码 / Error codes\n\n## 命令的退出码 / Exit codes\n\n")
	var rows [][]string
	for _, c := range exitCodes {
		rows = append(rows, []string{strconv.Itoa(c.code), c.chinese, c.english})
	}
	table(&b, []string{"码 / code", "含义", "meaning"}, rows)
	b.WriteString("接口的错误是 RFC 9457 `application/problem+json`：`{type, title, title_en, status, detail, detail_en, code, request_id, errors?}`，中文与英文各有字段，其中从不出现数据的值。\n")
	b.WriteString("`type` 是 `urn:yiyuan:error:<code>`。每个码只有一个含义，码与 HTTP 状态分开，见下表；用过的码不改含义。`errors` 逐项说明 `{location, message, message_en}`（推送为 `{index, line?, field, reason, detail, detail_en}`）。\n")
	b.WriteString("429 和 503 带 `Retry-After`。404 `YIYUAN-4040` 表示查无此记录，503 `YIYUAN-5031` 表示尚未加载，两者从不混淆。查无此记录同样带 `as_of`（未知时缺省）和 `stale`。\n\n")
	b.WriteString("APIs answer errors as problem+json, Chinese and English in fields of their own; it never holds a value of a record. `type` is `urn:yiyuan:error:<code>`. Each code has one meaning, apart from\nthe HTTP status, and keeps it. 429 and 503 carry `Retry-After`. 404 `YIYUAN-4040` = no such record, 503 `YIYUAN-5031` = not loaded yet: they never mix. A 404 too carries `as_of` (absent if unknown) and `stale`.\n\n")
	for _, area := range []struct {
		title string
		area  problem.Area
	}{
		{"各监听端口共有 / Every listener", problem.Common},
		{"网关 / Gateway", problem.Gateway},
		{"推送 / Push", problem.Push},
		{"管理端口 / Admin listener", problem.Admin},
		{"模式注册中心 / Schema registry", problem.Registry},
	} {
		rows = nil
		for _, k := range problem.Kinds() {
			if k.Area == area.area {
				rows = append(rows, []string{code(k.Code), strconv.Itoa(k.Status), k.Title + " / " + k.TitleEN, k.Detail + " / " + k.DetailEN})
			}
		}
		if len(rows) == 0 {
			continue
		}
		slices.SortStableFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
		fmt.Fprintf(&b, "## %s\n\n", area.title)
		table(&b, []string{"码 / code", "状态 / status", "标题 / title", "说明 / detail"}, rows)
	}
	return b.String()
}

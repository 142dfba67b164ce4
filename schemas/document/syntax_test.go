package document

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// What people write wrongly, and what is told of it.
func TestSyntax(t *testing.T) {
	t.Parallel()
	type read struct {
		A string
		L []string
		M map[string]string
		N int
	}
	for _, c := range []struct{ text, want string }{
		{"a:\n\tb: 1\n", `[2:1] 行首用了制表符（Tab），请改用空格缩进 / found character '\t' that cannot start any token`},
		{"a: b: c\n", "[1:4] 这里不能出现“key: value”：看一行里是否有两个冒号（值含冒号要加引号），或下一行缩进是否过多 / mapping value is not allowed in this context"},
		{"a: 'x\n", "[1:4] 缺少结尾的单引号 / could not find end character of single-quoted text"},
		{"a:1\nl: []\n", "[1:1] 键不对：看前一行的冒号后是否有空格，冒号是否为半角 / unexpected key name"},
		{"a: @x\n", "[1:4] '@' 是保留字符，以它开头的值须加引号 / '@' is a reserved character"},
		{"a: %x\n", "[1:4] 这里不能有指令(%)；以 % 开头的文字须加引号 / unexpected directive value. document not started"},
		{"a: 1\na: 2\n", `[2:1] 键 "a" 写了两次，已在第 1 行 / mapping key "a" already defined at [1:1]`},
		{"b: 1\n", `[1:1] 不认识的项 "b" / unknown field "b"`},
		{"a: [1]\n", "[1:4] 这里应是文字，写的却是列表 / cannot unmarshal []interface {} into Go struct field read.A of type string"},
		{"n: x\n", "[1:4] 这里应是整数，写的却是文字 / cannot unmarshal string into Go struct field read.N of type int"},
		{"m: x\n", "[1:4] 这里应是一组键和值，写的却是文字 / string was used where mapping is expected"},
	} {
		err := yaml.UnmarshalWithOptions([]byte(c.text), &read{}, yaml.Strict())
		if err == nil {
			t.Errorf("%q was taken", c.text)
		} else if got := Syntax(err).Error(); got != c.want {
			t.Errorf("of %q: %s\nwant %s", c.text, got, c.want)
		}
	}
	_, err := One([]byte("a: 1\n---\nb: 2\n"))
	if got := In("x.yaml", "文件有误", "malformed", err).Error(); got != "x.yaml:3:1: 文件有误："+Chinese+" / malformed: "+English {
		t.Errorf("a second document: %s", got)
	}
	if got := Syntax(os.ErrClosed).Error(); got != "「file already closed」 / file already closed" {
		t.Errorf("what nobody knows: %s", got)
	}
}

var verb = regexp.MustCompile(`%[a-z]`)

// Every sentence that stands in the source of the parser has a Chinese one: another
// release of it that says more fails here.
func TestEverySentence(t *testing.T) {
	t.Parallel()
	listed, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "github.com/goccy/go-yaml").Output()
	if err != nil {
		t.Fatalf("find the source of the parser: %v", err)
	}
	root := strings.TrimSpace(string(listed))
	said := map[string]bool{}
	for _, of := range []string{"decode.go", "parser/*.go", "scanner/*.go", "internal/errors/error.go"} {
		files, err := filepath.Glob(filepath.Join(root, of))
		if err != nil || len(files) == 0 {
			t.Fatalf("no source %s in %s: %v", of, root, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || filepath.Base(file) == "color.go" {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if text := sentenceOf(n); strings.Contains(verb.ReplaceAllString(text, ""), " ") {
					said[text] = true
				}
				return true
			})
		}
	}
	if len(said) < 70 {
		t.Fatalf("only %d sentences were found in the source of the parser", len(said))
	}
	for _, ours := range []string{"does not implemented Unmarshaler", "cannot set embedded type as unexported field %s.%s", "[%d:%d] "} {
		delete(said, ours) // faults of a program, not of a text; how a place is written
	}
	for text := range said {
		english := strings.ReplaceAll(verb.ReplaceAllString(text, "x"), "\t", `\t`)
		if got := chinese(english); strings.HasPrefix(got, "「") {
			t.Errorf("no Chinese for %q", text)
		} else if strings.Contains(got, "%!") {
			t.Errorf("of %q: %s", text, got)
		}
	}
}

// sentenceOf is the text of a call that makes an error.
func sentenceOf(n ast.Node) string {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return ""
	}
	named, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	switch named.Sel.Name {
	case "ErrSyntax", "Invalid", "Errorf", "New", "Sprintf", "ErrUnknownField", "ErrDuplicateKey":
	default:
		return ""
	}
	literal, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return ""
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return text
}

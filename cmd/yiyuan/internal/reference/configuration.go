package reference

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
)

// configurationPage is every key of yiyuan.yaml: its default from the program,
// what it means from the comments of deploy/yiyuan.yaml.
func configurationPage(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "deploy", "yiyuan.yaml"))
	if err != nil {
		return "", fmt.Errorf("read the commented reference: %w", err)
	}
	comments := KeyComments(string(text))
	var b strings.Builder
	b.WriteString(`# 配置参考 / Configuration

进程配置来自 ` + "`yiyuan run --config yiyuan.yaml`" + `，样例见 [deploy/yiyuan.yaml](../../deploy/yiyuan.yaml)。
优先级：默认值 < 文件 < 环境变量 ` + "`YIYUAN_*`" + ` < 命令行选项。不认识的键、变量一律报错。口令只能写 ` + "`env:NAME`" + ` 或 ` + "`file:/路径`" + `，或由环境变量给出。
环境变量设为空也算设置；列表用逗号分隔。单独设没有作用的键（如没有 ` + "`bus.tls.enabled`" + ` 的 ` + "`bus.tls.ca`" + `）一律报错。相对路径（包括数据源选项里的）从启动进程时所在的目录算起，不从配置文件所在的目录；打不开时，报错写明试过的绝对路径。

Process settings for ` + "`yiyuan run --config yiyuan.yaml`" + `. Each overrides the one before: default, file, environment, flag. A key or variable that nothing
knows is an error. Secrets are references, or come by the environment. A variable that is set and empty counts; lists are joined by commas.
A key that has no effect without another (` + "`bus.tls.ca`" + ` without ` + "`bus.tls.enabled`" + `) is an error. Relative paths, those in options of sources among them, are from the folder in which the process is started and not from the file's own; where one cannot be opened, the error names the absolute path that was tried.

数据源见 [sources.md](sources.md)，应用与授权的样例见 [deploy/access.yaml](../../deploy/access.yaml)。
Sources: [sources.md](sources.md); applications and grants: [deploy/access.yaml](../../deploy/access.yaml).

`)
	section := ""
	var rows [][]string
	head := []string{"键 / key", "默认 / default", "环境变量 / variable", "含义 / meaning"}
	defaults := reflect.ValueOf(settings.Default())
	for _, key := range settings.AllKeys() {
		group, _, nested := strings.Cut(key, ".")
		if !nested {
			group = ""
		}
		if group != section {
			table(&b, head, rows)
			rows, section = nil, group
			fmt.Fprintf(&b, "## %s\n\n", group)
		}
		value, about := settings.Leaf(defaults, key)
		rows = append(rows, []string{code(key), code(defaultText(value)), code(settings.Variable(key)), cmp.Or(comments[key], about)})
	}
	table(&b, head, rows)
	return b.String(), nil
}

// defaultText is a default as deploy/yiyuan.yaml writes it.
func defaultText(v reflect.Value) string {
	switch d := v.Interface().(type) {
	case time.Duration:
		return d.String()
	case []string:
		return "[" + strings.Join(d, ", ") + "]"
	case string:
		if d == "" {
			return `""`
		}
		return d
	default:
		return fmt.Sprint(d)
	}
}

// KeyComments reads what stands right above each key of a YAML file of two-space
// indents, under its dotted name: 中文 / English.
func KeyComments(text string) map[string]string {
	out := map[string]string{}
	var path, comment []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		bare := strings.TrimLeft(line, " ")
		switch {
		case bare == "":
			comment = nil
		case strings.HasPrefix(bare, "#"):
			comment = append(comment, strings.TrimSpace(strings.TrimPrefix(bare, "#")))
		default:
			name, _, _ := strings.Cut(bare, ":")
			path = append(path[:min((len(line)-len(bare))/2, len(path))], name)
			out[strings.Join(path, ".")] = joined(comment)
			comment = nil
		}
	}
	return out
}

// joined is the lines of a comment as one text: those in Chinese, which need no blank
// between them, come first, and the first without a Chinese character begins the English.
func joined(lines []string) string {
	english := slices.IndexFunc(lines, func(line string) bool { return !strings.ContainsFunc(line, isHan) })
	if english <= 0 {
		return strings.Join(lines, " ")
	}
	return strings.Join(lines[:english], "") + " / " + strings.Join(lines[english:], " ")
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

package reference

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// sourcesPage is every kind of source and its options, as each declares them.
func sourcesPage() string {
	var b strings.Builder
	b.WriteString(`# 数据源参考 / Sources

每个数据源一个文件，样例见 [deploy/sources](../../deploy/sources)。` + "`yiyuan check --catalogue CITY --sources DIR`" + ` 可先检查。
One file a source; ` + "`yiyuan check --catalogue CITY --sources DIR`" + ` checks them without opening anything.

` + "```yaml" + `
source: ga-pg          # 文件名（不含 .yaml）；决定位置，用过后不可改 / the file's name; the position hangs on it, never rename
kind: postgres         # ` + strings.Join(wiring.EveryKind().Names(), " ") + `
datasets: [GA01]       # 目录中的数据集 / datasets of the catalogue
options: {}            # 见下 / below
` + "```" + `

时长如 ` + "`500ms` `10s` `24h`" + `，大小如 ` + "`1048576` `512KiB` `1MiB`" + `，口令只能是 ` + "`env:NAME`" + ` 或 ` + "`file:/路径`" + `。
Durations, sizes and secrets are written like these.

`)
	for _, name := range wiring.EveryKind().Names() {
		kind, err := wiring.EveryKind().Find(name)
		if err != nil {
			continue // it is one of them
		}
		fmt.Fprintf(&b, "## %s\n\n%s。\n`%s` %s.\n\n", name, kind.Chinese, name, kind.English)
		if kind.Needs != "" {
			b.WriteString(kind.Needs + "\n")
		}
		optionsTable(&b, option.Docs(kind.Options()))
	}
	return b.String()
}

// optionsTable shows options, and below them those of each value of a map.
func optionsTable(b *strings.Builder, docs []option.Doc) {
	var rows [][]string
	for _, o := range docs {
		rows = append(rows, []string{code(o.Name), o.Kind, cmp.Or(code(o.Default), mark(o.Required, "必填 / required")), o.Chinese + " / " + o.English})
	}
	table(b, []string{"选项 / option", "类型 / type", "默认 / default", "含义 / meaning"}, rows)
	for _, o := range docs {
		if len(o.Of) > 0 {
			fmt.Fprintf(b, "`%s` 的每一项 / each of `%s`:\n\n", o.Name, o.Name)
			optionsTable(b, o.Of)
		}
	}
}

// errorsPage is the exit codes and the table of problems.
func errorsPage() string {
	var b strings.Builder
	b.WriteString("# 错误码 / Error codes\n\n## 命令的退出码 / Exit codes\n\n")
	var rows [][]string
	for _, c := range exit.Codes {
		rows = append(rows, []string{strconv.Itoa(c.Code), c.Chinese, c.English})
	}
	table(&b, []string{"码 / code", "含义", "meaning"}, rows)
	b.WriteString("接口的错误是 RFC 9457 `application/problem+json`：`{type, title, title_en, status, detail, detail_en, code, request_id, errors?}`，中文与英文各有字段，其中从不出现数据的值。\n")
	b.WriteString("`type` 是 `urn:yiyuan:error:<code>`。每个码只有一个含义，码与 HTTP 状态分开，见下表；用过的码不改含义。`errors` 逐项说明 `{location, message, message_en}`（推送为 `{index, line?, field, reason, detail, detail_en}`）。\n")
	b.WriteString("429 和 503 带 `Retry-After`。404 `" + problem.Absent.Code + "` 表示查无此记录，503 `" + problem.NotLoaded.Code + "` 表示尚未加载，两者从不混淆。查无此记录同样带 `as_of`（未知时缺省）和 `stale`。\n\n")
	b.WriteString("APIs answer errors as problem+json, Chinese and English in fields of their own; it never holds a value of a record. `type` is `urn:yiyuan:error:<code>`. Each code has one meaning, apart from\nthe HTTP status, and keeps it. 429 and 503 carry `Retry-After`. 404 `" + problem.Absent.Code + "` = no such record, 503 `" + problem.NotLoaded.Code + "` = not loaded yet: they never mix. A 404 too carries `as_of` (absent if unknown) and `stale`.\n\n")
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

// Package handbook writes docs/reference/catalogue-format.md: the files of a catalogue key
// by key from their declarations, and kinds, masks and functions with examples that the
// code itself works out when the page is written.
package handbook

import (
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

// CatalogueFormat is the page. An example that the code does not take is an error.
func CatalogueFormat() (string, error) {
	var b strings.Builder
	b.WriteString(head)
	for _, f := range format.Files() {
		needed := ""
		if f.Needed {
			needed = "（必有 / always there）"
		}
		fmt.Fprintf(&b, "## %s\n\n%s%s / %s. JSON Schema: [%s](schema/%s.schema.json)\n\n", f.Pattern, f.Chinese, needed, f.English, f.ID, f.ID)
		keys(&b, "", f.Form)
	}
	for _, part := range []func(*strings.Builder) error{kinds, masks, picks, conditions} {
		if err := part(&b); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

const head = `# 目录格式 / The format of a catalogue

一个文件夹，全部是 YAML 文件，每个文件一个文档。` + "`yiyuan init`" + ` 生成一座可以运行的城市，[示例城市](../../schemas/yunling)用到了这里的一切。写错的由 ` + "`yiyuan check`" + ` 指出文件、行、列和可用的写法。
A folder of YAML files, one document a file. ` + "`yiyuan init`" + ` makes a city that runs; the [sample city](../../schemas/yunling) uses all of this. ` + "`yiyuan check`" + ` says what is wrong with file, line, column and what may be written.

编辑器可以边写边查：文件第一行写 ` + "`# yaml-language-server: $schema=路径`" + `，模式在 [schema/](schema)，` + "`yiyuan init`" + ` 也会写出一份。取决于其他文件的（如字段是否存在）只有 ` + "`yiyuan check`" + ` 能查。
Editors check while one types: the first line of a file names its schema, which stand in [schema/](schema) and are written by ` + "`yiyuan init`" + `. What hangs on other files only ` + "`yiyuan check`" + ` can say.

不认识的键一律报错。文字里的数字不必加引号，有前导零的除外；` + "`true`、小数" + `和空值须加引号。不用锚点、别名、标签。
A key that nothing knows is an error. Whole numbers need no quotes where a text is wanted, unless they begin with zero; true, fractions and null do. No anchors, aliases or tags.

`

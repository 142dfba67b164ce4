package file

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// part says of a source in mode append, whose files need not hold the whole table, up to
// which of them it was read again. It implements Part of connectors.Reread.
func part(cfg connectors.Config, at schemas.Position) (chinese, english string) {
	var o Options
	if err := option.Read(cfg.Options, &o); err == nil && o.Mode == modeReplace {
		return "", ""
	}
	done := "?"
	if p, err := parsePosition(at); err == nil {
		done = fmt.Sprintf("%0*d", ordinalWidth, p.File)
	}
	again := contract.ResyncCommand(cfg.Name)
	return fmt.Sprintf("重读到文件 %s 为止，而 mode: append 的文件不一定是整张表。这些行若仍在，不要同意：把整张表的文件放进 %s，再 %s", done, o.Dir, again),
		fmt.Sprintf("it was read again up to file %s, and files of mode append need not be the whole table. If these rows are still there, do not say yes: put the file of the whole table into %s, then %s", done, o.Dir, again)
}

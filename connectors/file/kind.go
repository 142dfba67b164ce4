package file

import (
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
)

// Kind is the kind of source that reads a drop folder. One that is read again begins
// again with what then lies in its folder, and waits for a file if there is none.
var Kind = connectors.Kind{
	Name:    "file",
	Chinese: "读取投放目录：部门（或其传输程序）把 CSV 或 JSON Lines 文件放进去，其中的行成为一个数据集的变更",
	English: "reads a drop folder: a department (or its transfer agent) puts CSV or JSON Lines files there, and their rows become changes of one dataset",
	Options: func() option.Declarer { return new(Options) },
	Fits:    fits,
	Alone:   alone,
	Open:    Open,
	Reread:  connectors.Reread{Part: part},
	Consent: Consent,
}

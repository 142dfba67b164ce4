package postgres

import (
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
)

// Kind is the kind of source that reads PostgreSQL. To read it again its tables are read
// again; a trial reads them once and needs no slot.
var Kind = connectors.Kind{
	Name:    "postgres",
	Chinese: "以逻辑复制读取 PostgreSQL 数据库：先读已有的行，再按提交次序读每一次变更",
	English: "reads a PostgreSQL database by logical replication: first the rows that are there, then every committed change, in commit order",
	Options: func() option.Declarer { return new(Options) },
	Open:    Open,
	Reread:  connectors.Reread{Dry: Dry},
	Examine: Examine,
}

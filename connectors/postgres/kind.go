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
	Needs:   needs,
	Options: func() option.Declarer { return new(Options) },
	Fits:    fits,
	Open:    Open,
	Reread:  connectors.Reread{Dry: Dry},
	Examine: Examine,
}

// needs is what a database administrator prepares; a refusal at the start names what is missing.
const needs = `PostgreSQL 12 至 18（分区表须 13 起；在库里限定列须 15 起），在 12、15、17、18 上测试过。中间不能有连接池。
PostgreSQL 12 to 18 (partitioned tables from 13 on, a list of columns in the database from 15 on), tested on 12, 15, 17 and 18. No connection pooler in between.

数据库管理员先做一次（改 wal_level 须重启数据库；每个数据源用一个复制槽和一个 walsender）：
What the database's administrator does once (wal_level takes a restart; each source uses a slot and a walsender):

` + "```sql" + `
ALTER SYSTEM SET wal_level = logical;                            -- 再看 / and look at: max_replication_slots, max_wal_senders
CREATE ROLE yiyuan LOGIN REPLICATION PASSWORD '…';
GRANT USAGE ON SCHEMA ga TO yiyuan;
GRANT SELECT (sfzh, xm) ON ga.t_czrk TO yiyuan;                  -- 所映射的列即可 / the mapped columns are enough
CREATE PUBLICATION yiyuan_ga_pg FOR TABLE ga.t_czrk (sfzh, xm);  -- 主键和所映射的列，不写则全部列出库 / primary key and mapped columns: without a list all columns leave the database
                                                                 -- 数据源文件写 / the source then says create_publication: false
ALTER TABLE ga.t_czrk REPLICA IDENTITY FULL;                     -- 只在表的主键不是数据集的主键时（这时不能列出列）/ only where its primary key is not the key of the dataset (no list of columns then)
` + "```" + `

复制槽由数据源自己建立。` + "`yiyuan doctor`" + ` 检查这些并说明怎么办。
The slot is made by the source. ` + "`yiyuan doctor`" + ` looks at these and says what to do.
`

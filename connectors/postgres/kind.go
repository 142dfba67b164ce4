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
	Needs:   needs + effects,
	Options: func() option.Declarer { return new(Options) },
	Fits:    fits,
	Open:    Open,
	Reread:  connectors.Reread{Dry: Dry, Backfill: &connectors.Backfilling{Order: order, Within: within}},
	Examine: Examine,
	Drop:    Drop,
}

// needs is what a database administrator prepares; a refusal at the start names what is missing.
const needs = `PostgreSQL 12 至 18（分区表须 13 起；在库里限定列须 15 起），在 12、15、17、18 上测试过。中间不能有连接池。
PostgreSQL 12 to 18 (partitioned tables from 13 on, a list of columns in the database from 15 on), tested on 12, 15, 17 and 18. No connection pooler in between.

` + "`yiyuan source init postgres`" + ` 看部门的表，起草数据集和本文件，连同发布的语句。
` + "`yiyuan source init postgres`" + ` looks at the department's tables and drafts datasets and this file, with the statement for the publication.

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

// effects are what is made in the department's database and what each does to it.
// TestEffects holds every line to a server.
const effects = `
在部门的数据库里建立的，及其影响（不写任何表，不建触发器）：
What is made in the department's database, and what it does there (nothing is written into tables, no trigger is made):

| 对象 / object | 影响 / effect |
|---|---|
| 复制槽 / replication slot | 数据源停多久，日志就留多久，可能占满磁盘：设 max_slot_wal_keep_size，并看 ` + "`yiyuan doctor`" + `。不再用时 ` + "`" + `yiyuan source retire 名称 --drop` + "`" + ` 删除它和本数据源建的发布 / it keeps log for as long as the source stands still, which may fill the disk: set max_slot_wal_keep_size and watch ` + "`yiyuan doctor`" + `; ` + "`" + `yiyuan source retire NAME --drop` + "`" + ` removes it, and the publication that the source has made |
| 发布 / publication | 列在其中的列，部门不能改类型，也不能删除（数据库会报错；改名、加列、删别的列、删整张表不受限）：先用 ALTER PUBLICATION … SET TABLE 取出，改完再列入，然后重读本数据源 / a listed column can be neither retyped nor dropped (the server refuses; renaming, adding, dropping other columns or the table is free): take it out by ALTER PUBLICATION … SET TABLE, change it, list it again, then read the source again |
| 发布 / publication | 表失去主键或复制标识（REPLICA IDENTITY NOTHING、删主键）后，部门自己的 UPDATE、DELETE 会报错；列出了列时，REPLICA IDENTITY FULL 也会。一秒内数据源即为“等待”并说明 / once a table has lost its primary key or replica identity, the department's own UPDATE and DELETE fail; with a list of columns they do under REPLICA IDENTITY FULL, too. Within a second the source waits and says so |
| 首次读取 / first rows | 一个只读事务，读完为止；其间 VACUUM 不能清除之后变旧的行 / one read-only transaction until all is read; meanwhile VACUUM keeps what has become old since |
| 补读 / backfill | 每段一个只读事务，几千行，几秒；可限时段和每秒行数 / a read-only transaction for each few thousand rows, for seconds; its time of day and rows a second can be limited |
| 连接 / connections | 一个 walsender，一个普通连接（每秒查一次系统表），首次读取和补读时再一个 / a walsender, a connection that asks the system's tables once a second, one more for first rows and backfills |
`

package tables

import (
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors/postgres/guard"
	"github.com/yiyuan-bus/yiyuan/connectors/probe"
)

// binding is what the source's file hangs on, beside its datasets.
type binding struct {
	role  string
	makes bool            // the role can make the publication
	lists bool            // the server takes lists of columns in a publication
	roots bool            // and publishes partitioned tables by their root
	whole map[string]bool // tables whose whole row is in the log, so that no list can be given
}

// text is the source's file.
func (b binding) text(name, dsn string, datasets []*probe.Dataset) string {
	var t strings.Builder
	line := func(s string) { t.WriteString(s + "\n") }
	var ids []string
	for _, d := range datasets {
		ids = append(ids, d.ID)
	}
	line("# 由 yiyuan source init 起草，看过再用。每一项见 docs/reference/sources.md / drafted by yiyuan source init; what each option means: docs/reference/sources.md")
	line("# 文件名即数据源的名称，运行过就不再改 / the file's name is the source's: never rename one that has run")
	line("source: " + name)
	line("kind: postgres")
	line("datasets: [" + strings.Join(ids, ", ") + "]")
	line("options:")
	line("  # 连接串只写在哪里，不写它本身：运行 yiyuan 的账户要有这个变量或文件 / where the connection string is, never the string itself: the account that runs yiyuan has the variable or file")
	line("  dsn: " + probe.Scalar(dsn))
	b.publication(line, name, datasets)
	line("  # 表（模式.表）是哪个数据集；columns 只写名称对不上的列 / which dataset a table is; columns names those whose field is called otherwise")
	line("  tables:")
	for _, d := range datasets {
		line("    " + probe.Scalar(d.Table.Full()) + ":")
		line("      dataset: " + d.ID)
		if pairs := d.Columns(); len(pairs) > 0 {
			line("      columns:")
			for _, p := range pairs {
				line("        " + probe.Scalar(p[0]) + ": " + probe.Scalar(p[1]))
			}
		}
	}
	line("  # 不带时区的时间属于哪个时区：猜的 / what timestamps without a zone are in: a guess")
	line("  timezone: Asia/Shanghai")
	return t.String()
}

// publication says who makes the publication, and how a DBA would.
func (b binding) publication(line func(string), name string, datasets []*probe.Dataset) {
	if b.makes {
		line("  # 发布由数据源自己建，只含所映射的列。要由数据库管理员建的，改为 false / the source makes the publication, of the mapped columns only; for one that a DBA makes say false")
	} else {
		line("  # 角色 " + probe.Plain(b.role, 64) + " 建不了发布（不是表的属主，或没有 CREATE 权限），请数据库管理员执行；去掉字段时这里也去掉 / the role cannot make the publication: have a DBA run it; a field that you take out is taken out here, too")
	}
	for statement := range strings.SplitSeq(b.statement(name, datasets), "\n") {
		line("  #   " + probe.Plain(statement, 100_000))
	}
	if b.makes {
		line("  create_publication: true")
	} else {
		line("  create_publication: false")
	}
}

// statement makes the publication.
func (b binding) statement(name string, datasets []*probe.Dataset) string {
	var parts []string
	for _, d := range datasets {
		part := pgx.Identifier{d.Table.Schema, d.Table.Name}.Sanitize()
		if b.lists && !b.whole[d.Table.Full()] {
			var columns []string
			for _, c := range d.Taken() {
				columns = append(columns, pgx.Identifier{c}.Sanitize())
			}
			part += " (" + strings.Join(columns, ", ") + ")"
		}
		parts = append(parts, part)
	}
	s := "CREATE PUBLICATION " + pgx.Identifier{guard.DefaultName(name)}.Sanitize() + " FOR TABLE\n" + strings.Join(parts, ",\n")
	if b.roots {
		s += "\nWITH (publish_via_partition_root = true)"
	}
	return s + ";"
}

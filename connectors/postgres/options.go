package postgres

import (
	"regexp"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/dsn"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/guard"
)

// Options are the options of a postgres connector, each described where it is declared.
type Options struct {
	DSN               string
	Password          option.Secret
	Slot              string
	Publication       string
	CreatePublication bool
	Tables            map[string]TableOptions
	Snapshot          bool
	Timezone          string
	Status            time.Duration
	BatchRows         int
	BatchBytes        option.Size
}

// TableOptions maps one table to a dataset.
type TableOptions struct {
	Dataset string
	Columns map[string]string
	Absent  []string
	Renamed map[string]string
}

var slotName = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

// Declare implements option.Declarer.
func (o *Options) Declare(l *option.List) {
	l.Add(&o.DSN, "dsn", "env:变量名、file:路径，或不含口令的连接串", "env:NAME, file:PATH, or a connection string without a password").Required().
		Must(func() bool { return dsn.Referred(o.DSN) || !dsn.HasPassword(o.DSN) }, "不含口令的连接串：口令写 env:变量名、file:路径或用选项 password", "env:NAME, file:PATH or the option password for a string that holds a password")
	l.Add(&o.Password, "password", "env:变量名 或 file:路径，连接串里没有口令时用", "env:NAME or file:PATH, if the dsn has none")
	l.Add(&o.Slot, "slot", "复制槽名称的开头，缺省 yiyuan_<数据源名>；其后是本总线的标记（_ 和八个十六进制数字），同一文件在另一座城有自己的复制槽",
		"begins the name of the replication slot; default yiyuan_<name of the source>. Behind it comes a mark of this bus (_ and eight hexadecimal digits), so that another city with the same file has a slot of its own").
		Must(func() bool { return o.Slot == "" || slotName.MatchString(o.Slot) }, "小写字母、数字和下划线", "lower-case letters, digits and underscores")
	l.Add(&o.Publication, "publication", "发布，缺省同复制槽名称的开头", "the publication; default what the slot's name begins with")
	l.Add(&o.CreatePublication, "create_publication", "没有发布时由数据源建，只含所映射的表和列", "lets the connector make a missing publication, for the mapped tables and columns only").Default(true)
	l.Add(&o.Tables, "tables", "哪张表（模式.表）对应哪个数据集", "maps tables (schema.table) to datasets").Required().
		Must(func() bool { return len(o.Tables) > 0 }, "至少一张表", "one table at least")
	l.Add(&o.Snapshot, "snapshot", "是否先读已有的行", "says whether the rows that are there are read first").Default(true)
	l.Add(&o.Timezone, "timezone", "不带时区的时间戳属于哪个时区", "what timestamps without a zone are in").Default("Asia/Shanghai").
		Must(func() bool { _, err := time.LoadLocation(o.Timezone); return err == nil }, "时区，如 Asia/Shanghai", "a time zone such as Asia/Shanghai, this is an unknown time zone")
	l.Add(&o.Status, "status", "多久向服务器报一次到，发布停顿时也报", "how often the server hears from us, also while publishing stalls").Default("10s").Least("100ms")
	l.Add(&o.BatchRows, "batch_rows", "一批、也是预读的行数上限", "the most rows of a batch, and of what is read ahead").Default(2000).Least("1")
	l.Add(&o.BatchBytes, "batch_bytes", "一批、也是预读的字节上限", "the most bytes of a batch, and of what is read ahead").Default("4MiB").Least("1")
}

// Declare implements option.Declarer.
func (o *TableOptions) Declare(l *option.List) {
	l.Add(&o.Dataset, "dataset", "数据集", "the dataset").Required()
	l.Add(&o.Columns, "columns", "哪一列对应哪个字段；别的列对应同名字段（不分大小写），没有同名字段的不读",
		"maps a column to a field; other columns map to the field of their own name, in either case, and are not read if there is none")
	l.Add(&o.Absent, "absent", "表中没有对应列的可空字段", "nullable fields that the table has no column for")
	l.Add(&o.Renamed, "renamed", "列的旧名对应今名，用于以旧名写进日志而尚未读到的变更", "maps a column's former name to its present one, for changes that were logged under the former and are not read yet")
}

// read reads the options of a source; what hangs on its name is added.
func read(cfg connectors.Config) (Options, error) {
	var o Options
	if err := cfg.Read(&o); err != nil {
		return o, err
	}
	if o.Slot == "" {
		o.Slot = guard.DefaultName(cfg.Name)
	}
	if o.Publication == "" {
		o.Publication = o.Slot
	}
	return o, nil
}

package file

import (
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/file/format"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/connectors/tabular"
)

// Options are the options of a file connector, each described where it is declared.
type Options struct {
	Dir         string
	Format      string
	Charset     string
	Columns     map[string]string
	Ignore      []string
	Absent      connectors.Absent
	Nulls       []string
	Mode        string
	Empty       string
	DeleteLimit option.Share
	Settle      time.Duration
	Wait        string
	Patience    time.Duration
	Marker      string
	IgnoreNames []string
	KeepDone    time.Duration
	Poll        time.Duration
	Delimiter   string
	BatchRows   int
	MaxFile     option.Size
	MaxRow      option.Size
	MaxColumns  int
	MaxBad      int
}

// Declare implements option.Declarer.
func (o *Options) Declare(l *option.List) {
	o.declareRows(l)
	o.declareFolder(l)
	o.declareLimits(l)
}

// declareRows: what stands in a file.
func (o *Options) declareRows(l *option.List) {
	l.Add(&o.Dir, "dir", "投放目录，须已存在且可写；其中会建 processing/、done/、rejected/ 和 .yiyuan/（记有本数据源和本总线的标记，别的不再读它）",
		"the drop folder, which must exist and be writable; processing/, done/, rejected/ and .yiyuan/ are made in it (which bears the marks of this source and this bus: no other reads it)").Required()
	l.Add(&o.Format, "format", "csv、jsonl，或 auto（先看扩展名，再看第一个字符）", "csv, jsonl or auto (by extension, then by the first character)").
		Default("auto").OneOf("csv", "jsonl", "auto")
	l.Add(&o.Charset, "charset", "utf-8、gb18030，或 auto（先看字节序标记，再看是否合法的 UTF-8，再按 GB18030）",
		"utf-8, gb18030 or auto (byte order mark, then valid UTF-8, then GB18030)").Default(format.CharsetAuto).OneOf(format.CharsetUTF8, format.CharsetGB18030, format.CharsetAuto)
	l.Add(&o.Columns, "columns", "表头对应哪个字段，先于字段名和中文名", "maps a column's heading to a field, before names and titles are tried")
	l.Add(&o.Ignore, "ignore", "略去的表头和成员名；“*”为凡不属于数据集的。不写时，这样的表头退回文件，这样的成员名退回该行",
		`headings and names that are left out; "*" is all that are not of the dataset. Without it such a heading refuses the file, such a name the row`)
	l.Add(&o.Absent, "absent", "JSON 行缺少可空字段是什么意思：keep（没有送，已知的保留）或 null。写成列表则是文件根本没有的可空字段，按 keep；CSV 表头也就可以没有它们",
		"what it means that a JSON row lacks a nullable field: keep (it was not sent: what is known stays) or null. A list names nullable fields that the files do not have at all, and means keep; so CSV headings may lack them").
		Default("keep")
	l.Add(&o.Nulls, "nulls", "哪些词表示空值，对所有字段。缺省为 NULL、\\N、#N/A（所有字段），以及 -、/、无（姓名、地址、文本以外的字段）",
		`the words that mean no value, in every field. By default NULL, \N and #N/A in every field, and -, / and 无 where no names, addresses or texts stand`)
	l.Add(&o.Delimiter, "delimiter", "CSV 的列分隔符，一个字符", "separates CSV columns, one character").Default(",").
		Must(func() bool {
			return utf8.RuneCountInString(o.Delimiter) == 1 && !strings.ContainsAny(o.Delimiter, "\"\r\n")
		}, "一个字符，不能是引号或换行", "one character, no quotation mark and no line break")
	l.Add(&o.Mode, "mode", "append（行为新增或修改）或 replace（一个文件就是整张表，其中没有的行删除）。取过 append 的行后改为 replace，须重读数据源。append 时未能整体接收的文件，后来的文件不能代替：处理之前状态为 held",
		"append (rows are upserts) or replace (a file is the whole table; rows that it lacks are deleted). After rows were taken in append, replace takes a resync. In append no later file takes the place of one that was refused as a whole: it is held until that is dealt with").
		Default(modeAppend).OneOf(modeAppend, modeReplace)
	l.Add(&o.Empty, "empty", "refuse，或 allow：没有数据行的首个文件也算交付；replace 时会删除全部", "refuse, or allow: a first file without rows is a delivery, and in mode replace one deletes all").
		Default("refuse").OneOf("refuse", "allow")
	l.Add(&o.DeleteLimit, "delete_limit", "replace 时一个文件不经询问可删除整张表的百分之几", "the share of the table, in percent, that a file may delete in mode replace without being asked about").
		Default(float64(option.DefaultDeleteLimit))
}

// declareFolder: when a file is taken, and what becomes of it.
func (o *Options) declareFolder(l *option.List) {
	l.Add(&o.Settle, "settle", "大小和时间须静止多久：没有标记的文件，或有标记的文件的标记", "how long size and time must stand still: of a file without marker, of the marker of a file that has one").
		Default("2s")
	l.Add(&o.Wait, "wait", "settle，或 marker：只取有标记的文件", "settle, or marker: only files with a marker are taken").Default("settle").OneOf("settle", "marker")
	l.Add(&o.Patience, "patience", "完整的文件等待先送达而无标记的文件多久，以免旧值后到；过后退回后者，连同标记重新投放。0s 为一直等；否则至少 1m",
		"how long whole files wait for one that was delivered before them and has no marker yet, so that no old value comes after a new one. Then that one is refused, to be dropped again with its marker. 0s is for ever; else 1m at least").
		Default("24h").Must(func() bool { return o.Patience == 0 || o.Patience >= unmarked }, "至少 1m；0s 为一直等", "1m at least, or 0s for ever")
	l.Add(&o.Marker, "marker", "标记文件的后缀，点开头", "what a marker's name has behind the name of its file: a suffix that begins with a dot").
		Default(".done").Must(o.markerIsOne, "点开头的后缀，如 .done", "a suffix that begins with a dot, such as .done")
	l.Add(&o.IgnoreNames, "ignore_names", "不作数据的文件名样式，另加于内置的（*.ctl）", "more patterns of file names that are no data (*.ctl)").
		Must(o.patternsAre, "文件名样式，如 *.ctl", "patterns such as *.ctl")
	l.Add(&o.KeepDone, "keep_done", "文件在 done/ 里留多久；0s 为一直留。rejected/ 里的留到有人取走，或答复、更正后重新投放而移入 done/",
		"how long files stay in done/; 0s is for ever. Those in rejected/ stay until somebody takes them away, or settles them by an answer or mended, which moves them to done/").
		Default("720h")
	l.Add(&o.Poll, "poll", "没有通知时多久看一次目录", "how often the folder is looked at when no notice comes").Default("1s").Least("1ms")
}

func (o *Options) declareLimits(l *option.List) {
	l.Add(&o.BatchRows, "batch_rows", "一次发布多少行", "how many rows are published together").Default(1000).Least("1")
	l.Add(&o.MaxFile, "max_file", "文件的上限", "the largest file that is read").Default("4GiB").Least("1")
	l.Add(&o.MaxRow, "max_row", "一行的上限", "the largest row that is read").Default("1MiB").Least("1").Most("1GiB")
	l.Add(&o.MaxColumns, "max_columns", "列数的上限", "the most columns that are read").Default(1024).Least("1")
	l.Add(&o.MaxBad, "max_bad", "连续多少坏行后退回其余", "how many bad rows in a run condemn the rest of the file").Default(1000).Least("1")
}

func (o *Options) markerIsOne() bool {
	return len(o.Marker) >= 2 && o.Marker[0] == '.' && !strings.ContainsAny(o.Marker, `/\*?[`) && !slices.Contains([]string{reasonSuffix, acceptSuffix, refuseSuffix}, o.Marker)
}

func (o *Options) patternsAre() bool {
	return !slices.ContainsFunc(o.IgnoreNames, func(pattern string) bool {
		_, err := path.Match(pattern, "x")
		return err != nil || strings.Trim(pattern, "*?") == ""
	})
}

// The modes: rows are upserts, or a file is the whole table.
const (
	modeAppend  = "append"
	modeReplace = "replace"
)

// emptyAllowed reports whether a file without rows is a delivery.
func (o *Options) emptyAllowed() bool { return o.Empty == "allow" }

func (o *Options) mapping() tabular.Mapping {
	return tabular.Mapping{Columns: o.Columns, Ignore: o.Ignore, Absent: o.Absent, Nulls: o.Nulls}
}

func (o *Options) limits() format.Limits {
	return format.Limits{MaxRow: int(o.MaxRow), MaxColumns: o.MaxColumns, Delimiter: o.Delimiter}
}

// unmarked is how long a file may lie without its marker before it is said.
const unmarked = time.Minute

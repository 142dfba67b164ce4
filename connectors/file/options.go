package file

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// Options are the options of a file connector.
type Options struct {
	// Dir is the drop folder. processing/, done/, rejected/ and .yiyuan/ are made in it.
	Dir string `option:"dir,required"`
	// Dataset that the rows belong to; may be left out when the source has one.
	Dataset string `option:"dataset"`
	// Format is csv, jsonl or auto (by extension, then by the first character).
	Format string `option:"format"`
	// Charset is utf-8, gb18030 or auto (byte order mark, then valid UTF-8, then GB18030).
	Charset string `option:"charset"`
	// Columns maps a column's heading to a field, before names and titles are tried.
	Columns map[string]string `option:"columns"`
	// Ignore lists headings and names that are left out; "*" is all that are not of
	// the dataset. Without it such a heading refuses the file, such a name the row.
	Ignore []string `option:"ignore"`
	// Absent says what it means that a JSON row lacks a nullable field: keep (it was
	// not sent: what is known stays) or null. A list names nullable fields that the
	// files do not have at all, and means keep; so CSV headings may lack them.
	Absent connectors.Absent `option:"absent"`
	// Nulls lists the words that mean no value, in every field. By default NULL, \N
	// and #N/A in every field, and -, / and 无 where no names, addresses or texts stand.
	Nulls []string `option:"nulls"`
	// Mode is append (rows are upserts) or replace (a file is the whole table).
	Mode string `option:"mode"`
	// Empty is refuse, or allow: a first file without rows is a delivery, and in mode
	// replace one deletes all.
	Empty string `option:"empty"`
	// DeleteLimit is the share of the table, in percent, that a file may delete in
	// mode replace without being asked about.
	DeleteLimit connectors.Share `option:"delete_limit"`
	// Settle is how long size and time must stand still: of a file without marker, of
	// the marker of a file that has one.
	Settle time.Duration `option:"settle"`
	// Wait is settle, or marker: only files with a marker are taken.
	Wait string `option:"wait"`
	// Patience is how long whole files wait for one that was delivered before them and
	// has no marker yet, so that no old value comes after a new one. Then that one is
	// refused, to be dropped again with its marker. 0s is for ever; else 1m at least.
	Patience time.Duration `option:"patience"`
	// Marker is what a marker's name has behind the name of its file.
	Marker string `option:"marker"`
	// IgnoreNames lists more patterns of file names that are no data (*.ctl).
	IgnoreNames []string `option:"ignore_names"`
	// KeepDone is how long files stay in done/; 0s is for ever. Those in rejected/
	// stay until somebody takes them away.
	KeepDone time.Duration `option:"keep_done"`
	// Poll is how often the folder is looked at when no notice comes.
	Poll time.Duration `option:"poll"`
	// Delimiter separates CSV columns.
	Delimiter string `option:"delimiter"`
	// BatchRows is how many rows are published together.
	BatchRows int `option:"batch_rows"`
	// MaxFile, MaxRow and MaxColumns bound what is read.
	MaxFile    connectors.Size `option:"max_file"`
	MaxRow     connectors.Size `option:"max_row"`
	MaxColumns int             `option:"max_columns"`
	// MaxBad is how many bad rows in a run condemn the rest of the file.
	MaxBad int `option:"max_bad"`
}

func defaults() Options {
	return Options{
		Format: "auto", Charset: "auto", Mode: "append", Empty: "refuse", DeleteLimit: 20, Settle: 2 * time.Second, Wait: "settle", Patience: 24 * time.Hour, Marker: ".done",
		KeepDone: 720 * time.Hour, Poll: time.Second, Delimiter: ",",
		BatchRows: 1000, MaxFile: 4 << 30, MaxRow: 1 << 20, MaxColumns: 1024, MaxBad: 1000,
	}
}

func (o Options) validate() error {
	oneOf := func(name, value string, allowed ...string) error {
		for _, a := range allowed {
			if value == a {
				return nil
			}
		}
		return fmt.Errorf("选项的值不对 / option %q: want one of %q: %w", name, allowed, connectors.ErrConfig)
	}
	errs := []error{
		oneOf("format", o.Format, "csv", "jsonl", "auto"),
		oneOf("charset", o.Charset, charsetUTF8, charsetGB18030, charsetAuto),
		oneOf("mode", o.Mode, "append", "replace"),
		oneOf("wait", o.Wait, "settle", "marker"),
		oneOf("empty", o.Empty, "refuse", "allow"),
	}
	if len(o.Marker) < 2 || o.Marker[0] != '.' || strings.ContainsAny(o.Marker, `/\*?[`) || slices.Contains([]string{reasonSuffix, acceptSuffix, refuseSuffix}, o.Marker) {
		errs = append(errs, fmt.Errorf("须为点开头的后缀，如 .done / option %q: want a suffix that begins with a dot, such as .done: %w", "marker", connectors.ErrConfig))
	}
	for _, pattern := range o.IgnoreNames {
		if _, err := path.Match(pattern, "x"); err != nil || strings.Trim(pattern, "*?") == "" {
			errs = append(errs, fmt.Errorf("文件名样式有误 / option %q: want patterns such as *.ctl: %w", "ignore_names", connectors.ErrConfig))
		}
	}
	if utf8.RuneCountInString(o.Delimiter) != 1 || o.Delimiter == `"` || o.Delimiter == "\n" || o.Delimiter == "\r" {
		errs = append(errs, fmt.Errorf("须为一个字符 / option %q: want one character: %w", "delimiter", connectors.ErrConfig))
	}
	if o.BatchRows < 1 || o.MaxRow < 1 || o.MaxRow > 1<<30 || o.MaxColumns < 1 || o.MaxFile < 1 || o.MaxBad < 1 || o.Poll <= 0 || o.Patience < 0 {
		errs = append(errs, fmt.Errorf("各上限须大于零，max_row 不超过 1GiB / limits: want numbers above zero and max_row up to 1GiB: %w", connectors.ErrConfig))
	}
	if o.Patience > 0 && o.Patience < unmarked {
		errs = append(errs, fmt.Errorf("至少 1m；0s 为一直等 / option %q: want 1m at least, or 0s for ever: %w", "patience", connectors.ErrConfig))
	}
	return errors.Join(errs...)
}

// emptyAllowed reports whether a file without rows is a delivery.
func (o *Options) emptyAllowed() bool { return o.Empty == "allow" }

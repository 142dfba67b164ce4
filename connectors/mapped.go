package connectors

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Mapped refuses what two options say of a dataset's fields that is not so: columns, which
// map a column to a field, and absent, the fields that no column feeds. at is the path that
// both stand below, "" or with a full stop behind it.
func Mapped(d *schemas.Dataset, at string, columns map[string]string, absent []string) error {
	var problems []error
	missing := func(path, name, field string) {
		problems = append(problems, option.At(path, fmt.Errorf("数据集没有这个字段 / option %q: dataset %q has no field %q%s: %w", name, d.ID, field, option.Nearest(field, d.Layout.Names()), ErrConfig)))
	}
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		if field := columns[column]; d.Layout.Index(field) < 0 {
			missing(at+"columns."+column, at+"columns", field)
		}
	}
	for n, field := range absent {
		path := fmt.Sprintf("%sabsent[%d]", at, n)
		switch i := d.Layout.Index(field); {
		case i < 0:
			missing(path, at+"absent", field)
		case !d.Fields[i].Nullable:
			problems = append(problems, option.At(path, fmt.Errorf("必填字段不能缺省 / option %q: field %q of %q is required: %w", at+"absent", field, d.ID, ErrConfig)))
		}
	}
	return errors.Join(problems...)
}

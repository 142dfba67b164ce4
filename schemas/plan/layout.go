package plan

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// layout compares the layouts of one topic by name, says which column is in
// the way, and asks the codec for what that may have missed. The dataset, view or
// entity it is of is named by its word in Chinese and English.
func (d *difference) layout(a about, level, chinese, english string, old, next *schemas.Layout) {
	if why := columnChange(level, old, next); why != nil {
		d.refuse(a, "%[4]s %[1]s 的结构不兼容：%[2]s；请新增字段或另建视图", "the schema of %[5]s %[1]s is incompatible: %[3]s; add a field or make a new view", a.of, why[0], why[1], chinese, english)
		return
	}
	if err := d.judge(level, next, old); err != nil {
		d.refuse(a, "%[3]s %[1]s 的结构不兼容：%[2]s", "the schema of %[4]s %[1]s is incompatible: %[2]s", a.of, err, chinese, english)
	}
}

// columnChange returns the first incompatible change of a column, in Chinese
// and English, nil if there is none.
func columnChange(level string, old, next *schemas.Layout) []string {
	for i := range next.Columns {
		n := &next.Columns[i]
		at := old.Index(n.Name)
		if at < 0 {
			if !n.Nullable {
				return []string{n.Name + " 是新的必填字段", n.Name + " is new and not nullable"}
			}
			continue
		}
		o := &old.Columns[at]
		switch {
		case o.Type != n.Type:
			return []string{fmt.Sprintf("%s 的类型由 %s 变为 %s", n.Name, o.Type, n.Type), fmt.Sprintf("%s changes from %s to %s", n.Name, o.Type, n.Type)}
		case o.Scale != n.Scale || o.Precision != n.Precision:
			return []string{
				fmt.Sprintf("%s 由 (%d,%d) 变为 (%d,%d)", n.Name, o.Precision, o.Scale, n.Precision, n.Scale),
				fmt.Sprintf("%s changes from (%d,%d) to (%d,%d)", n.Name, o.Precision, o.Scale, n.Precision, n.Scale),
			}
		case o.Nullable && !n.Nullable:
			return []string{n.Name + " 由可空变为必填", n.Name + " was nullable and is not any more"}
		case level == fullTransitive && !o.Nullable && n.Nullable:
			return []string{n.Name + " 由必填变为可空", n.Name + " was not nullable and is now"}
		case o.Type == schemas.Rows:
			if why := columnChange(level, o.Rows, n.Rows); why != nil {
				return []string{n.Name + "." + why[0], n.Name + "." + why[1]}
			}
		}
	}
	if level != fullTransitive {
		return nil
	}
	for i := range old.Columns {
		if o := &old.Columns[i]; !o.Nullable && next.Index(o.Name) < 0 {
			return []string{o.Name + " 是必填字段，不能删除", o.Name + " is not nullable and cannot be removed"}
		}
	}
	return nil
}

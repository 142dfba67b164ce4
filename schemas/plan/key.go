package plan

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// keyField refuses that a field of a dataset's key takes less than it took, or has another
// normal form: rows that are published could not be changed or deleted any more. Codes that
// a standard drops are told, for a city has to follow it.
func (d *difference) keyField(a about, old, next *schemas.Element) {
	const chinese, english = "，已发布的行无法再更新和删除；请另建数据集", ", so published rows could be neither changed nor deleted any more; make a new dataset"
	lost := func(c schemas.Code) bool {
		return !slices.ContainsFunc(next.Codes, func(n schemas.Code) bool { return n.Value == c.Value })
	}
	switch {
	case old.Kind != next.Kind:
		d.refuse(a, "主键字段 %[1]s.%[2]s 的种类由 %[3]s 变为 %[4]s"+chinese, "the key field %[1]s.%[2]s is of another kind, %[3]s before and %[4]s now"+english, a.of, a.field, old.Kind, next.Kind)
	case next.Type == schemas.String && element.MaxLength(next) < element.MaxLength(old):
		d.refuse(a, "主键字段 %[1]s.%[2]s 的最大长度由 %[3]d 缩短为 %[4]d"+chinese, "the key field %[1]s.%[2]s takes %[4]d characters and took %[3]d"+english, a.of, a.field, element.MaxLength(old), element.MaxLength(next))
	case smallerRange(old, next):
		d.refuse(a, "主键字段 %[1]s.%[2]s 的取值范围缩小"+chinese, "the key field %[1]s.%[2]s takes a smaller range"+english, a.of, a.field)
	case slices.ContainsFunc(old.Codes, lost):
		d.remove(a, "主键字段 %[1]s.%[2]s 的代码减少，带这些代码的已发布的行无法再更新和删除", "the key field %[1]s.%[2]s loses codes: published rows that have them could be neither changed nor deleted any more", a.of, a.field)
	}
}

// smallerRange reports whether next leaves out numbers that old lets through; no bound is nil.
func smallerRange(old, next *schemas.Element) bool {
	return next.Min != nil && (old.Min == nil || *next.Min > *old.Min) || next.Max != nil && (old.Max == nil || *next.Max < *old.Max)
}

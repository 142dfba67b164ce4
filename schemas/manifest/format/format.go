// Package format declares what stands in the files of a catalogue: every file, every key
// of it, what it means, what it may be and what it is when it is left out. Package
// manifest reads by these declarations, docs/reference/catalogue-format.md and the JSON
// Schemas for editors are written from them.
//
// What hangs on other files, or on another key of the same one (a mask that does not fit
// a kind, a field that does not exist), only the reader can say: `yiyuan check`.
package format

import (
	"path"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// File is one kind of file of a catalogue.
type File struct {
	ID               string // names its JSON Schema: dataset
	Pattern          string // of its name: datasets/*.yaml
	Needed           bool   // every catalogue has it
	Form             *document.Form
	Chinese, English string
}

// Files are all kinds of files, in the order in which they are best written.
func Files() []File { return slices.Clone(files) }

var files = []File{
	{"city", "city.yaml", true, City, "城市：名称、区划、法定时限", "the city: its name, divisions and legal time limits"},
	{"departments", "departments.yaml", true, Departments, "部门", "departments"},
	{"elements", "elements.yaml", true, Elements, "数据元：字段的值是什么、怎样校验、几级、默认怎样脱敏", "data elements: what a field's value is, how it is checked, its level, its mask by default"},
	{"purposes", "purposes.yaml", true, Purposes, "用途：为什么查询", "purposes: what a lookup may be for"},
	{"calendar", "calendar-YYYY.yaml", false, Calendar, "一年的节假日和调休，用于以工作日计的时限", "the days off and moved working days of a year, for time limits in working days"},
	{"codes", "codes/*.yaml", false, Codes, "代码集，供多个数据元共用", "a code set that several elements share"},
	{"dataset", "datasets/*.yaml", false, Dataset, "数据集：一个部门的一张表，怎样共享", "a dataset: a department's table as it is shared"},
	{"entity", "entities/*.yaml", false, Entity, "实体：可信记录有哪些字段，每格以谁为数源", "an entity: what its golden record holds, and which source each cell comes from"},
	{"rule", "rules/*.yaml", false, Rule, "核验规则：部门之间互核互校", "a rule: departments' words held against one another"},
}

// Of returns the kind of a file by its name in the catalogue's folder; false if no
// catalogue has such a file.
func Of(name string) (File, bool) {
	i := slices.IndexFunc(files, func(f File) bool {
		ok, err := path.Match(strings.Replace(f.Pattern, "YYYY", "????", 1), name)
		return err == nil && ok
	})
	if i < 0 {
		return File{}, false
	}
	return files[i], true
}

// Folders and Tops are the folders of a catalogue and the files beside them.
func Folders() (folders []string) {
	for _, f := range files {
		if folder, _, ok := strings.Cut(f.Pattern, "/"); ok {
			folders = append(folders, folder)
		}
	}
	return folders
}

// Tops are the files that every catalogue has.
func Tops() (names []string) {
	for _, f := range files {
		if f.Needed {
			names = append(names, f.Pattern)
		}
	}
	return names
}

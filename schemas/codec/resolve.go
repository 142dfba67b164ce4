package codec

import (
	"fmt"
	"slices"
	"strings"
)

// CompatibilityError says which of the older schemas a new schema is not
// compatible with, and why. It is ErrIncompatible.
type CompatibilityError struct {
	Level    string
	Old      int      // place of the older schema in the list given
	Version  int      // and its number in its subject, 0 if it is of none
	Problems []string // each with the place and what is wrong there
}

func (e *CompatibilityError) Error() string {
	with := fmt.Sprintf("older schema %d", e.Old+1)
	if e.Version > 0 {
		with = fmt.Sprintf("version %d", e.Version)
	}
	return fmt.Sprintf("模式不相容 / not %s compatible with %s: %s", e.Level, with, strings.Join(e.Problems, "; "))
}

// Unwrap returns ErrIncompatible.
func (e *CompatibilityError) Unwrap() error { return ErrIncompatible }

// KnownLevel says whether Compatible knows the level: NONE, BACKWARD, FORWARD,
// FULL and the last three with _TRANSITIVE.
func KnownLevel(level string) bool {
	base, _ := strings.CutSuffix(level, "_TRANSITIVE")
	switch base {
	case "BACKWARD", "FORWARD", "FULL":
		return true
	}
	return level == "NONE"
}

// Compatible says whether a schema may follow the older ones, oldest first.
// BACKWARD: it reads what the last of them wrote; FORWARD: the last of them
// reads what it writes; FULL: both; _TRANSITIVE: so with all of them; NONE: always.
//
// The rules are Avro's, promotions among them, made stricter where Avro would
// change a value in silence: the scale of a decimal stays and its precision does
// not shrink, dates and timestamps stay what they are. A field that one side
// lacks needs a default. The error is a
// *CompatibilityError, or ErrProfile if the new schema is outside the profile.
func Compatible(level, newSchema string, old []string) error {
	if !KnownLevel(level) {
		return fmt.Errorf("compare schemas: 未知的兼容级别 / unknown level %.40q", level)
	}
	rec, err := parse(newSchema)
	if err != nil {
		return err
	}
	if level == "NONE" {
		return nil
	}
	base, transitive := strings.CutSuffix(level, "_TRANSITIVE")
	for i := len(old) - 1; i >= 0; i-- {
		before, err := parse(old[i])
		if err != nil {
			return &CompatibilityError{Level: level, Old: i, Problems: []string{err.Error()}}
		}
		var c comparison
		if base != "FORWARD" {
			c.compare(rec, before, "新模式读旧数据", "new reads old")
		}
		if base != "BACKWARD" {
			c.compare(before, rec, "旧模式读新数据", "old reads new")
		}
		if len(c.problems) > 0 {
			return &CompatibilityError{Level: level, Old: i, Problems: c.problems}
		}
		if !transitive {
			break
		}
	}
	return nil
}

// maxProblems bounds what one comparison reports.
const maxProblems = 50

type comparison struct {
	zh, en   string // which way is being read
	problems []string
}

func (c *comparison) compare(reader, writer *record, zh, en string) {
	c.zh, c.en = zh, en
	if !named(reader, writer) {
		c.add(reader.fullName(), "记录名不同且不是别名", "the record was called "+writer.fullName())
	}
	c.records(reader, writer, reader.fullName())
}

func (c *comparison) records(reader, writer *record, path string) {
	to, absent := match(reader, writer)
	for _, i := range absent {
		if f := &reader.fields[i]; f.defText == "" {
			c.add(path+"."+f.name, "缺少该字段且没有默认值", "the field is missing and has no default")
		}
	}
	for i := range writer.fields {
		if to[i] < 0 {
			continue
		}
		r, w := &reader.fields[to[i]], &writer.fields[i]
		at := path + "." + r.name
		if zh, en := readable(r, w); en != "" {
			c.add(at, zh, en)
			continue
		}
		if r.rows != nil {
			// Avro compares the names of nested records without their namespace.
			if r.rows.name != w.rows.name && !slices.Contains(r.rows.aliases, w.rows.fullName()) {
				c.add(at, "记录名不同且不是别名", "the record was called "+w.rows.name)
			}
			c.records(r.rows, w.rows, at+"[]")
		}
	}
}

func (c *comparison) add(path, zh, en string) {
	if len(c.problems) < maxProblems {
		c.problems = append(c.problems, fmt.Sprintf("%s: %s（%s） / %s (%s)", path, zh, c.zh, en, c.en))
	}
}

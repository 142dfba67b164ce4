package codec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// match pairs the fields of a reader's record with those of a writer's: by
// name, else by an alias of the reader's field. to[i] is the place in reader of
// the writer's field i, or -1; absent are the reader's fields without a writer's.
func match(reader, writer *record) (to, absent []int) {
	to = make([]int, len(writer.fields))
	byName := make(map[string]int, len(writer.fields))
	for i, f := range writer.fields {
		to[i] = -1
		byName[f.name] = i
	}
	for i, f := range reader.fields {
		at, ok := byName[f.name]
		for a := 0; !ok && a < len(f.aliases); a++ {
			at, ok = byName[f.aliases[a]]
		}
		if !ok || to[at] >= 0 {
			absent = append(absent, i)
			continue
		}
		to[at] = i
	}
	return to, absent
}

// named says whether a reader's record takes what a writer's record is called.
func named(reader, writer *record) bool {
	return reader.fullName() == writer.fullName() || slices.Contains(reader.aliases, writer.fullName())
}

// readable says whether a reader's field can take what a writer's field holds,
// rows aside, and if not, why.
func readable(reader, writer *field) (zh, en string) {
	switch {
	case writer.null >= 0 && reader.null < 0:
		return "可空字段不能读作必填字段", "a nullable field cannot be read as one that is not"
	case promoted(reader, writer) != asWritten:
		return "", ""
	case reader.typ != writer.typ:
		return "类型不同", fmt.Sprintf("%s cannot be read as %s", kindOf(writer), kindOf(reader))
	case reader.typ == schemas.Decimal && reader.scale != writer.scale:
		return "小数位不同", fmt.Sprintf("a decimal of %d places cannot be read as one of %d", writer.scale, reader.scale)
	case reader.typ == schemas.Decimal && reader.precision < writer.precision:
		return "精度变小", fmt.Sprintf("a decimal of %d digits cannot be read as one of %d", writer.precision, reader.precision)
	case reader.wire == wireInt && writer.wire == wireLong, reader.wire == wireFloat && writer.wire == wireDouble:
		return "数值范围变小", fmt.Sprintf("%s cannot be read as %s", kindOf(writer), kindOf(reader))
	}
	return "", ""
}

// promotion is what becomes of a value whose reader's type is wider than its writer's.
type promotion uint8

const (
	asWritten promotion = iota
	toDouble            // a whole number
	toFloat             // the same, of 24 bits
	toBytes             // a text
	toText              // bytes, which must be UTF-8
)

// promoted says how a reader's field takes a writer's of another type. Dates,
// timestamps and decimals are not numbers or bytes of no meaning: they stay what
// they are. int to long and float to double need nothing done.
func promoted(reader, writer *field) promotion {
	switch {
	case reader.typ == schemas.Double && writer.typ == schemas.Long && reader.wire == wireFloat:
		return toFloat
	case reader.typ == schemas.Double && writer.typ == schemas.Long:
		return toDouble
	case reader.typ == schemas.Bytes && writer.typ == schemas.String:
		return toBytes
	case reader.typ == schemas.String && writer.typ == schemas.Bytes:
		return toText
	}
	return asWritten
}

func kindOf(f *field) string {
	if f.typ == schemas.Date || f.typ == schemas.Timestamp {
		return wireNames[f.wire] + " (" + f.typ.String() + ")"
	}
	return wireNames[f.wire]
}

// CompatibilityError says which of the older schemas a new schema is not
// compatible with, and why. It is ErrIncompatible.
type CompatibilityError struct {
	Level    string
	Old      int      // place of the older schema in the list given
	Problems []string // each with the place and what is wrong there
}

func (e *CompatibilityError) Error() string {
	return fmt.Sprintf("模式不相容 / not %s compatible with older schema %d: %s", e.Level, e.Old+1, strings.Join(e.Problems, "; "))
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

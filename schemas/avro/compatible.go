package avro

import (
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds what one comparison tells.
const maxProblems = 50

// widened are the kinds besides its own that a reader's primitive takes.
var widened = map[Kind][]Kind{
	"long":   {"int"},
	"float":  {"int", "long"},
	"double": {"int", "long", "float"},
	"string": {"bytes"},
	"bytes":  {"string"},
}

// Compatible says why a reader cannot read all that was written under another
// schema, place by place; nothing, if it can.
func Compatible(reader, writer *Schema) []Error {
	c := comparison{fits: map[[2]*Schema]bool{}, budget: maxSteps}
	c.compare(reader, writer, root(reader))
	if c.budget < 0 {
		c.problems = append(c.problems, Error{root(reader), "模式过于复杂，无法比较", "the schemas are too intricate to be compared"})
	}
	return c.problems
}

func root(s *Schema) string {
	if s.name != "" {
		return s.name
	}
	return string(s.Kind)
}

type comparison struct {
	fits     map[[2]*Schema]bool // what was found of pairs; of those being looked at: that they fit
	trail    [][2]*Schema        // pairs taken to fit, in the order in which they were
	problems []Error
	budget   int
}

func (c *comparison) add(path, zh, en string) {
	if len(c.problems) < maxProblems {
		c.problems = append(c.problems, Error{path, zh, en})
	}
}

// compare reports whether a reader takes all a writer wrote, and adds what is in the way.
func (c *comparison) compare(reader, writer *Schema, path string) bool {
	pair := [2]*Schema{reader, writer}
	if ok, known := c.fits[pair]; known { // else a list in a list would never end
		if !ok {
			c.add(path, "内容不同，别处已说明", "the types differ, as was found elsewhere")
		}
		return ok
	}
	if c.budget--; c.budget < 0 {
		return false
	}
	begin := len(c.trail)
	c.trail = append(c.trail, pair)
	c.fits[pair] = true
	if c.pair(reader, writer, path) {
		return true
	}
	for _, taken := range c.trail[begin:] { // they may have been found to fit because this pair was taken to
		delete(c.fits, taken)
	}
	c.trail = c.trail[:begin]
	c.fits[pair] = false
	return false
}

func (c *comparison) pair(reader, writer *Schema, path string) bool {
	if writer.Kind == Union {
		ok := true
		for _, branch := range writer.of { // all that can have been written
			ok = c.compare(reader, branch, path) && ok
		}
		return ok
	}
	if reader.Kind == Union {
		return c.branch(reader, writer, path)
	}
	if reader.Kind != writer.Kind {
		if slices.Contains(widened[reader.Kind], writer.Kind) {
			return true
		}
		c.add(path, "类型不同", fmt.Sprintf("%s cannot be read as %s", writer.Kind, reader.Kind))
		return false
	}
	if reader.name != "" && !named(reader, writer) {
		c.add(path, "名称不同且不是别名", fmt.Sprintf("the %s was called %s", writer.Kind, writer.name))
		return false
	}
	if r, w := reader.decimal, writer.decimal; r != nil && w != nil && *r != *w {
		c.add(path, "decimal 的精度或小数位不同", fmt.Sprintf("a decimal of %d digits, %d of them after the point, cannot be read as one of %d and %d", w.precision, w.scale, r.precision, r.scale))
		return false
	}
	switch reader.Kind {
	case Array:
		return c.compare(reader.of[0], writer.of[0], path+".items")
	case Map:
		return c.compare(reader.of[0], writer.of[0], path+".values")
	case Fixed:
		if reader.size != writer.size {
			c.add(path, "fixed 的长度不同", fmt.Sprintf("a fixed of %d bytes cannot be read as one of %d", writer.size, reader.size))
			return false
		}
	case Enum:
		return c.symbols(reader, writer, path)
	case Record:
		return c.fields(reader, writer, path)
	default: // primitives; a union's branches were compared before
	}
	return true
}

// branch reports whether one branch of a reader's union takes what was written.
func (c *comparison) branch(reader, writer *Schema, path string) bool {
	before := c.problems
	for _, branch := range reader.of {
		if c.compare(branch, writer, path) {
			c.problems = before // those of the branches that did not
			return true
		}
	}
	c.problems = before
	c.add(path, "联合中没有能读它的类型", fmt.Sprintf("no branch of the union reads %s", root(writer)))
	return false
}

func (c *comparison) symbols(reader, writer *Schema, path string) bool {
	if reader.preset != "" {
		return true
	}
	var missing []string
	for _, symbol := range writer.symbols {
		if !reader.known[symbol] {
			missing = append(missing, symbol)
		}
	}
	if len(missing) == 0 {
		return true
	}
	more := ""
	if len(missing) > 10 {
		missing, more = missing[:10], ", …"
	}
	c.add(path, "枚举缺少取值且没有默认值", "the enum lacks "+strings.Join(missing, ", ")+more+" and has no default")
	return false
}

func (c *comparison) fields(reader, writer *Schema, path string) bool {
	written := make(map[string]*field, len(writer.fields))
	for i := range writer.fields {
		written[writer.fields[i].name] = &writer.fields[i]
	}
	ok := true
	for i := range reader.fields {
		f := &reader.fields[i]
		from := written[f.name]
		for a := 0; from == nil && a < len(f.aliases); a++ {
			from = written[f.aliases[a]]
		}
		at := path + "." + f.name
		switch {
		case from != nil:
			ok = c.compare(f.typ, from.typ, at) && ok
		case !f.preset:
			c.add(at, "缺少该字段且没有默认值", "the field is missing and has no default")
			ok = false
		}
	}
	return ok
}

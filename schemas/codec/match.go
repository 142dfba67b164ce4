package codec

import (
	"fmt"
	"slices"

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

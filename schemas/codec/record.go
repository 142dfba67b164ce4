package codec

import (
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// wire is how a value of a field stands in the bytes.
type wire uint8

const (
	wireString wire = iota
	wireInt         // varint of 32 bits: Long, Date
	wireLong        // varint of 64 bits: Long, Timestamp
	wireBoolean
	wireFloat
	wireDouble
	wireBytes
	wireDecimal
	wireRows
)

var wireNames = [...]string{"string", "int", "long", "boolean", "float", "double", "bytes", "decimal", "array"}

// record is a record schema of the profile. It is immutable.
type record struct {
	name, namespace string
	doc             string
	aliases         []string // full names
	attrs           map[string]string
	fields          []field
	size            int // fields, those of nested records included
	depth           int // 1 + that of the deepest nested record
}

// field is one field of a record schema.
type field struct {
	name, doc        string
	aliases          []string
	attrs            map[string]string
	typ              schemas.Type
	wire             wire
	precision, scale int
	null             int // place of null in the union, -1 if not nullable
	rows             *record
	defText          string // the default's JSON, "" if none
	def              schemas.Value
}

func (r *record) fullName() string { return fullName(r.namespace, r.name) }

func fullName(namespace, name string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

// profileError is one breach of the profile.
type profileError struct{ path, zh, en string }

func (e *profileError) Error() string {
	if e.path == "" {
		return e.zh + " / " + e.en
	}
	return fmt.Sprintf("%s: %s / %s", e.path, e.zh, e.en)
}

func (e *profileError) Unwrap() error { return ErrProfile }

package codec

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// The attributes of a layout that are Avro properties.
const (
	attrAliases = "aliases"
	attrDefault = "default"
)

// reserved are the property names that Avro has a meaning for: no attribute can
// have one of them.
var reserved = map[string]bool{
	"type": true, "name": true, "namespace": true, "doc": true, "fields": true, "items": true, "values": true,
	"symbols": true, "size": true, "order": true, "logicalType": true, "precision": true, "scale": true,
	attrAliases: true, attrDefault: true,
}

// Schema returns the Avro schema of a layout: a record whose doc and custom
// attributes are the layout's, a union with null (null first, default null) for
// each nullable column. The same layout always gives the same text. Attributes
// whose name Avro uses itself are left out.
func Schema(l *schemas.Layout) string {
	w := schemaWriter{names: map[string]*schemas.Layout{}}
	w.record(l, "")
	return w.String()
}

type schemaWriter struct {
	bytes.Buffer
	names map[string]*schemas.Layout
}

// record writes a record, or the name of one that stands above: Avro forbids
// to define a name twice. Another layout of the same name gets a number.
func (w *schemaWriter) record(l *schemas.Layout, enclosing string) {
	name, namespace := l.Name, l.Namespace
	if namespace == "" {
		namespace = enclosing
	}
	for n := 2; ; n++ {
		full := fullName(namespace, name)
		other, taken := w.names[full]
		if !taken {
			w.names[full] = l
			break
		}
		if other == l {
			w.text(full)
			return
		}
		name = l.Name + "_" + strconv.Itoa(n)
	}
	w.WriteString(`{"type":"record","name":`)
	w.text(name)
	if namespace != enclosing {
		w.property("namespace", namespace)
	}
	w.properties(l.Doc, l.Attrs)
	w.WriteString(`,"fields":[`)
	for i, c := range l.Columns {
		if i > 0 {
			w.WriteByte(',')
		}
		w.column(c, namespace)
	}
	w.WriteString("]}")
}

func (w *schemaWriter) column(c schemas.Column, namespace string) {
	w.WriteString(`{"name":`)
	w.text(c.Name)
	w.WriteString(`,"type":`)
	if c.Nullable {
		w.WriteString(`["null",`)
	}
	switch c.Type {
	case schemas.String:
		w.WriteString(`"string"`)
	case schemas.Long:
		w.WriteString(`"long"`)
	case schemas.Date:
		w.WriteString(`{"type":"int","logicalType":"date"}`)
	case schemas.Timestamp:
		w.WriteString(`{"type":"long","logicalType":"timestamp-millis"}`)
	case schemas.Boolean:
		w.WriteString(`"boolean"`)
	case schemas.Double:
		w.WriteString(`"double"`)
	case schemas.Decimal:
		w.WriteString(`{"type":"bytes","logicalType":"decimal","precision":` + strconv.Itoa(c.Precision) + `,"scale":` + strconv.Itoa(c.Scale) + `}`)
	case schemas.Bytes:
		w.WriteString(`"bytes"`)
	case schemas.Rows:
		w.WriteString(`{"type":"array","items":`)
		if c.Rows == nil {
			w.WriteString(`"null"`) // refused by the profile, with the column's name
		} else {
			w.record(c.Rows, namespace)
		}
		w.WriteByte('}')
	default:
		w.text(c.Type.String()) // likewise
	}
	if c.Nullable {
		w.WriteString(`],"default":null`)
	} else if def := c.Attrs[attrDefault]; json.Valid([]byte(def)) {
		w.WriteString(`,"default":` + def)
	}
	w.properties(c.Doc, c.Attrs)
	w.WriteByte('}')
}

func (w *schemaWriter) properties(doc string, attrs map[string]string) {
	if doc != "" {
		w.property("doc", doc)
	}
	if aliases := attrs[attrAliases]; aliases != "" {
		w.WriteString(`,"aliases":[`)
		for i, alias := range strings.Split(aliases, ",") {
			if i > 0 {
				w.WriteByte(',')
			}
			w.text(strings.TrimSpace(alias))
		}
		w.WriteByte(']')
	}
	names := make([]string, 0, len(attrs))
	for name := range attrs {
		if !reserved[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		w.property(name, attrs[name])
	}
}

func (w *schemaWriter) property(name, value string) {
	w.WriteByte(',')
	w.text(name)
	w.WriteByte(':')
	w.text(value)
}

// text writes a JSON string, Chinese as it is.
func (w *schemaWriter) text(s string) {
	e := json.NewEncoder(&w.Buffer)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)         // a string into memory cannot fail
	w.Truncate(w.Len() - 1) // Encode ends its line
}

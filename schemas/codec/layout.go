package codec

import (
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// ParseSchema returns the layout of a schema of the profile, so that a reader
// can decode without a catalogue. int is read as Long, float as Double, a uuid
// as String. Aliases and defaults of columns become attributes; properties that
// are not strings are left out.
func ParseSchema(schema string) (*schemas.Layout, error) {
	rec, err := parse(schema)
	if err != nil {
		return nil, err
	}
	return rec.layout(map[*record]*schemas.Layout{}), nil
}

// layout returns the layout of a record; records used twice share one.
func (r *record) layout(known map[*record]*schemas.Layout) *schemas.Layout {
	if l := known[r]; l != nil {
		return l
	}
	columns := make([]schemas.Column, len(r.fields))
	for i, f := range r.fields {
		c := schemas.Column{Name: f.name, Type: f.typ, Precision: f.precision, Scale: f.scale, Nullable: f.null >= 0, Doc: f.doc, Attrs: withAliases(f.attrs, f.aliases)}
		if f.rows != nil {
			c.Rows = f.rows.layout(known)
		}
		if f.defText != "" && !c.Nullable {
			if c.Attrs == nil {
				c.Attrs = map[string]string{}
			}
			c.Attrs[attrDefault] = f.defText
		}
		columns[i] = c
	}
	l := schemas.MustLayout(r.namespace, r.name, columns...) // parse has refused what this could refuse
	l.Doc, l.Attrs = r.doc, withAliases(r.attrs, r.aliases)
	known[r] = l
	return l
}

func withAliases(attrs map[string]string, aliases []string) map[string]string {
	if len(attrs) == 0 && len(aliases) == 0 {
		return nil
	}
	out := make(map[string]string, len(attrs)+1)
	for name, value := range attrs {
		out[name] = value
	}
	if len(aliases) > 0 {
		out[attrAliases] = strings.Join(aliases, ",")
	}
	return out
}

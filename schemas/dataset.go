package schemas

// Field returns the field of that name, nil if there is none.
func (d *Dataset) Field(name string) *Field {
	for _, f := range d.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Column returns the element of what stands in a column of the dataset's rows, and its
// level; nil if there is no such column.
func (d *Dataset) Column(name string) (e *Element, level string) {
	if f := d.Field(name); f != nil {
		return f.Element, f.Level
	}
	return nil, ""
}

// RowKey returns the key of a row, the Kafka key of raw.<id>. The record must
// have the dataset's layout and text, whole numbers or days as key values.
func (d *Dataset) RowKey(r Record) string {
	parts := make([]string, len(d.KeyIndex))
	for i, at := range d.KeyIndex {
		parts[i] = keyText(r.Value(at), d.Layout.Columns[at])
	}
	return JoinKey(parts...)
}

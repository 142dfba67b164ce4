package connectors

// Absent is an option: what it means that a row lacks a nullable field. keep: it
// was not sent, and what is known of it stays (null if nothing is). null: it is
// null. A list names nullable fields that the files do not have at all; it means
// keep.
type Absent struct {
	Null   bool
	Fields []string
}

// State is the state of the cell of a nullable field that a row lacks.
func (a Absent) State() CellState {
	if a.Null {
		return Null
	}
	return Kept
}

// decode reads the option; in YAML null is a word of its own and not "not given".
func (a *Absent) decode(given any, path string) error {
	want := wrong(path, "keep, null, or a list of fields")
	switch g := given.(type) {
	case nil:
		*a = Absent{Null: true}
		return nil
	case string:
		*a = Absent{Null: g == "null"}
		if g != "null" && g != "keep" {
			return want
		}
		return nil
	}
	items, ok := list(given)
	if !ok {
		return want
	}
	*a = Absent{}
	for _, item := range items {
		name, ok := item.(string)
		if !ok {
			return want
		}
		a.Fields = append(a.Fields, name)
	}
	return nil
}

package schemas

// Dataset is one datasets/<id>.yaml: a department's table as it is shared.
type Dataset struct {
	ID       string // GA01
	Title    string
	English  string
	Provider *Department
	Code     string // 政务信息资源代码
	Class    string // A 无条件 / B 有条件 / C 不予共享
	Basis    string // class C: the law that says so
	Cycle    string // realtime daily weekly monthly quarterly halfyear yearly
	System   string // 所属系统: the system that holds it
	Returned bool   // 回流: that system is the province's or the nation's, which gives the city its rows back
	Format   string // 信息资源格式: database spreadsheet file document image stream service
	Summary  string // 摘要
	Key      []string
	Links    []Link // the entities its rows speak about
	FoundBy  []Link // by which of them a code of no set is found; a row that has none of them must not hold one
	Fields   []*Field
	Views    []*View
	Layout   *Layout // of raw.<id>: namespace yiyuan.raw, one column a field, in order
	KeyIndex []int   // positions of the key fields in Layout
	File     string  // where it was read, for messages
}

// Link says that a row speaks about an entity.
type Link struct {
	Entity string // person, enterprise, ...
	Key    string // field that holds the entity's key
	Role   string // "" for the row's own subject; "legal_rep", "spouse1", ... else
	Index  int    // position of Key in the dataset's layout
}

// Field is one column of a dataset.
type Field struct {
	Name     string
	Title    string
	English  string
	Element  *Element
	Level    string // L1..L4, the element's unless stated
	Nullable bool
	Source   bool // ★ this dataset is the accountable source (数源) of the field
	Index    int  // position in the dataset's layout
}

// Field returns the field of that name, nil if there is none.
func (d *Dataset) Field(name string) *Field {
	for _, f := range d.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
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

package schemas

import "time"

// Datasets, entities and their views name one another, so they stand together.

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

// View is a masked projection of a dataset or an entity: one topic
// shared.<owner>.<name>, one gateway view <owner>.<name>.
type View struct {
	ID       string // GA01.partial, person.partial
	Owner    string // dataset id or entity id
	Name     string // partial
	Title    string
	Audience string // whose tokens these are; key derivation label; "" = the view itself
	Only     string // "" or "verify": keyed digests only, answers yes or no
	Fields   []ViewField
	Embed    []Embed // of an entity view: rows about the entity
	Layout   *Layout // of the shared topic's value
	KeyMask  bool    // the owner's key is masked here, so the record key is a keyed token
	Level    string  // highest level of what it shows
	Dataset  *Dataset
	Entity   *Entity
}

// ViewField is one field of a view. Mask "" is clear.
type ViewField struct {
	Name  string // column of the owner's layout, same name in the view's layout
	Mask  string // mask rule id: partial district band year age suppress token digest ...
	Type  Type   // of the masked value
	Index int    // position of Name in the owner's layout (Dataset.Layout or Entity.Layout)

	// Screened says that the field holds what people write and is clear only because its
	// element has no mask: nobody decided so. The numbers of persons in it are hidden.
	Screened bool
}

// Embed puts the rows of a dataset that speak about the entity into its view
// (a person's vehicles), as a Rows column named as the dataset.
type Embed struct {
	Dataset *Dataset
	Role    string
	Fields  []ViewField
	Layout  *Layout
	Max     int // as it is written, 0 = not said; see Limit
}

// Entity is one entities/<id>.yaml: what the golden record of a person or an
// enterprise holds and which department each cell comes from.
type Entity struct {
	ID         string // person
	Title      string
	English    string
	Key        EntityKey
	Fields     []*GoldenField
	Authority  []AuthorityTable // versions, oldest first; Current chooses
	Aggregates []*Aggregate
	Views      []*View
	Layout     *Layout // of the golden record: namespace yiyuan.resolved, key column first, then Fields
	File       string

	resolved *Layout // what ResolvedLayout returns, built by Index
}

// EntityKey is the key column of an entity.
type EntityKey struct {
	Name    string
	Title   string
	Element *Element
}

// GoldenField is one cell of a golden record. All are nullable.
type GoldenField struct {
	Name    string
	Title   string
	English string
	Element *Element
	Group   string // lock-step group: its members all come from the same claim
	Level   string // the highest of the element's and of the fields it may come from
	Index   int    // position in the entity's layout
}

// AuthorityTable says, from a day on, which source each field comes from.
type AuthorityTable struct {
	Version   int
	Effective time.Time
	Basis     string
	Sources   map[string][]Candidate // golden field (or group name) -> ranked candidates; of an older version those that can still be had
	Written   any                    // the version as it is written, whatever of it can still be had; two that say the same are deeply equal
}

// Candidate is one source of a golden field (of a lock-step group: one source
// of all its fields), in rank order: the first that has a value wins.
type Candidate struct {
	Dataset  string
	Role     string
	Columns  map[string]string // golden field -> dataset field
	Constant map[string]string // golden field -> fixed value, where the dataset says it by existing
	Where    string            // CEL over `row`: which rows count, "" = all
	Pick     string            // "latest FIELD", "earliest FIELD" (FIELD|FIELD: the first that is not null; FIELD,FIELD: the second where rows are equal in the first), "newest" (source commit time); "" = newest; ties by row key; see PickBy
	Flag     string            // "" or a mark the cell carries when this candidate wins, e.g. 非权威
	Rank     int               // as it is written, from 1: those that compete have it in common; 0 = by its place
	SameRank bool              // competes with the candidate before it instead of ranking below it: Pick decides among both
}

// Aggregate counts or sums an entity's rows without keeping them in reach: for
// unbounded links (an enterprise's employees). Claims of the dataset and role
// are not loaded with the dossier.
type Aggregate struct {
	Name    string // variable in rules: agg.<name>
	Dataset string
	Role    string
	Where   string // CEL over `row`
	Sum     string // field to sum; "" counts rows
}

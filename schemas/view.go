package schemas

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
	Max     int // rows shown; 0 = 100
}
